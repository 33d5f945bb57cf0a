/*
 * scaler-faulty.c - a scaling policy with a fault of one's choice; for tests.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hyperfaas/scaler.h>

struct hf_scaler {
    const char *fault;
};

static const struct hf_option faulty_options[] = {
    { .key = "fault", .type = HF_OPT_STRING, .fallback = "none", .help = "What is wrong." },
    { .key = NULL },
};

static int
faulty_create(const struct hf_host *host, const struct hf_options *options, struct hf_scaler **ret,
              struct hf_err *err)
{
    const char *fault = host->option_string(options, "fault");
    struct hf_scaler *scaler;

    if (strcmp(fault, "create-says-why") == 0) {
        return host->fail(err, HF_EINVALID, "the moon is in the wrong house");
    }
    if (strcmp(fault, "create-is-silent") == 0) {
        return HF_EINVALID;
    }
    if (strcmp(fault, "create-makes-nothing") == 0) {
        return 0;
    }
    if (strcmp(fault, "create-crashes") == 0) {
        *(volatile int *)8 = 1;
    }
    scaler = calloc(1, sizeof *scaler);
    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for a scaler");
    }
    scaler->fault = fault;
    *ret = scaler;
    return 0;
}

static void
faulty_destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

static uint32_t
faulty_on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)view;
    if (strcmp(scaler->fault, "on_demand-loops") == 0) {
        for (volatile int i = 0;; i = !i) {
        }
    }
    if (strcmp(scaler->fault, "on_demand-sleeps") == 0) {
        scaler->fault = "none";
        for (int i = 0; i < 60; i++) { /* whatever interrupts it */
            nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        }
    }
    return 1;
}

static uint32_t
faulty_on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)scaler;
    return view->ready + view->starting;
}

static const struct hf_scaler_ops faulty_ops = {
    .size = sizeof faulty_ops,
    .create = faulty_create,
    .destroy = faulty_destroy,
    .on_demand = faulty_on_demand,
    .on_tick = faulty_on_tick,
};

HF_SCALER_PLUGIN(faulty, "Has the fault that its option names.", faulty_ops, faulty_options);
