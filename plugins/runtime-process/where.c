/*
 * where.c - where the sample functions lie that came with the program.
 */
#include "where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path from the folder of the running program; NULL: there is nothing, or no memory. */
static char *
from_program(const char *relative)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    char *path;

    if (len <= 0) {
        return NULL;
    }
    program[len] = '\0';
    *strrchr(program, '/') = '\0';
    if (asprintf(&path, "%s/%s", program, relative) < 0) {
        return NULL;
    }
    if (access(path, F_OK) < 0) {
        free(path);
        return NULL;
    }
    return path;
}

char *
build_tree_functions(void)
{
    char *mark = from_program("../config.status"); /* configure left it there */
    char *functions = mark ? from_program("../functions") : NULL;

    free(mark);
    return functions;
}

char *
installed_functions(void)
{
    char *functions = from_program(HF_FUNCTIONS_FROM_BIN);

    return functions ? functions : strdup(HF_FUNCTIONDIR);
}
