/*
 * assert.h - assertions that stay on, and objects that are recognised.
 *
 * They test our own logic only; nothing a peer, a file or a user sends may
 * reach one.  A failure prints where it happened and aborts.
 */
#ifndef HF_BASE_ASSERT_H
#define HF_BASE_ASSERT_H

#include <stdint.h>

/* Stops the process unless `condition` holds. */
#define hf_assert(condition)                                                                       \
    (__builtin_expect(!!(condition), 1) ? (void)0                                                  \
                                        : hf_panic(__FILE__, __LINE__, __func__, #condition))

/* Marks a place that cannot be reached. */
#define hf_unreachable() hf_panic(__FILE__, __LINE__, __func__, "unreachable")

_Noreturn void hf_panic(const char *file, int line, const char *func, const char *what);

/*
 * Magic numbers.  An object that comes back through a callback as `void *`
 * begins with `uint32_t magic`, a number that no other type has:
 *
 *     #define STREAM_MAGIC HF_MAGIC('s', 't', 'r', 'm')
 *     struct stream *stream = hf_cast(arg, struct stream, STREAM_MAGIC);
 *
 * Set it when the object is made, and to 0 before it is freed.
 */
#define HF_MAGIC(a, b, c, d)                                                                       \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define hf_cast(arg, type, object_magic)                                                           \
    ((type *)hf_cast_check((arg), (object_magic), __FILE__, __LINE__, #type))

static inline void *
hf_cast_check(void *object, uint32_t magic, const char *file, int line, const char *type)
{
    if (__builtin_expect(!object || *(const uint32_t *)object != magic, 0)) {
        hf_panic(file, line, type, object ? "wrong magic number" : "NULL object");
    }
    return object;
}

#endif
