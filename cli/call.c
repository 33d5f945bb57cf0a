/*
 * call.c - `hyperfaas call` and `hyperfaas proxy call`: call a function through a leaf or load
 * balancer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "call_form.h"
#include "client.h"
#include "grpc/base64.h"
#include "grpc/reply.h"
#include "output.h"
#include "proto/scalar.h"
#include "protoc.h"
#include "reflection.h"

/* Longest message, either way. */
#define MESSAGE_MAX ((size_t)1 << 30)

/* Rows for a table of flags. */
#define CALL_FLAGS                                                                                 \
    { "address", 'a', "HOST:PORT",                                                                 \
      "The proxy to call, instead of the configuration's [lb] or [leaf] proxy." },                 \
        { "file", 'f', "FILE", "Reads the request from a file." },                                 \
        { "format", 0, "FORM",                                                                     \
          "How the request is written and the answer is shown: json, text (protobuf's, by way of " \
          "protoc) or raw (the bytes). By default a request that begins with '{' is JSON; any "    \
          "other is text with --proto and raw without." },                                         \
        { "proto", 0, "FILE",                                                                      \
          "The .proto file that defines the method. Without it, the function is asked by gRPC "    \
          "server reflection." },                                                                  \
        { "proto-path", 'I', "FOLDER",                                                             \
          "Where the .proto file and its imports are, besides the file's folder; may repeat." },   \
    {                                                                                              \
        "metadata", 'H', "NAME:VALUE",                                                             \
            "Sends metadata; may repeat. The value of a NAME that ends in -bin is base64."         \
    }

static const struct cli_flag call_flags[] = {
    { "data", 'd', "TEXT", "The request, instead of reading it from standard input." },
    CALL_FLAGS,
    { 0 },
};

static const struct cli_flag proxy_call_flags[] = {
    { "function-id", 0, "ID", "The function." },
    { "method", 0, "METHOD", "The method, as package.Service/Method." },
    { "data", 'd', "TEXT", "The request (default: an empty message)." },
    CALL_FLAGS,
    { 0 },
};

struct calling {
    struct cli *cli;
    const char *function;
    const char *method;
    const char *address;
    uint64_t deadline_ns;
    struct cli_codec codec;
    bool failed; /* an answer can't be shown: the call is given up */
    bool shown;  /* a message */
    struct hf_err *err;
    struct hf_text out; /* with --json, what will be printed in the end */
    struct hf_json json;
};

static uint64_t
time_left(const struct calling *calling)
{
    return hf_max(hf_sub_saturated(calling->deadline_ns, hf_now()), (uint64_t)1);
}

/* --- the request ------------------------------------------------------------------------ */

static int
read_input(const char *path, struct hf_text *ret, struct hf_err *err)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    char buffer[65536];
    ssize_t n = 0;
    int r = 0;

    if (fd < 0) {
        return hf_fail_errno(err, errno, "can't read '%s'", path);
    }
    ret->limit = MESSAGE_MAX;
    while (!ret->truncated && (n = read(fd, buffer, sizeof buffer)) > 0) {
        hf_text_add_mem(ret, buffer, (size_t)n);
    }
    if (n < 0) {
        r = hf_fail_errno(err, errno, "can't read the request");
    } else if (ret->truncated) {
        r = hf_fail(err, HF_EFULL, "the request is longer than %zu bytes", MESSAGE_MAX);
    }
    if (path) {
        close(fd);
    }
    return r;
}

/* Reads the request: --data, --file, or standard input if `stdin_too`. */
static int
read_request(const struct cli *cli, bool stdin_too, struct hf_text *ret, struct hf_err *err)
{
    const char *data = cli_flag(cli, "data");
    const char *file = cli_flag(cli, "file");

    if (data && file) {
        return hf_fail(err, HF_EINVALID, "--data and --file are both given: leave out one");
    }
    if (data) {
        hf_text_add(ret, data);
        return 0;
    }
    if (!file && !stdin_too) {
        return 0;
    }
    if (!file && isatty(STDIN_FILENO)) {
        fprintf(stderr, "Reading the request from the terminal, to its end (Ctrl-D); --data '' "
                        "sends an empty one.\n");
    }
    return read_input(file, ret, err);
}

/* Adds "NAME:VALUE". */
static int
add_metadata(struct hf_h2_fields *fields, const char *text, struct hf_err *err)
{
    const char *colon = strchr(text, ':');
    hf_autofree char *name = colon ? strndup(text, (size_t)(colon - text)) : NULL;
    const char *value = colon ? colon + 1 + strspn(colon + 1, " ") : "";
    size_t len = strlen(value);
    hf_autofree uint8_t *bytes = malloc(len + 3);
    int r = name && bytes ? 0 : HF_EINVALID;

    if (r == 0 && hf_grpc_is_binary(name, strlen(name))) {
        r = hf_grpc_base64_decode(value, len, bytes, &len);
        value = (const char *)bytes;
    }
    if (r == 0) {
        r = hf_grpc_metadata_add(fields, name, value, len);
    }
    return r == 0 ? 0
                  : hf_fail(err, HF_EINVALID,
                            "--metadata: '%s' is not NAME:VALUE with a lower-case name that is "
                            "free to use and a value of visible ASCII (base64 if the name ends in "
                            "-bin)",
                            text);
}

/* Adds what the flags --metadata say. */
static int
read_metadata(const struct cli *cli, struct hf_h2_fields *fields, struct hf_err *err)
{
    const char *text;
    int r = 0;

    for (unsigned int i = 0; r == 0 && (text = cli_flag_at(cli, "metadata", i)); i++) {
        r = add_metadata(fields, text, err);
    }
    return r;
}

/* --- the answer ------------------------------------------------------------------------- */

/* A message in what --json prints. */
static int
put_message(struct calling *calling, const struct hf_text *text)
{
    if (calling->codec.form == CLI_FORM_JSON) {
        hf_json_value(&calling->json, NULL, hf_text_str(text), text->len);
    } else if (calling->codec.form == CLI_FORM_TEXT) {
        hf_json_str(&calling->json, NULL, hf_text_str(text));
    } else {
        hf_autotext struct hf_text base64;

        hf_text_init(&base64);
        base64.limit = 2 * MESSAGE_MAX;
        cli_put_base64(hf_text_str(text), text->len, &base64);
        hf_json_str(&calling->json, NULL, hf_text_str(&base64));
        calling->out.truncated |= base64.truncated;
    }
    return calling->out.truncated ? hf_fail(calling->err, HF_EFULL, "the answer is too long") : 0;
}

/* Shows a message to people.  JSON has a line for each; in the other forms, where a message may
 * have any number of lines, something stands between two. */
static bool
show_message(struct calling *calling, struct hf_text *text)
{
    static const char *const between[] = {
        [CLI_FORM_RAW] = "\n",
        [CLI_FORM_TEXT] = "---\n",
        [CLI_FORM_JSON] = NULL,
    };
    const char *separator = calling->shown ? between[calling->codec.form] : NULL;

    calling->shown = true;
    if (calling->codec.form == CLI_FORM_JSON) {
        hf_text_add_char(text, '\n');
    }
    if (text->truncated) {
        hf_fail(calling->err, HF_EFULL, "the answer is too long");
        return false;
    }
    return (!separator || cli_print_bytes(separator, strlen(separator), calling->err) == CLI_OK) &&
           cli_print_foreign(hf_text_str(text), text->len, calling->err) == CLI_OK;
}

static void
on_message(void *arg, const void *message)
{
    struct calling *calling = arg;
    const ProtobufCBinaryData *bytes = message;
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    text.limit = MESSAGE_MAX;
    if (calling->failed) {
        return;
    }
    calling->codec.timeout_ns = time_left(calling);
    if (cli_codec_decode(&calling->codec, bytes->data, bytes->len, &text, calling->err) < 0) {
        calling->failed = true;
    } else if (calling->cli->json) {
        calling->failed = put_message(calling, &text) < 0;
    } else {
        calling->failed = !show_message(calling, &text);
    }
}

static bool
has_failed(void *arg)
{
    return ((const struct calling *)arg)->failed;
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    static const char *const encodings[] = { "base64", "text", "json" };
    struct calling *calling = arg;
    struct hf_json *json = &calling->json;

    hf_json_end(json);
    hf_json_str(json, "encoding", encodings[calling->codec.form]);
    hf_json_str(json, "status", hf_grpc_code_name(result->code));
    hf_json_u64(json, "code", result->code);
    hf_json_str(json, "message", result->message);
    hf_json_str(json, "reason", cli_call_reason(result));
}

/* --- the command ------------------------------------------------------------------------ */

/* Whether HTTP/2 can carry the word as a pseudo-header field. */
static bool
is_visible(const char *word)
{
    const char *c = word;

    while (*c > ' ' && *c < 0x7F) {
        c++;
    }
    return *word && *c == '\0';
}

static int
check_names(const struct calling *calling)
{
    if (!is_visible(calling->function)) {
        return hf_fail(calling->err, HF_EINVALID,
                       "'%s' can't be called: the id of a function that can has visible ASCII only",
                       calling->function);
    }
    if (!is_visible(calling->method) || !strchr(calling->method + 1, '/')) {
        return hf_fail(calling->err, HF_EINVALID,
                       "'%s' is not a method: write package.Service/Method", calling->method);
    }
    return 0;
}

/* Compiles the .proto file into the definitions. */
static int
compile(struct calling *calling, const char *file)
{
    const char *folders[CLI_MAX_GIVEN];
    struct cli_proto proto = {
        .file = file,
        .folders = folders,
        .timeout_ns = time_left(calling),
    };

    while (proto.folder_count < hf_countof(folders) &&
           (folders[proto.folder_count] =
                cli_flag_at(calling->cli, "proto-path", (unsigned int)proto.folder_count))) {
        proto.folder_count++;
    }
    return cli_protoc_compile(&proto, &calling->codec.set, calling->err);
}

/* Asks the function for the definitions. */
static int
reflect(struct calling *calling, bool *ret_refused)
{
    const struct cli_reflection what = {
        .address = calling->address,
        .function = calling->function,
        .method = calling->method,
        .timeout_ns = time_left(calling),
    };
    int r = cli_reflect(&what, &calling->codec.set, ret_refused, calling->err);

    if (r == HF_EUNSUPPORTED) {
        *ret_refused = false;
        hf_fail(calling->err, r,
                "function '%s' does not tell its definitions (gRPC server reflection): give them "
                "with --proto FILE, or the bytes of the message with --format raw",
                calling->function);
    }
    return r;
}

/* Gets the definitions and finds the method in them; an exit code. */
static int
get_definitions(struct calling *calling)
{
    const char *file = cli_flag(calling->cli, "proto");
    bool refused = false;
    int r = file ? compile(calling, file) : reflect(calling, &refused);

    if (r == 0) {
        r = cli_codec_prepare(&calling->codec, calling->method, calling->err);
    }
    if (r == 0) {
        return CLI_OK;
    }
    if (refused) {
        return CLI_CALL;
    }
    return r == HF_ENOTFOUND || (file && r == HF_EINVALID) ? CLI_USAGE : CLI_FAILED;
}

/* Turns the request into messages; an exit code. */
static int
prepare(struct calling *calling, const struct hf_text *request, struct hf_text *ret_frames)
{
    int exit_code = CLI_OK;

    if (cli_form_choose(cli_flag(calling->cli, "format"), cli_flag(calling->cli, "proto"), request,
                        &calling->codec.form, calling->err) < 0) {
        return CLI_USAGE;
    }
    if (calling->codec.form != CLI_FORM_RAW) {
        exit_code = get_definitions(calling);
    }
    calling->codec.timeout_ns = time_left(calling);
    return exit_code == CLI_OK &&
                   cli_codec_encode(&calling->codec, request, ret_frames, calling->err) < 0
               ? CLI_USAGE
               : exit_code;
}

/* Makes the call and prints the answer; an exit code. */
static int
exchange(struct calling *calling, const struct hf_text *frames, const struct hf_h2_fields *metadata)
{
    hf_autofree char *path =
        hf_strdup_printf("%s%s", calling->method[0] == '/' ? "" : "/", calling->method);
    struct cli_call call = {
        .address = calling->address,
        .max_message = MESSAGE_MAX,
        .request = { .path = path,
                     .data = hf_text_str(frames),
                     .len = frames->len,
                     .framed = true,
                     .timeout_ns = time_left(calling),
                     .authority = calling->function,
                     .metadata = metadata },
        .on_message = on_message,
        .is_enough = has_failed,
        .on_done = on_done,
        .arg = calling,
    };
    int r;

    if (!path) {
        hf_fail(calling->err, HF_ENOMEM, "no memory for the call");
        return CLI_FAILED;
    }
    cli_object_begin(&calling->json, &calling->out);
    calling->out.limit = 4 * MESSAGE_MAX;
    hf_json_array(&calling->json, "messages");
    r = cli_call(&call, calling->err);
    if (calling->failed || (r < 0 && !call.refused)) {
        return CLI_FAILED;
    }
    if (calling->cli->json && cli_object_print(&calling->json, calling->err) != CLI_OK) {
        return CLI_FAILED;
    }
    return r < 0 ? CLI_CALL : CLI_OK;
}

/* Calls, once it is known what; `stdin_too`: the request may come from there. */
static int
run(struct calling *calling, bool stdin_too)
{
    struct cli *cli = calling->cli;
    struct hf_h2_fields *metadata = hf_h2_fields_new();
    hf_autotext struct hf_text request;
    hf_autotext struct hf_text frames;
    int exit_code = CLI_USAGE;

    hf_text_init(&request);
    hf_text_init(&frames);
    frames.limit = MESSAGE_MAX + 64;
    if (!metadata) {
        hf_fail(calling->err, HF_ENOMEM, "no memory for the call");
    } else if (check_names(calling) == 0 && read_metadata(cli, metadata, calling->err) == 0 &&
               read_request(cli, stdin_too, &request, calling->err) == 0) {
        calling->deadline_ns = hf_add_saturated(hf_now(), cli->timeout_ns);
        exit_code = prepare(calling, &request, &frames);
        if (exit_code == CLI_OK) {
            exit_code = exchange(calling, &frames, metadata);
        }
    }
    hf_h2_fields_unref(metadata);
    return exit_code;
}

/* What both commands do. */
static int
call_function(struct cli *cli, const char *function, const char *method, bool stdin_too,
              struct hf_err *err)
{
    const char *address = cli_flag(cli, "address");
    struct calling calling = {
        .cli = cli,
        .function = function,
        .method = method,
        .address = address ? address : cli_proxy_address(cli),
        .err = err,
    };
    int exit_code;

    hf_text_init(&calling.out);
    hf_text_init(&calling.codec.set);
    exit_code = run(&calling, stdin_too);
    cli_codec_fini(&calling.codec);
    hf_text_fini(&calling.out);
    return exit_code;
}

static int
call(struct cli *cli, struct hf_err *err)
{
    return call_function(cli, cli->argv[0], cli->argv[1], true, err);
}

static int
proxy_call(struct cli *cli, struct hf_err *err)
{
    const char *function = cli_flag(cli, "function-id");
    const char *method = cli_flag(cli, "method");

    if (!function || !method) {
        hf_fail(err, HF_EINVALID,
                "--function-id and --method must be given: see 'hyperfaas proxy "
                "call --help'");
        return CLI_USAGE;
    }
    return call_function(cli, function, method, false, err);
}

const struct cli_command cli_call_commands[] = {
    { "call", "FUNCTION METHOD",
      "Calls package.Service/Method of a function and prints the answer. A method that takes a "
      "stream is sent one message for each JSON document of the request.",
      call_flags, 2, 2, call,
      "hyperfaas call hi examples.greeter.v1.Greeter/SayHello -d '{\"name\":\"you\"}'" },
    { "proxy call", "", "The same, with all of it in flags.", proxy_call_flags, 0, 0, proxy_call,
      "hyperfaas proxy call --function-id hi --method examples.hello.v1.Hello/SayHello" },
    { 0 },
};
