/*
 * protoc.c - protobuf's definitions and text form, by running protoc.
 *
 * What goes in and comes out passes through memory files, so no pipe can block.
 */
#include "protoc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"

/* Arguments for protoc at most: our own, and one for each folder. */
#define MAX_ARGS 80

/* How often it is looked whether it has ended, where that cannot be waited for. */
#define LOOK_MS 10

/* Where protoc finds definitions that it has not to compile. */
#define SET_FD   3
#define SET_PATH "/dev/fd/3"

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

    if (fd < 0) { /* a sandbox may deny it */
        fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
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

/* What a run of protoc gets, and where its result goes. */
struct run {
    const char *args[MAX_ARGS]; /* its own name first */
    size_t argc;
    int in;
    int set; /* -1: none */
    int out;
    uint64_t timeout_ns;
};

/* Whether the process has not ended within that time. */
static bool
is_late(pid_t pid, int ms)
{
    struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
    siginfo_t info = { .si_pid = 0 };
    bool late = true;

    if (end.fd >= 0) {
        late = poll(&end, 1, ms) == 0;
        close(end.fd);
        return late;
    }
    for (int waited = 0; late && waited < ms; waited += LOOK_MS) { /* a sandbox may deny it */
        late = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && !info.si_pid;
        if (late) {
            poll(NULL, 0, LOOK_MS);
        }
    }
    return late;
}

/* Waits for the process; kills it when its time is over. */
static int
wait_for(pid_t pid, uint64_t timeout_ns, int *ret_status, struct hf_err *err)
{
    bool late = is_late(pid, (int)hf_min(timeout_ns / HF_MSEC, (uint64_t)INT32_MAX));

    if (late) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR) {
    }
    return late ? hf_fail(err, HF_ETIMEOUT, "protoc did not end in time") : 0;
}

static int
run_protoc(const struct run *run, struct hf_err *err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, run->in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, run->out, STDOUT_FILENO);
    if (run->set >= 0) {
        posix_spawn_file_actions_adddup2(&actions, run->set, SET_FD);
    }
    r = posix_spawnp(&pid, run->args[0], &actions, NULL, (char *const *)(uintptr_t)run->args,
                     environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        return hf_fail_errno(err, r, "can't run protoc; install it (Debian: protobuf-compiler)");
    }
    r = wait_for(pid, run->timeout_ns, &status, err);
    if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        r = hf_fail(err, HF_EINVALID, "protoc failed; its message is above");
    }
    return r;
}

/* --- definitions ------------------------------------------------------------------------ */

/* The folder of the file, if there is such a file: the caller frees it. */
static char *
folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    if (access(file, F_OK) < 0) {
        return NULL; /* it is looked for in the folders that are given */
    }
    return slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
}

/* Adds "-IFOLDER", which is put into `*ret` for the caller to free. */
static int
add_folder(struct run *run, const char *folder, char **ret, struct hf_err *err)
{
    *ret = hf_strdup_printf("-I%s", folder);
    if (!*ret) {
        return hf_fail(err, HF_ENOMEM, "no memory to run protoc");
    }
    run->args[run->argc++] = *ret;
    return 0;
}

int
cli_protoc_compile(const struct cli_proto *proto, struct hf_text *ret_set, struct hf_err *err)
{
    struct run run = { .args = { "protoc", "--include_imports", "-o/dev/stdout" }, .argc = 3 };
    hf_autofree char *own = folder_of(proto->file);
    char *includes[MAX_ARGS] = { NULL };
    size_t count = hf_min(proto->folder_count, (size_t)MAX_ARGS - 6);
    autoclose int in = -1;
    autoclose int out = -1;
    int r = memory_file("", 0, &in, err);

    if (r == 0) {
        r = memory_file("", 0, &out, err);
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = add_folder(&run, proto->folders[i], &includes[i], err);
    }
    if (r == 0 && own) { /* last: a file is named from the first folder that it is in */
        r = add_folder(&run, own, &includes[count], err);
    }
    run.args[run.argc++] = proto->file;
    run.in = in;
    run.out = out;
    run.set = -1;
    run.timeout_ns = proto->timeout_ns;
    if (r == 0) {
        r = run_protoc(&run, err);
    }
    if (r == 0) {
        r = read_all(out, ret_set, err);
    }
    for (size_t i = 0; i <= count; i++) {
        free(includes[i]);
    }
    return r;
}

/* --- the text form ---------------------------------------------------------------------- */

/* Runs "protoc --HOW=TYPE" with `data` as its input. */
static int
convert(const char *how, const struct hf_text *set, const char *type, const void *data, size_t len,
        uint64_t timeout_ns, struct hf_text *ret, struct hf_err *err)
{
    hf_autofree char *what = hf_strdup_printf("--%s=%s", how, type);
    struct run run = {
        .args = { "protoc", what, "--descriptor_set_in=" SET_PATH },
        .argc = 3,
        .timeout_ns = timeout_ns,
    };
    autoclose int in = -1;
    autoclose int out = -1;
    autoclose int definitions = -1;
    int r = what ? 0 : hf_fail(err, HF_ENOMEM, "no memory to run protoc");

    if (r < 0 || (r = memory_file(data, len, &in, err)) < 0 ||
        (r = memory_file("", 0, &out, err)) < 0 ||
        (r = memory_file(hf_text_str(set), set->len, &definitions, err)) < 0) {
        return r;
    }
    run.in = in;
    run.out = out;
    run.set = definitions;
    r = run_protoc(&run, err);
    return r < 0 ? r : read_all(out, ret, err);
}

int
cli_protoc_encode(const struct hf_text *set, const char *type, const void *data, size_t len,
                  uint64_t timeout_ns, struct hf_text *ret, struct hf_err *err)
{
    return convert("encode", set, type, data, len, timeout_ns, ret, err);
}

int
cli_protoc_decode(const struct hf_text *set, const char *type, const void *data, size_t len,
                  uint64_t timeout_ns, struct hf_text *ret, struct hf_err *err)
{
    return convert("decode", set, type, data, len, timeout_ns, ret, err);
}
