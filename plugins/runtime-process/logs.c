/*
 * logs.c - opens, rotates, finds and removes log files.
 */
#include "logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../kit/folders.h"

/* A log whose instance has ended, oldest first. */
struct retired {
    struct retired *next;
    struct timespec changed; /* used to sort what earlier runs left */
    char name[];
};

struct logs {
    const struct hf_host *host;
    char *folder;
    uint64_t limit; /* bytes of one file */
    uint64_t keep;  /* logs of ended instances */
    struct retired *oldest, **end;
    uint64_t n;
    bool complained;
    struct hf_counter *lost;
    time_t lost_told; /* when it was last said; 0: never */
    char buffer[LOGS_PIECE];
};

static const char suffix[] = ".log";

/* How often it is said that output is lost. */
#define LOST_SECONDS 60

/* --- paths ---------------------------------------------------------------------- */

void
logs_path(const struct logs *logs, const char *name, bool earlier, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s%s%s", logs->folder, name, suffix, earlier ? ".1" : "");
}

/* Where logs go: a copy, or NULL. */
static char *
folder_of(const char *configured, const char *state_dir)
{
    char *path = NULL;

    if (configured && *configured) {
        return strdup(configured);
    }
    return asprintf(&path, "%s/logs", state_dir) < 0 ? NULL : path;
}

/* --- retired logs ------------------------------------------------------------------ */

/* Removes the files of a log, unless another process still writes it. */
static void
remove_files(const struct logs *logs, const char *name)
{
    char path[PATH_MAX];
    int fd;

    logs_path(logs, name, false, path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlink(path);
        logs_path(logs, name, true, path);
        unlink(path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void
remove_surplus(struct logs *logs)
{
    while (logs->n > logs->keep) {
        struct retired *oldest = logs->oldest;

        logs->oldest = oldest->next;
        if (!logs->oldest) {
            logs->end = &logs->oldest;
        }
        logs->n--;
        remove_files(logs, oldest->name);
        free(oldest);
    }
}

static struct retired *
retired_new(const char *name, size_t len)
{
    struct retired *retired = calloc(1, sizeof *retired + len + 1);

    if (retired) {
        memcpy(retired->name, name, len);
    }
    return retired;
}

static void
retire(struct logs *logs, struct retired *retired)
{
    retired->next = NULL;
    *logs->end = retired;
    logs->end = &retired->next;
    logs->n++;
}

void
logs_retire(struct logs *logs, const char *name)
{
    struct retired *retired = retired_new(name, strlen(name));

    if (retired) {
        retire(logs, retired);
        remove_surplus(logs);
    }
}

bool
logs_find(const struct logs *logs, const char *instance_id, char name[NAME_MAX + 1])
{
    size_t id_len = strlen(instance_id);

    for (const struct retired *r = logs->oldest; r; r = r->next) {
        size_t len = strlen(r->name);

        if (len > id_len && r->name[len - id_len - 1] == '-' &&
            strcmp(r->name + len - id_len, instance_id) == 0) {
            snprintf(name, NAME_MAX + 1, "%s", r->name);
            return true;
        }
    }
    return false;
}

/* --- what earlier runs left ------------------------------------------------------------ */

static int
compare_age(const void *a, const void *b)
{
    const struct timespec *x = &(*(struct retired *const *)a)->changed;
    const struct timespec *y = &(*(struct retired *const *)b)->changed;

    if (x->tv_sec != y->tv_sec) {
        return x->tv_sec < y->tv_sec ? -1 : 1;
    }
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* The entry of a file, or NULL if it is not the log of an instance. */
static struct retired *
read_entry(DIR *dir, const char *file)
{
    size_t len = strlen(file);
    struct retired *retired;
    struct stat st;

    if (strncmp(file, "hyperfaas-", 10) != 0 || len < sizeof suffix ||
        strcmp(file + len - (sizeof suffix - 1), suffix) != 0 ||
        fstatat(dirfd(dir), file, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
        return NULL;
    }
    retired = retired_new(file, len - (sizeof suffix - 1));
    if (retired) {
        retired->changed = st.st_mtim;
    }
    return retired;
}

/* Appends to a growing array; false if memory is exhausted. */
static bool
collect(struct retired ***all, size_t *n, struct retired *retired)
{
    if ((*n & (*n - 1)) == 0) { /* full at each power of two */
        struct retired **grown = realloc(*all, (*n ? *n * 2 : 1) * sizeof(struct retired *));

        if (!grown) {
            free(retired);
            return false;
        }
        *all = grown;
    }
    (*all)[(*n)++] = retired;
    return true;
}

/* Adopts the files that are there, oldest first. */
static int
adopt(struct logs *logs)
{
    struct retired **all = NULL, *retired;
    struct dirent *entry;
    size_t n = 0;
    DIR *dir = opendir(logs->folder);

    if (!dir) {
        return -1;
    }
    while ((entry = readdir(dir))) {
        retired = read_entry(dir, entry->d_name);
        if (retired && !collect(&all, &n, retired)) {
            break;
        }
    }
    closedir(dir);
    if (n > 0) {
        qsort(all, n, sizeof(struct retired *), compare_age);
    }
    for (size_t i = 0; i < n; i++) {
        retire(logs, all[i]);
    }
    free(all);
    remove_surplus(logs);
    return 0;
}

/* --- files in use ------------------------------------------------------------------------- */

void
logs_lost(struct logs *logs, const char *name, size_t bytes, int errnum)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    logs->host->count(logs->lost, bytes);
    if (logs->lost_told == 0 || now.tv_sec - logs->lost_told >= LOST_SECONDS) {
        logs->lost_told = now.tv_sec;
        logs->host->log(logs->host, HF_HOST_WARNING,
                        "output of an instance is lost: cannot write %s/%s%s: %s", logs->folder,
                        name, suffix, strerror(errnum));
    }
}

int
logs_open(struct logs *logs, const char *name, bool rotate)
{
    char path[PATH_MAX], earlier[PATH_MAX];
    int fd;

    logs_path(logs, name, false, path);
    if (rotate) {
        logs_path(logs, name, true, earlier);
        (void)rename(path, earlier);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0) {
        (void)flock(fd, LOCK_SH | LOCK_NB); /* tells other processes that it is in use */
    } else if (!logs->complained) {
        logs->complained = true;
        logs->host->log(logs->host, HF_HOST_WARNING, "cannot open the log %s: %s", path,
                        strerror(errno));
    }
    return fd;
}

uint64_t
logs_limit(const struct logs *logs)
{
    return logs->limit;
}

char *
logs_buffer(const struct logs *logs)
{
    return (char *)(uintptr_t)logs->buffer;
}

int
logs_new(const struct hf_driver_host *driver, const struct hf_options *options, struct logs **ret,
         struct hf_err *err)
{
    const struct hf_host *host = driver->host;
    const char *folder = host->option_string(options, "log_path");
    struct logs *logs;
    int r;

    if ((!folder || !*folder) && !driver->state_dir) {
        return host->fail(err, HF_EINVALID,
                          "runtime process: no folder for logs: set 'log_path', or [node] "
                          "state_dir, or HOME");
    }
    logs = calloc(1, sizeof *logs);
    if (!logs) {
        return host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    logs->host = host;
    logs->lost = host->counter(host, "output_lost", "Bytes of instances' output not written.");
    logs->end = &logs->oldest;
    logs->limit = host->option_u64(options, "log_size");
    logs->keep = host->option_u64(options, "log_keep");
    logs->folder = folder_of(folder, driver->state_dir);
    if (!logs->folder) {
        logs_free(logs);
        return host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    if (folders_make(logs->folder, 0750, false) != 0 || adopt(logs) != 0) {
        r = host->fail(err, HF_EIO, "runtime process: folder for logs %s (option 'log_path'): %s",
                       logs->folder, strerror(errno));
        logs_free(logs);
        return r;
    }
    *ret = logs;
    return 0;
}

void
logs_free(struct logs *logs)
{
    struct retired *retired;

    if (!logs) {
        return;
    }
    while ((retired = logs->oldest)) {
        logs->oldest = retired->next;
        free(retired);
    }
    free(logs->folder);
    free(logs);
}
