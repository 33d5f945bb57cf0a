/*
 * oom.c - one allocation of a program fails, all others succeed.  Loaded before the C library:
 *
 *     LD_PRELOAD=oom.so OOM_AT=500 OOM_COUNT=FILE PROGRAM
 *
 * The program and what it forks share the count; what it executes is left alone.  How many
 * allocations there were is in OOM_COUNT when the program ends.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

static _Atomic uint64_t *count; /* NULL: not begun, or over */
static uint64_t fail_at;        /* 0: none */

/* Those of the C library, or of a sanitizer. */
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);

/* By these names it has them too, for whoever looks the others up. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);

/* False while the look-up itself allocates. */
static bool
find_next(void)
{
    static bool finding;

    if (!next_realloc && !finding) {
        finding = true;
        *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
        *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
        *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    }
    return next_realloc;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *at = getenv("OOM_AT");
    void *shared =
        mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    fail_at = at ? strtoull(at, NULL, 10) : 0;
    unsetenv("LD_PRELOAD");
    count = shared == MAP_FAILED ? NULL : shared;
}

__attribute__((destructor)) static void
end(void)
{
    const char *path = getenv("OOM_COUNT");
    uint64_t n = count ? atomic_load(count) : 0;
    FILE *file;

    count = NULL;
    file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%" PRIu64 "\n", n);
        fclose(file);
    }
}

/* Whether this is the one. */
static bool
is_refused(void)
{
    if (!count || atomic_fetch_add(count, 1) + 1 != fail_at) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

EXPORT void *
malloc(size_t size)
{
    if (!find_next()) {
        return __libc_malloc(size);
    }
    return is_refused() ? NULL : next_malloc(size);
}

EXPORT void *
calloc(size_t n, size_t size) /* NOLINT: the names in libc are reserved */
{
    if (!find_next()) {
        return __libc_calloc(n, size);
    }
    return is_refused() ? NULL : next_calloc(n, size);
}

EXPORT void *
realloc(void *block, size_t size) /* NOLINT: as above */
{
    if (!find_next()) {
        return __libc_realloc(block, size);
    }
    return is_refused() ? NULL : next_realloc(block, size);
}
