/*
 * hint.c - the command that calls a function, for pasting into a shell.
 */
#include "hint.h"

#include <string.h>

#include "base/macros.h"

/* The sample functions, with a request in protobuf's binary form. */
static const struct {
    const char *name; /* in the image tag */
    const char *method;
    const char *request; /* for printf(1); NULL: an empty message */
} samples[] = {
    { "hello", "examples.hello.v1.Hello/SayHello", NULL },
    { "greeter", "examples.greeter.v1.Greeter/SayHello", "\\n\\005World" },
    { "grpc-proxy-greeter", "examples.greeter.v1.Greeter/SayHello", "\\n\\005World" },
    { "echo", "examples.echo.v1.Echo/Echo", "\\n\\005hello" },
    { "sleep", "examples.sleep.v1.Sleep/Sleep",
      "\\b\\200\\312\\265\\356\\001" }, /* half a second */
    { "crash", "examples.crash.v1.Crash/Crash", NULL },
};

/* The name in "registry/hyperfaas-<name>:version" and its length. */
static const char *
name_of(const char *image, size_t *ret_len)
{
    static const char prefix[] = "hyperfaas-";
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;

    if (strncmp(name, prefix, strlen(prefix)) == 0) {
        name += strlen(prefix);
    }
    *ret_len = strcspn(name, ":@");
    return name;
}

/* Adds a word as a shell reads it back. */
static void
add_word(const char *word, struct hf_text *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-/:@%+=,";

    if (*word && word[strspn(word, plain)] == '\0') {
        hf_text_add(out, word);
        return;
    }
    hf_text_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'') {
            hf_text_add(out, "'\\''");
        } else {
            hf_text_add_char(out, *word);
        }
    }
    hf_text_add_char(out, '\'');
}

void
cli_hint_call(const struct cli *cli, const char *id, const char *image, struct hf_text *out)
{
    const char *method = "package.Service/Method";
    const char *request = NULL;
    size_t len;
    const char *name = name_of(image, &len);

    for (size_t i = 0; i < hf_countof(samples); i++) {
        if (strlen(samples[i].name) == len && memcmp(samples[i].name, name, len) == 0) {
            method = samples[i].method;
            request = samples[i].request;
        }
    }
    if (request) {
        hf_text_printf(out, "printf '%s' | ", request);
    }
    hf_text_add(out, "hyperfaas ");
    if (cli->config_path && !cli->config_in_environment) {
        hf_text_add(out, "-c ");
        add_word(cli->config_path, out);
        hf_text_add_char(out, ' ');
    }
    hf_text_add(out, "call ");
    add_word(id, out);
    hf_text_printf(out, " %s%s", method, request ? "" : " --data ''");
}
