/*
 * kin.c - finds the process that has a socket, by /proc.
 *
 * A process that wants to hide can close the socket, or have it under way to itself, while we look.
 * So it is not enough that no descendant is found that has it: somebody else must be.
 */
#include "loop/kin.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

/* Ancestors that a process may have, and still be understood. */
#define DEPTH_MAX 1000

/* Calls `fn` for each number that names an entry of a folder; false: it cannot be read. */
static bool
each_number(const char *path, void (*fn)(void *arg, pid_t number), void *arg)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir) {
        return false;
    }
    while ((entry = readdir(dir))) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            fn(arg, (pid_t)strtol(entry->d_name, NULL, 10));
        }
    }
    closedir(dir);
    return true;
}

/* --- ancestors ----------------------------------------------------------------------------- */

/* The parent of a process; 0: none that can be seen; -1: it has gone. */
static pid_t
parent_of(pid_t pid)
{
    char path[64];
    char text[512];
    const char *behind;
    int parent = -1;
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    len = read(fd, text, sizeof text - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    behind = strrchr(text, ')'); /* the name before it may have anything, as the process likes */
    return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : -1;
}

/* Whether it is, or may be. */
static bool
is_descendant(pid_t pid)
{
    for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
        pid = parent_of(pid);
        if (pid == getpid()) {
            return true;
        }
    }
    return pid > 1 || pid < 0; /* no end was found */
}

static void
look_for_child(void *arg, pid_t thread)
{
    bool *found = arg;
    char path[64];
    FILE *file;
    int pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)thread);
    file = fopen(path, "re");
    *found = *found || !file || fscanf(file, "%d", &pid) == 1;
    if (file) {
        fclose(file);
    }
}

/* Whether this process has a child, or it cannot be found out. */
static bool
may_have_children(void)
{
    bool found = false;

    return !each_number("/proc/self/task", look_for_child, &found) || found;
}

/* --- who has the socket -------------------------------------------------------------------- */

static bool
has_socket(pid_t pid, const char *wanted)
{
    char path[64];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    if (!dir) {
        return false;
    }
    while (!found && (entry = readdir(dir))) {
        char target[64];
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

        if (len > 0) {
            target[len] = '\0';
            found = strcmp(target, wanted) == 0;
        }
    }
    closedir(dir);
    return found;
}

/* Processes, as /proc lists them. */
struct pids {
    pid_t *at;
    size_t n;
};

/* Without memory the rest is not looked at. */
static void
add_pid(void *arg, pid_t pid)
{
    struct pids *pids = arg;

    if ((pids->n & (pids->n - 1)) == 0) { /* full at each power of two */
        pid_t *grown = realloc(pids->at, (pids->n ? pids->n * 2 : 1) * sizeof *pids->at);

        if (!grown) {
            return;
        }
        pids->at = grown;
    }
    pids->at[pids->n++] = pid;
}

/* The youngest process that has it, as tools are young; 0: none. */
static pid_t
find_owner(uint64_t inode)
{
    struct pids all = { .n = 0 };
    char wanted[48];
    pid_t owner = 0;

    snprintf(wanted, sizeof wanted, "socket:[%llu]", (unsigned long long)inode);
    if (has_socket(getpid(), wanted)) {
        return getpid();
    }
    each_number("/proc", add_pid, &all); /* in the order of their numbers, which is that of age */
    for (size_t i = all.n; i > 0 && owner == 0; i--) {
        if (has_socket(all.at[i - 1], wanted)) {
            owner = all.at[i - 1];
        }
    }
    free(all.at);
    return owner;
}

enum hf_kin
hf_kin_of_peer(int fd, const struct hf_peer *peer)
{
    struct hf_peer again;
    pid_t owner;

    if (!may_have_children()) {
        return HF_KIN_NONE;
    }
    owner = peer->pid ? peer->pid : find_owner(peer->inode);
    if (owner <= 0) {
        return HF_KIN_UNKNOWN;
    }
    if (owner != getpid() && is_descendant(owner)) {
        return HF_KIN_OURS;
    }
    hf_peer_of_socket(fd, &again); /* it may have ended meanwhile, and its number be another's */
    return again.kind == HF_PEER_LOCAL && again.inode == peer->inode ? HF_KIN_NONE : HF_KIN_UNKNOWN;
}
