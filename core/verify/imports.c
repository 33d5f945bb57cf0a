/* imports.c - see imports.h. */
#include "verify/imports.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/macros.h"
#include "plugin/module.h"

/* --- relocations ------------------------------------------------------------------------------ */

/* What the dynamic section of a module says. */
struct dynamic {
    ElfW(Addr) base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * tables[2]; /* data, functions */
    size_t sizes[2];              /* in bytes */
};

/* Returns true to end the walk. */
typedef bool import_fn(const char *name, void **slot, void *arg);

static const void *
address(const struct dynamic *dynamic, ElfW(Addr) value)
{
    return (const void *)(value < dynamic->base ? value + dynamic->base : value);
}

static struct dynamic
read_dynamic(const struct link_map *map)
{
    struct dynamic dynamic = { .base = map->l_addr };

    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            dynamic.symbols = address(&dynamic, entry->d_un.d_ptr);
            break;
        case DT_STRTAB:
            dynamic.strings = address(&dynamic, entry->d_un.d_ptr);
            break;
        case DT_RELA:
            dynamic.tables[0] = address(&dynamic, entry->d_un.d_ptr);
            break;
        case DT_RELASZ:
            dynamic.sizes[0] = entry->d_un.d_val;
            break;
        case DT_JMPREL:
            dynamic.tables[1] = address(&dynamic, entry->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            dynamic.sizes[1] = entry->d_un.d_val;
            break;
        default:
            break;
        }
    }
    return dynamic;
}

/* Visits each name that the module takes from elsewhere, with the place of its address. */
static void
each_import(const struct hf_module *module, import_fn *fn, void *arg)
{
    void *handle = dlopen(module->path, RTLD_NOW | RTLD_NOLOAD);
    struct link_map *map = NULL;
    struct dynamic dynamic;

    hf_assert(handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0);
    dlclose(handle); /* it stays: it was opened for good */
    dynamic = read_dynamic(map);
    hf_assert(dynamic.strings && dynamic.symbols); /* whatever is loaded has them */
    for (size_t t = 0; t < hf_countof(dynamic.tables); t++) {
        for (size_t i = 0; i < dynamic.sizes[t] / sizeof(ElfW(Rela)); i++) {
            const ElfW(Rela) *entry = &dynamic.tables[t][i];
            size_t index =
                __ELF_NATIVE_CLASS == 64 ? ELF64_R_SYM(entry->r_info) : ELF32_R_SYM(entry->r_info);
            const ElfW(Sym) *symbol = &dynamic.symbols[index];

            if (index > 0 && symbol->st_shndx == SHN_UNDEF &&
                fn(dynamic.strings + symbol->st_name, (void **)(dynamic.base + entry->r_offset),
                   arg)) {
                return;
            }
        }
    }
}

/* --- what policies must not use --------------------------------------------------------------- */

/* Functions, and what a policy does instead.  A name that ends in '*' stands for all that begin so.
 */
static const struct {
    const char *names;
    const char *why;
} forbidden[] = {
    { "time clock clock_gettime gettimeofday timespec_get ftime times getrusage",
      "time is handed in: use the view's now_ns" },
    { "rand rand_r srand random random_r srandom initstate drand48 lrand48 mrand48 erand48 nrand48 "
      "jrand48 arc4random* getrandom getentropy",
      "random bits are handed in: use the view's random" },
    { "socket* connect bind listen accept* send* recv* getaddrinfo gethostby*",
      "a policy has no input or output: what it needs is in its view" },
    { "open open64 openat* fopen* fdopen opendir read write mmap fwrite puts fputs putchar fputc "
      "printf fprintf vprintf vfprintf dprintf __printf_chk __fprintf_chk __vfprintf_chk perror "
      "syslog",
      "a policy has no input or output: options come from create, words go to host->log" },
    { "pthread_create thrd_create fork vfork clone exec* posix_spawn* system popen",
      "a policy has no threads or processes of its own" },
    { "sleep usleep nanosleep clock_nanosleep poll ppoll select epoll_* pause sched_yield",
      "nothing in a policy waits" },
    { "exit _exit _Exit quick_exit kill raise signal sigaction syscall dlopen",
      "the process is the node's: report failures with host->fail" },
    { "getenv secure_getenv getpid gethostname uname",
      "what a policy knows comes from its options and views, or its decisions cannot be repeated" },
};

/* Whether one of the names is that of the function. */
static bool
is_among(const char *names, const char *function)
{
    while (*names) {
        size_t len = strcspn(names, " ");
        bool begins = names[len - 1] == '*';

        if (strncmp(names, function, begins ? len - 1 : len) == 0 &&
            (begins || function[len] == '\0')) {
            return true;
        }
        names += len + strspn(names + len, " ");
    }
    return false;
}

struct found {
    const char *name;
    const char *why;
};

static bool
find_forbidden(const char *name, void **slot, void *arg)
{
    struct found *found = arg;

    (void)slot;
    for (size_t i = 0; i < hf_countof(forbidden); i++) {
        if (is_among(forbidden[i].names, name)) {
            *found = (struct found){ name, forbidden[i].why };
            return true;
        }
    }
    return false;
}

const char *
hf_imports_forbidden(const struct hf_module *module, const char **ret_why)
{
    struct found found = { NULL, NULL };

    each_import(module, find_forbidden, &found);
    *ret_why = found.why;
    return found.name;
}

/* --- allocations ------------------------------------------------------------------------------ */

static uint64_t allocations;
static uint64_t fails_at; /* counts down to 1, where it stays; 0: never */
static uint64_t failed;
static int fresh = -1; /* what fresh memory is filled with; -1: nothing */

/* Whether the next allocation is to fail. */
static bool
must_fail(void)
{
    allocations++;
    if (fails_at > 1) {
        fails_at--;
        return false;
    }
    failed += fails_at;
    if (fails_at == 1) {
        errno = ENOMEM;
    }
    return fails_at == 1;
}

/* `memory` with all that is behind its first `old` bytes filled. */
static void *
filled(void *memory, size_t old, size_t size)
{
    if (memory && fresh >= 0 && size > old) {
        memset((char *)memory + old, fresh, size - old);
    }
    return memory;
}

static void *
watched_malloc(size_t size)
{
    return must_fail() ? NULL : filled(malloc(size), 0, size);
}

static void *
watched_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : calloc(n, size);
}

static void *
watched_realloc(void *old, size_t size)
{
    size_t before = malloc_usable_size(old);

    return must_fail() ? NULL : filled(realloc(old, size), before, size);
}

static void *
watched_reallocarray(void *old, size_t n, size_t size)
{
    size_t before = malloc_usable_size(old);

    return must_fail() ? NULL : filled(reallocarray(old, n, size), before, n * size);
}

static void *
watched_aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : filled(aligned_alloc(alignment, size), 0, size);
}

static char *
watched_strdup(const char *text)
{
    return must_fail() ? NULL : strdup(text);
}

static const struct {
    const char *name;
    void (*ours)(void);
} watched[] = {
    { "malloc", (void (*)(void))watched_malloc },
    { "calloc", (void (*)(void))watched_calloc },
    { "realloc", (void (*)(void))watched_realloc },
    { "reallocarray", (void (*)(void))watched_reallocarray },
    { "aligned_alloc", (void (*)(void))watched_aligned_alloc },
    { "strdup", (void (*)(void))watched_strdup },
};

static bool
redirect(const char *name, void **slot, void *arg)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)arg;
    for (size_t i = 0; i < hf_countof(watched); i++) {
        if (strcmp(watched[i].name, name) == 0) {
            /* The table may have been made read-only when the module was loaded. */
            mprotect((void *)((uintptr_t)slot & ~(page - 1)), page, PROT_READ | PROT_WRITE);
            memcpy(slot, &watched[i].ours, sizeof *slot);
        }
    }
    return false;
}

void
hf_allocations_watch(const struct hf_module *module)
{
    each_import(module, redirect, NULL);
}

void
hf_allocations_fill(uint8_t byte)
{
    fresh = byte;
}

uint64_t
hf_allocations_count(void)
{
    return allocations;
}

void
hf_allocations_fail_at(uint64_t n)
{
    fails_at = n;
    failed = 0;
}

uint64_t
hf_allocations_failed(void)
{
    return failed;
}

size_t
hf_heap_in_use(void)
{
    /* A sanitizer has an allocator of its own. */
    size_t (*sanitizer)(void);
    struct mallinfo2 heap;

    *(void **)&sanitizer = dlsym(RTLD_DEFAULT, "__sanitizer_get_current_allocated_bytes");
    if (sanitizer) {
        return sanitizer();
    }
    heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}
