/*
 * plugin.h - how a module says what it is.
 *
 * A module is a shared object that exports exactly one symbol, the constant
 * `hyperfaas_plugin`, written by the macro of its kind:
 *
 *     HF_LB_PLUGIN(roundrobin, "Each endpoint in turn.", rr_ops, NULL);
 *
 * Everything else in it is static.  It imports nothing from the host program:
 * it is reached through its table of operations and reaches the host through
 * the table given to `create` (host.h).  Link with -Wl,-z,defs to be sure.
 *
 * Changes of the interface
 *
 *   0.1  First version.  The major number stays 0, and anything may still
 *        change, until the plugin kit is finished.
 *   0.2  Drivers: an HTTP client (`http_...` in host.h), and who the node is.  Stores: `announce`
 *        and `withdraw`.  Runtimes: what an instance is made from, listings with instances that
 *        have ended, and their health.
 *   0.3  All: `json_check`.  Drivers: `state_dir`.  Stores: how long a document may be, `check`.
 *   0.4  Schedulers: `in_flight`, `idle` and `image_present` are filled, `starting` is new,
 *        `pick_many` is asked.  Scalers: `victims` is asked, `start_ns` is new.
 *   0.5  Policies: `needs`, and reasons for decisions.  Load balancing: all children, with those
 *        that are warm first, their load, figures of the function, what all functions of a
 *        node share.  Schedulers: load and disk of workers.  Scalers: gaps between calls, more
 *        about victims.
 *        Runtimes: `on_images`.
 *
 * A module loads if its magic fits, its major equals the host's and its minor
 * is not above the host's.  Structures begin with their size and only grow at
 * the end; members a module was built without are treated as NULL.
 */
#ifndef HYPERFAAS_PLUGIN_H
#define HYPERFAAS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_PLUGIN_MAGIC     UINT32_C(0x48464153) /* "HFAS" */
#define HF_PLUGIN_ABI_MAJOR 0
#define HF_PLUGIN_ABI_MINOR 5

/* What a module decides (policies) or talks to (drivers).  Never renumber. */
#define HF_PLUGIN_KINDS(KIND)                                                                      \
    KIND(HF_PLUGIN_LB, 1, "lb")               /* policy: which endpoint gets a call; lb.h */       \
    KIND(HF_PLUGIN_SCHEDULER, 2, "scheduler") /* policy: where an instance starts; scheduler.h */  \
    KIND(HF_PLUGIN_SCALER, 3, "scaler")       /* policy: how many instances; scaler.h */           \
    KIND(HF_PLUGIN_STORE, 4, "store")         /* driver: function metadata; store.h */             \
    KIND(HF_PLUGIN_RUNTIME, 5, "runtime")     /* driver: runs instances; runtime.h */

enum hf_plugin_kind {
#define HF_PLUGIN_KIND_ENUM(id, value, name) id = value,
    HF_PLUGIN_KINDS(HF_PLUGIN_KIND_ENUM)
#undef HF_PLUGIN_KIND_ENUM
};

/* The descriptor.  All pointers are to static data of the module. */
struct hf_plugin {
    uint32_t magic;     /* HF_PLUGIN_MAGIC */
    uint32_t size;      /* sizeof(struct hf_plugin) when the module was built */
    uint16_t abi_major; /* HF_PLUGIN_ABI_MAJOR when the module was built */
    uint16_t abi_minor;
    uint32_t kind;                   /* enum hf_plugin_kind */
    const char *name;                /* as named in the configuration */
    const char *summary;             /* one sentence */
    const void *ops;                 /* the kind's table of operations */
    const struct hf_option *options; /* NULL: takes none */
    uint32_t option_size;            /* sizeof(struct hf_option) when built */
    uint32_t reserved;               /* 0 */
};

#if defined(__cplusplus)
#define HF_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define HF_PLUGIN_EXPORT extern __attribute__((visibility("default")))
#endif

HF_PLUGIN_EXPORT const struct hf_plugin hyperfaas_plugin;

/* Writes the descriptor; use the macro of the kind, which checks the type of `ops`. */
#define HF_PLUGIN(kind_, name_, summary_, ops_, options_)                                          \
    const struct hf_plugin hyperfaas_plugin = {                                                    \
        HF_PLUGIN_MAGIC,                                                                           \
        sizeof(struct hf_plugin),                                                                  \
        HF_PLUGIN_ABI_MAJOR,                                                                       \
        HF_PLUGIN_ABI_MINOR,                                                                       \
        (kind_),                                                                                   \
        #name_,                                                                                    \
        (summary_),                                                                                \
        (ops_),                                                                                    \
        (options_),                                                                                \
        sizeof(struct hf_option),                                                                  \
        0,                                                                                         \
    }

#ifndef __cplusplus
_Static_assert(offsetof(struct hf_plugin, kind) == 12, "the descriptor's layout is a promise");
_Static_assert(offsetof(struct hf_plugin, name) == 16, "the descriptor's layout is a promise");
_Static_assert(offsetof(struct hf_plugin, option_size) == 48 || sizeof(void *) != 8,
               "the descriptor's layout is a promise");
#endif

#ifdef __cplusplus
}
#endif

#endif
