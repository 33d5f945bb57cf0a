/*
 * call.c - `hyperfaas call`: calls a function through a leaf or load balancer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "cli.h"
#include "grpc/base64.h"
#include "grpc/client.h"
#include "grpc/reply.h"
#include "loop/loop.h"
#include "protoc.h"

/* Longest message, either way. */
#define MESSAGE_MAX ((size_t)1 << 30)

static const struct cli_flag call_flags[] = {
    { "address", 'a', "HOST:PORT",
      "The proxy to call, instead of the configuration's [lb] or [leaf] proxy." },
    { "data", 'd', "TEXT", "The request, instead of reading it." },
    { "file", 'f', "FILE", "Reads the request from a file instead of standard input." },
    { "proto", 0, "FILE",
      "The .proto file of the method: request and answer are in protobuf's text form, by way of "
      "protoc. Without it they are the bytes of the messages." },
    { "proto-path", 'I', "FOLDER",
      "Where the .proto file and its imports are (default: the file's folder); may repeat." },
    { "metadata", 'H', "NAME:VALUE",
      "Sends metadata; may repeat. The value of a NAME that ends in -bin is base64." },
    { 0 },
};

struct calling {
    struct cli *cli;
    const char *address;
    struct cli_proto proto; /* `file` NULL: raw bytes */
    char *proto_folder;
    const char *folders[CLI_MAX_GIVEN];
    char *request_type;
    char *response_type;
    bool done;
    int exit; /* an enum cli_exit; other than CLI_OK, the call is given up */
    struct hf_err *err;
    struct hf_text out; /* with --json, what will be printed in the end */
    struct hf_json json;
};

/* --- the request ----------------------------------------------------------------------- */

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

/* What was given as the request, before it is encoded. */
static int
read_request(const struct cli *cli, struct hf_text *ret, struct hf_err *err)
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
    if (!file && isatty(STDIN_FILENO)) {
        fprintf(stderr, "Reading the request from the terminal, to its end (Ctrl-D); --data '' "
                        "sends an empty one.\n");
    }
    return read_input(file, ret, err);
}

static int
make_request(struct calling *calling, struct hf_text *ret, struct hf_err *err)
{
    hf_autotext struct hf_text input;
    int r;

    hf_text_init(&input);
    if (!calling->proto.file) {
        return read_request(calling->cli, ret, err);
    }
    r = read_request(calling->cli, &input, err);
    return r < 0 ? r
                 : cli_protoc_encode(&calling->proto, calling->request_type, hf_text_str(&input),
                                     input.len, ret, err);
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

static int
make_metadata(const struct cli *cli, struct hf_h2_fields *fields, struct hf_err *err)
{
    const char *text;
    int r = 0;

    for (unsigned int i = 0; r == 0 && (text = cli_flag_at(cli, "metadata", i)); i++) {
        r = add_metadata(fields, text, err);
    }
    return r;
}

/* --- the answer ------------------------------------------------------------------------ */

/* Bytes for JSON, as RFC 4648 base64 with its padding. */
static void
add_base64(const void *data, size_t len, struct hf_text *ret)
{
    hf_autofree char *text = malloc(HF_GRPC_BASE64_SIZE(len));
    size_t text_len;

    if (!text) {
        ret->truncated = true;
        return;
    }
    text_len = hf_grpc_base64_encode(data, len, text);
    hf_text_add_mem(ret, text, text_len);
    hf_text_pad(ret, '=', (4 - text_len % 4) % 4);
}

/* A message as it is shown. */
static int
format_message(struct calling *calling, const void *data, size_t len, struct hf_text *ret)
{
    if (calling->proto.file) {
        return cli_protoc_decode(&calling->proto, calling->response_type, data, len, ret,
                                 calling->err);
    }
    if (calling->cli->json) {
        add_base64(data, len, ret);
    } else {
        hf_text_add_mem(ret, data, len);
    }
    return ret->truncated ? hf_fail(calling->err, HF_ENOMEM, "no memory for the answer") : 0;
}

static void
on_message(void *arg, const void *message)
{
    struct calling *calling = arg;
    const ProtobufCBinaryData *bytes = message;
    hf_autotext struct hf_text text;

    if (calling->exit != CLI_OK) {
        return; /* the call is being given up */
    }
    hf_text_init(&text);
    text.limit = 2 * MESSAGE_MAX;
    if (format_message(calling, bytes->data, bytes->len, &text) < 0) {
        calling->exit = CLI_FAILED;
    } else if (calling->cli->json) {
        hf_json_str(&calling->json, NULL, hf_text_str(&text));
    } else {
        calling->exit = cli_print(&text, calling->err);
    }
}

/* The call has ended with an error: where it comes from decides the exit code. */
static void
fail_call(struct calling *calling, const struct hf_grpc_result *result, const char *reason)
{
    int code = hf_grpc_result_error(result, "", NULL);

    hf_fail(calling->err, code, "%s: %s%s%s%s", hf_grpc_code_name(result->code), result->message,
            reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
    calling->exit = CLI_CALL;
    if (!result->answered) {
        hf_err_wrap(calling->err, code, "no answer from '%s'", calling->address);
        calling->exit = CLI_FAILED;
    }
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct calling *calling = arg;
    const char *reason =
        result->trailers ? hf_grpc_metadata(result->trailers, "hyperfaas-reason") : NULL;

    if (calling->done) {
        return; /* given up before */
    }
    calling->done = true;
    if (calling->cli->json) {
        hf_json_end(&calling->json);
        hf_json_str(&calling->json, "encoding", calling->proto.file ? "text" : "base64");
        hf_json_str(&calling->json, "status", hf_grpc_code_name(result->code));
        hf_json_u64(&calling->json, "code", result->code);
        hf_json_str(&calling->json, "message", result->message);
        hf_json_str(&calling->json, "reason", reason);
        hf_json_end(&calling->json);
    }
    if (result->code != HF_GRPC_OK && calling->exit == CLI_OK) {
        fail_call(calling, result, reason);
    }
}

/* --- the command ------------------------------------------------------------------------ */

static bool
is_over(void *arg)
{
    const struct calling *calling = arg;

    return calling->done || calling->exit != CLI_OK;
}

static int
exchange(struct calling *calling, struct hf_loop *loop, const struct hf_text *message,
         const struct hf_h2_fields *metadata, struct hf_err *err)
{
    struct cli *cli = calling->cli;
    const char *method = cli->argv[1];
    hf_autofree char *path = hf_strdup_printf("%s%s", method[0] == '/' ? "" : "/", method);
    const struct hf_grpc_request request = {
        .path = path,
        .data = hf_text_str(message),
        .len = message->len,
        .timeout_ns = cli->timeout_ns,
        .authority = cli->argv[0],
        .metadata = metadata,
    };
    struct hf_grpc_client_options options;
    struct hf_grpc_client *client;
    int r;

    hf_grpc_client_options_init(&options);
    options.max_message_bytes = MESSAGE_MAX;
    r = path ? hf_grpc_client_new(loop, calling->address, &options, &client, err)
             : hf_fail(err, HF_ENOMEM, "no memory for the call");
    if (r < 0) {
        return r;
    }
    r = hf_grpc_client_stream(client, &request, on_message, on_done, calling, NULL);
    if (r < 0) {
        r = hf_fail(err, r, "can't begin the call");
    } else if (!hf_loop_run_until(loop, is_over, calling, cli->timeout_ns + HF_SEC)) {
        r = hf_fail(err, HF_ETIMEOUT, "no answer in time");
    }
    calling->done = true;
    hf_grpc_client_free(client);
    return r;
}

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
check_names(const struct cli *cli, struct hf_err *err)
{
    if (!is_visible(cli->argv[0])) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' can't be called: the id of a function that can has visible ASCII only",
                       cli->argv[0]);
    }
    if (!is_visible(cli->argv[1]) || !strchr(cli->argv[1] + 1, '/')) {
        return hf_fail(err, HF_EINVALID, "'%s' is not a method: write package.Service/Method",
                       cli->argv[1]);
    }
    return 0;
}

/* Finds the types of the method, if there is a .proto file. */
static int
prepare_proto(struct calling *calling, struct hf_err *err)
{
    const char *file = cli_flag(calling->cli, "proto");
    const char *slash = file ? strrchr(file, '/') : NULL;
    const char *folder;

    if (!file) {
        return 0;
    }
    for (unsigned int i = 0; (folder = cli_flag_at(calling->cli, "proto-path", i)); i++) {
        calling->folders[calling->proto.folder_count++] = folder;
    }
    if (calling->proto.folder_count == 0 && slash) { /* protoc insists on a folder above it */
        calling->proto_folder = strndup(file, (size_t)(slash - file) + 1);
        calling->folders[calling->proto.folder_count++] = calling->proto_folder;
    }
    calling->proto.file = file;
    calling->proto.folders = calling->folders;
    return cli_protoc_types(&calling->proto, calling->cli->argv[1], &calling->request_type,
                            &calling->response_type, err);
}

/* Makes the call and prints the answer; all has been read and checked. */
static int
run_call(struct calling *calling, const struct hf_text *request,
         const struct hf_h2_fields *metadata, struct hf_err *err)
{
    struct hf_loop *loop = NULL;
    int r;

    hf_json_init(&calling->json, &calling->out);
    hf_json_object(&calling->json, NULL);
    hf_json_array(&calling->json, "messages");
    r = hf_loop_new("call", &loop, err);
    if (r == 0) {
        r = exchange(calling, loop, request, metadata, err);
    }
    hf_loop_free(loop);
    if (r < 0 || calling->exit == CLI_FAILED) {
        return CLI_FAILED;
    }
    if (calling->cli->json && cli_print_json(&calling->out, err) != CLI_OK) {
        return CLI_FAILED;
    }
    return calling->exit;
}

static int
call(struct cli *cli, struct hf_err *err)
{
    const char *address = cli_flag(cli, "address");
    struct calling calling = {
        .cli = cli,
        .address = address ? address : cli_proxy_address(cli),
        .err = err,
        .exit = CLI_OK,
    };
    struct hf_h2_fields *metadata = hf_h2_fields_new();
    hf_autotext struct hf_text request;
    int exit_code = CLI_USAGE;

    hf_text_init(&request);
    hf_text_init(&calling.out);
    calling.out.limit = 4 * MESSAGE_MAX;
    if (metadata && check_names(cli, err) == 0 && make_metadata(cli, metadata, err) == 0 &&
        prepare_proto(&calling, err) == 0 && make_request(&calling, &request, err) == 0) {
        exit_code = run_call(&calling, &request, metadata, err);
    } else if (!metadata) {
        hf_fail(err, HF_ENOMEM, "no memory for the call");
    }
    hf_h2_fields_unref(metadata);
    hf_text_fini(&calling.out);
    free(calling.proto_folder);
    free(calling.request_type);
    free(calling.response_type);
    return exit_code;
}

const struct cli_command cli_call_commands[] = {
    { "call", "FUNCTION METHOD",
      "Calls package.Service/Method of a function and prints the answer.", call_flags, 2, 2, call },
    { 0 },
};
