/*
 * macros.h - what the language lacks: scope-bound cleanup, container_of,
 * sizes of arrays, arithmetic that notices overflow.
 */
#ifndef HF_BASE_MACROS_H
#define HF_BASE_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The structure of `type` whose `member` `ptr` points to. */
#define hf_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define hf_countof(array) (sizeof(array) / sizeof((array)[0]))

#define hf_likely(x)   __builtin_expect(!!(x), 1)
#define hf_unlikely(x) __builtin_expect(!!(x), 0)

/* --- ownership bound to a scope ------------------------------------------------------------ */

static inline void
hf_autofree_cleanup(void *ptr)
{
    free(*(void **)ptr);
}

/* free()s what the variable holds when it leaves its scope. */
#define hf_autofree __attribute__((cleanup(hf_autofree_cleanup)))

/* Calls the function made by HF_DEFINE_CLEANUP(type, ...) for the variable. */
#define hf_auto(function) __attribute__((cleanup(function##_cleanup)))

/*
 * Makes `free_fn`, which takes a `type *` and allows NULL, usable with hf_auto:
 *
 *     HF_DEFINE_CLEANUP(struct hf_config, hf_config_free)
 *     hf_auto(hf_config_free) struct hf_config *config = NULL;
 */
#define HF_DEFINE_CLEANUP(type, free_fn)                                                           \
    static inline void free_fn##_cleanup(type **ptr)                                               \
    {                                                                                              \
        free_fn(*ptr);                                                                             \
    }

/* Hands over what a pointer variable holds and leaves NULL there. */
#define hf_steal(ptr)                                                                              \
    __extension__({                                                                                \
        __typeof__(ptr) *hf_steal_from_ = &(ptr);                                                  \
        __typeof__(ptr) hf_stolen_ = *hf_steal_from_;                                              \
        *hf_steal_from_ = NULL;                                                                    \
        hf_stolen_;                                                                                \
    })

/* --- arithmetic ---------------------------------------------------------------------------- */

/* The smaller and the larger one; each argument is evaluated once. */
#define hf_min(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) hf_min_a_ = (a);                                                             \
        __typeof__(b) hf_min_b_ = (b);                                                             \
        hf_min_a_ < hf_min_b_ ? hf_min_a_ : hf_min_b_;                                             \
    })
#define hf_max(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) hf_max_a_ = (a);                                                             \
        __typeof__(b) hf_max_b_ = (b);                                                             \
        hf_max_a_ > hf_max_b_ ? hf_max_a_ : hf_max_b_;                                             \
    })

/* Store the result and return true, or return false if it does not fit. */
#define hf_add_checked(a, b, ret) (!__builtin_add_overflow((a), (b), (ret)))
#define hf_mul_checked(a, b, ret) (!__builtin_mul_overflow((a), (b), (ret)))

/* a + b and a - b, staying at the end of the range instead of wrapping. */
static inline uint64_t
hf_add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t
hf_sub_saturated(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* --- time ---------------------------------------------------------------------------------- */

#define HF_USEC UINT64_C(1000) /* nanoseconds */
#define HF_MSEC UINT64_C(1000000)
#define HF_SEC  UINT64_C(1000000000)

#endif
