/*
 * where.c - where modules lie when nobody says so.
 */
#include "plugin/where.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program, without a slash at the end. */
static int
find_program(char ret[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - 1);

    if (len <= 0) {
        return -1;
    }
    ret[len] = '\0';
    *strrchr(ret, '/') = '\0';
    return 0;
}

/* Whether something lies there, as seen from the program's folder. */
static bool
lies_there(const char *program, const char *relative, char ret[static PATH_MAX])
{
    return snprintf(ret, PATH_MAX, "%s/%s", program, relative) < PATH_MAX && access(ret, F_OK) == 0;
}

/* In a build tree the top folder has what configure wrote.  What is installed lies beside the
 * program, wherever the tree was moved; where that is not so, it lies where it was meant to be. */
static void
find_folder(char ret[static PATH_MAX])
{
    char program[PATH_MAX];
    char mark[PATH_MAX];
    bool found = false;

    if (find_program(program) == 0) {
        bool built = lies_there(program, "../config.status", mark);

        found = lies_there(program, built ? "../plugins" : HF_PLUGINS_FROM_BIN, ret);
    }
    if (!found) {
        snprintf(ret, PATH_MAX, "%s", HF_PLUGINDIR);
    }
}

const char *
hf_plugin_folder(void)
{
    static char folder[PATH_MAX];

    if (!folder[0]) {
        find_folder(folder);
    }
    return folder;
}
