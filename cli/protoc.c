/*
 * protoc.c - protobuf's text form, by running protoc.
 *
 * What goes in and comes out passes through memory files, so no pipe can block.
 */
#include "protoc.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"

/* Arguments for protoc at most: our own, and one for each folder. */
#define MAX_ARGS 64

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

#define autoclose __attribute__((cleanup(close_fd)))

/* --- running -------------------------------------------------------------------------- */

static int
memory_file(const void *data, size_t len, int *ret, struct hf_err *err)
{
    int fd = memfd_create("protoc", MFD_CLOEXEC);

    if (fd < 0) {
        return hf_fail_errno(err, errno, "no file for protoc");
    }
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0) {
            close(fd);
            return hf_fail_errno(err, errno, "can't write for protoc");
        }
        data = (const char *)data + n;
        len -= (size_t)n;
    }
    lseek(fd, 0, SEEK_SET);
    *ret = fd;
    return 0;
}

static int
read_all(int fd, struct hf_text *ret, struct hf_err *err)
{
    char buffer[16384];
    ssize_t n;

    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        hf_text_add_mem(ret, buffer, (size_t)n);
    }
    return n < 0 ? hf_fail_errno(err, errno, "can't read what protoc wrote") : 0;
}

/* Runs protoc; its complaints go to our stderr. */
static int
run(char *const *argv, int in, int out, struct hf_err *err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        return hf_fail_errno(err, r, "can't run protoc; install it (Debian: protobuf-compiler)");
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return hf_fail(err, HF_EINVALID, "protoc failed; its message is above");
    }
    return 0;
}

/* Runs "protoc -I... `what` `file`" with `data` as its input. */
static int
protoc(const struct cli_proto *proto, const char *what, const char *file, const void *data,
       size_t len, struct hf_text *ret, struct hf_err *err)
{
    char *argv[MAX_ARGS] = { "protoc" };
    char *includes[MAX_ARGS] = { NULL };
    size_t argc = 1;
    size_t count = hf_min(proto->folder_count, (size_t)MAX_ARGS - 5);
    autoclose int in = -1;
    autoclose int out = -1;
    int r = memory_file(data, len, &in, err);

    if (r == 0) {
        r = memory_file("", 0, &out, err);
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (asprintf(&includes[i], "-I%s", proto->folders[i]) < 0) {
            includes[i] = NULL;
            r = hf_fail(err, HF_ENOMEM, "no memory to run protoc");
        } else {
            argv[argc++] = includes[i];
        }
    }
    if (r == 0) {
        argv[argc++] = (char *)(uintptr_t)what; /* only read */
        argv[argc++] = (char *)(uintptr_t)file;
        r = run(argv, in, out, err);
    }
    if (r == 0) {
        r = read_all(out, ret, err);
    }
    for (size_t i = 0; i < count; i++) {
        free(includes[i]);
    }
    return r;
}

/* --- encoding ------------------------------------------------------------------------- */

static int
convert(const struct cli_proto *proto, const char *how, const char *type, const void *data,
        size_t len, struct hf_text *ret, struct hf_err *err)
{
    hf_autofree char *what = NULL;

    if (asprintf(&what, "--%s=%s", how, type) < 0) {
        what = NULL;
        return hf_fail(err, HF_ENOMEM, "no memory to run protoc");
    }
    return protoc(proto, what, proto->file, data, len, ret, err);
}

int
cli_protoc_encode(const struct cli_proto *proto, const char *type, const void *data, size_t len,
                  struct hf_text *ret, struct hf_err *err)
{
    return convert(proto, "encode", type, data, len, ret, err);
}

int
cli_protoc_decode(const struct cli_proto *proto, const char *type, const void *data, size_t len,
                  struct hf_text *ret, struct hf_err *err)
{
    return convert(proto, "decode", type, data, len, ret, err);
}

/* --- types ----------------------------------------------------------------------------- */

/* What a line of the text form of a FileDescriptorSet says: `key: "value"`, or NULL. */
static char *
string_after(const char *line, const char *key)
{
    size_t len = strlen(key);
    const char *end;

    line += strspn(line, " ");
    if (strncmp(line, key, len) != 0 || strncmp(line + len, ": \"", 3) != 0) {
        return NULL;
    }
    line += len + 3;
    end = strchr(line, '"');
    return end ? strndup(line, (size_t)(end - line)) : NULL;
}

/* The place in the text while looking for one method. */
struct search {
    const char *service; /* without its package */
    const char *method;
    size_t service_len;
    bool in_service;
    bool in_method;
    char **ret_request;
    char **ret_response;
};

static void
search_line(struct search *search, const char *line)
{
    size_t indent = strspn(line, " ");
    hf_autofree char *name = string_after(line, "name");

    if (strcmp(line + indent, "service {") == 0) {
        search->in_service = false;
        search->in_method = false;
    } else if (name && indent == 4) { /* of a message or service of a file */
        search->in_service = strlen(name) == search->service_len &&
                             memcmp(name, search->service, search->service_len) == 0;
    } else if (name && indent == 6) { /* of a field or method */
        search->in_method = search->in_service && strcmp(name, search->method) == 0;
    } else if (search->in_method && !*search->ret_request) {
        *search->ret_request = string_after(line, "input_type");
    } else if (search->in_method && !*search->ret_response) {
        *search->ret_response = string_after(line, "output_type");
    }
}

/* protoc's options take a type's name without the leading dot. */
static void
strip_dot(char *type)
{
    if (type && type[0] == '.') {
        memmove(type, type + 1, strlen(type));
    }
}

int
cli_protoc_types(const struct cli_proto *proto, const char *method, char **ret_request,
                 char **ret_response, struct hf_err *err)
{
    const char *full = method + (method[0] == '/');
    const char *slash = strrchr(full, '/');
    const char *dot = slash ? memrchr(full, '.', (size_t)(slash - full)) : NULL;
    const char *service = dot ? dot + 1 : full;
    hf_autotext struct hf_text set;
    hf_autotext struct hf_text text;
    struct search search;
    char *save = NULL;
    char *line;
    int r;

    hf_text_init(&set);
    hf_text_init(&text);
    *ret_request = *ret_response = NULL;
    if (!slash) {
        return hf_fail(err, HF_EINVALID, "method '%s' is not of the form package.Service/Method",
                       method);
    }
    r = protoc(proto, "-o/dev/stdout", proto->file, "", 0, &set, err);
    if (r == 0) {
        const struct cli_proto none = { 0 };

        r = protoc(&none, "--decode=google.protobuf.FileDescriptorSet",
                   "google/protobuf/descriptor.proto", hf_text_str(&set), set.len, &text, err);
    }
    if (r < 0) {
        return r;
    }
    search = (struct search){
        .service = service,
        .service_len = (size_t)(slash - service),
        .method = slash + 1,
        .ret_request = ret_request,
        .ret_response = ret_response,
    };
    hf_autofree char *lines = hf_text_steal(&text);
    for (line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        search_line(&search, line);
    }
    strip_dot(*ret_request);
    strip_dot(*ret_response);
    return *ret_request && *ret_response
               ? 0
               : hf_fail(err, HF_ENOTFOUND, "'%s' defines no method '%s'", proto->file, full);
}
