/*
 * folders.c - folders that a driver keeps things in.
 */
#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes one folder, and has the one above it remember that. */
static int
make_one(const char *path, mode_t mode, bool sync)
{
    char above[PATH_MAX];
    char *slash;
    int fd, r;

    if (mkdir(path, mode) != 0) {
        return errno == EEXIST ? 0 : -1;
    }
    snprintf(above, sizeof above, "%s", path);
    slash = strrchr(above, '/');
    if (!sync || !slash) {
        return 0;
    }
    slash[slash == above] = '\0';
    fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0) {
        close(fd);
    }
    return r;
}

int
folders_make(const char *path, mode_t mode, bool sync)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] == '/' || part[i] == '\0') {
            part[i] = '\0';
            if (make_one(part, mode, sync) != 0) {
                return -1;
            }
            part[i] = path[i];
        }
    }
    return 0;
}
