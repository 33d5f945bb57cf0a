/*
 * where.c - where modules lie when nobody says so.
 */
#include "plugin/where.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether the program lies in a build tree: then its top folder has what configure wrote. */
static int
find_build_tree(char *ret, size_t size)
{
    char program[PATH_MAX];
    char mark[PATH_MAX + 32];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    if (len <= 0) {
        return -1;
    }
    program[len] = '\0';
    slash = strrchr(program, '/');
    *slash = '\0';
    snprintf(mark, sizeof mark, "%s/../config.status", program);
    if (access(mark, F_OK) < 0) {
        return -1;
    }
    return snprintf(ret, size, "%s/../plugins", program) < (int)size ? 0 : -1;
}

const char *
hf_plugin_folder(void)
{
    static char folder[PATH_MAX];

    if (!folder[0] && find_build_tree(folder, sizeof folder) < 0) {
        snprintf(folder, sizeof folder, "%s", HF_PLUGINDIR);
    }
    return folder;
}
