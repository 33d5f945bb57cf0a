/*
 * program.c - the files that instances run.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "process.h"

struct program {
    UT_hash_handle hh; /* by `path` */
    unsigned instances;
    struct program_mark latest;
    char path[];
};

/* A file that is not there any more has no mark. */
static struct program_mark
mark_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return (struct program_mark){ .ino = 0 };
    }
    return (struct program_mark){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .size = st.st_size,
        .changed_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
    };
}

static bool
are_equal(const struct program_mark *a, const struct program_mark *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed_ns == b->changed_ns;
}

static struct program *
program_new(struct hf_runtime *runtime, const char *path)
{
    size_t len = strlen(path);
    struct program *program = calloc(1, sizeof *program + len + 1);

    if (!program) {
        return NULL;
    }
    memcpy(program->path, path, len + 1);
    HASH_ADD_KEYPTR(hh, runtime->programs, program->path, len, program);
    if (!program->hh.tbl) {
        free(program);
        return NULL;
    }
    program->latest = mark_of(path);
    return program;
}

struct program *
program_take(struct hf_runtime *runtime, const char *path, struct program_mark *ret)
{
    const struct hf_host *host = runtime->host;
    struct program *program;

    HASH_FIND_STR(runtime->programs, path, program);
    *ret = mark_of(path);
    if (!program) {
        program = program_new(runtime, path);
    } else if (!are_equal(ret, &program->latest)) {
        host->log(host, HF_HOST_NOTICE,
                  "%s was replaced: new instances run the new file, %u go on with an older one; "
                  "'hyperfaas function restart' replaces these",
                  path, program->instances);
        program->latest = *ret;
    }
    if (program) {
        program->instances++;
    }
    return program;
}

void
program_release(struct hf_runtime *runtime, struct program *program)
{
    if (program && --program->instances == 0) {
        HASH_DEL(runtime->programs, program);
        free(program);
    }
}

bool
program_is_replaced(const struct program *program, const struct program_mark *mark)
{
    const struct program_mark now = mark_of(program->path);

    return !are_equal(&now, mark);
}
