/*
 * call_input.c - what a call sends, as the command line gives it.
 */
#include "call_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "grpc/base64.h"
#include "grpc/reply.h"

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
    ret->limit = CLI_MESSAGE_MAX;
    while (!ret->truncated && (n = read(fd, buffer, sizeof buffer)) > 0) {
        hf_text_add_mem(ret, buffer, (size_t)n);
    }
    if (n < 0) {
        r = hf_fail_errno(err, errno, "can't read the request");
    } else if (ret->truncated) {
        r = hf_fail(err, HF_EFULL, "the request is longer than %zu bytes", CLI_MESSAGE_MAX);
    }
    if (path) {
        close(fd);
    }
    return r;
}

int
cli_call_request(const struct cli *cli, bool stdin_too, struct hf_text *ret, struct hf_err *err)
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

int
cli_call_metadata(const struct cli *cli, struct hf_h2_fields *fields, struct hf_err *err)
{
    const char *text;
    int r = 0;

    for (unsigned int i = 0; r == 0 && (text = cli_flag_at(cli, "metadata", i)); i++) {
        r = add_metadata(fields, text, err);
    }
    return r;
}
