/*
 * deny.c - runs a program in a sandbox that denies it some system calls:
 *
 *     deny EPERM close_range,pidfd_open PROGRAM ARGUMENT...
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 32

static const struct {
    const char *name;
    unsigned int number;
} known[] = {
    { "close_range", SYS_close_range },
    { "pidfd_open", SYS_pidfd_open },
    { "memfd_create", SYS_memfd_create },
    { "renameat2", SYS_renameat2 },
    { "statx", SYS_statx },
    { "getrandom", SYS_getrandom },
    { "signalfd4", SYS_signalfd4 },
    { "epoll_pwait2", SYS_epoll_pwait2 },
    { "preadv2", SYS_preadv2 },
    { "pwritev2", SYS_pwritev2 },
    { "rseq", SYS_rseq },
    { "copy_file_range", SYS_copy_file_range },
    { "io_uring_setup", SYS_io_uring_setup },
    { "openat2", SYS_openat2 },
    { "faccessat2", SYS_faccessat2 },
    { "clone3", SYS_clone3 },
    { "inotify_init1", SYS_inotify_init1 },
};

static unsigned int
number_of(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].number;
        }
    }
    fprintf(stderr, "deny: '%s' is not in my list\n", name);
    exit(2);
}

static int
deny(char *names, unsigned int error)
{
    struct sock_filter filter[1 + 2 * CALLS_MAX + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = { .len = 1, .filter = filter };

    for (char *name = strsep(&names, ","); name; name = strsep(&names, ",")) {
        filter[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(name), 0, 1);
        filter[program.len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
    }
    filter[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
               ? -1
               : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: deny EPERM|ENOSYS CALL,... PROGRAM ARGUMENT...\n", stderr);
        return 2;
    }
    if (deny(argv[2], strcmp(argv[1], "ENOSYS") == 0 ? ENOSYS : EPERM) < 0) {
        perror("deny: no seccomp");
        return 77;
    }
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 2;
}
