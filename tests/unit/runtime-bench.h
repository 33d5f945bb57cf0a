/*
 * runtime-bench.h - a container runtime under test, with its host and what it
 * was heard to say; shared by the contract and the tests of each runtime.
 */
#ifndef HF_TESTS_UNIT_RUNTIME_BENCH_H
#define HF_TESTS_UNIT_RUNTIME_BENCH_H

#include <hyperfaas/runtime.h>

#include "fake-host.h"

struct runtime_bench {
    struct fake_host *fake;
    struct hf_options *options;
    const struct hf_runtime_ops *ops;
    struct hf_runtime *runtime;

    size_t ends; /* instances that ended unasked */
    char end_id[64];
    char end_message[512];
    struct hf_instance_end end;

    size_t health_changes;
    bool unusable;
    char health_message[512];

    size_t image_changes;
};

/* What a start, a stop or a listing answered. */
struct runtime_answer {
    size_t n;     /* times the completion ran; of a listing: the end of it */
    size_t infos; /* instances told */
    int code;
    char message[512];
    char id[64], name[128], internal[64], external[64], function_id[64], owner_id[64];
    uint32_t ready;
};

/* A piece of a log. */
struct runtime_log {
    size_t ended;
    int code;
    size_t len;
    char text[1 << 16];
};

/* Called with each bench's host before its runtime is made, to play a server; NULL: nobody is. */
extern void (*runtime_bench_prepare)(struct fake_host *);

/* Opens a runtime, or fails the test. */
void runtime_bench_open(struct runtime_bench *, const struct hf_plugin *,
                        const char *const *settings);
/* The error of a runtime that cannot be made with these options. */
struct hf_err runtime_bench_refusal(const struct hf_plugin *, const char *const *settings);
void runtime_bench_close(struct runtime_bench *);

/* Begins to start an instance of function "f" (or as given) of `image`. */
int runtime_begin(struct runtime_bench *, const char *image, struct runtime_answer *,
                  struct hf_runtime_op **ret, struct hf_err *err);
int runtime_begin_function(struct runtime_bench *, const struct hf_function *,
                           struct runtime_answer *, struct hf_runtime_op **ret, struct hf_err *err);

/* The same, waiting for the answer. */
struct runtime_answer runtime_start(struct runtime_bench *, const char *image);
struct runtime_answer runtime_stop(struct runtime_bench *, const char *id, uint64_t grace_ns);
struct runtime_answer runtime_list(struct runtime_bench *);

/* Completions that fill what they are given. */
void runtime_on_done(void *arg, int code, const char *message, const struct hf_instance_info *);
void runtime_on_log(void *arg, int code, const void *data, size_t len);

#endif
