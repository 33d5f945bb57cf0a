/*
 * testing_scaler.h - a function under load for tests of an autoscaling policy; see testing.h.
 */
#ifndef HYPERFAAS_TESTING_SCALER_H
#define HYPERFAAS_TESTING_SCALER_H

#include <hyperfaas/scaler.h>
#include <hyperfaas/testing.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function.  The test sets what `view` should say, and moves its `now_ns`. */
struct hf_test_scaler {
    struct hf_scaler_ops ops;
    struct hf_scaler *scaler;
    struct hf_options options;
    struct hf_function function;
    struct hf_scale_view view;
    struct hf_decision decision; /* of the last answer */
};

HF_TEST_UNUSED void
hf_test_scaler_begin(struct hf_test_scaler *t, const char *options)
{
    struct hf_err err;

    memset(t, 0, sizeof *t);
    HF_TEST_OPS(struct hf_scaler_ops, &t->ops);
    hf_test_options_init(&t->options, options);
    t->function = hf_test_function("f");
    if (t->ops.create(hf_test_host(), &t->options, &t->scaler, &err) < 0) {
        HF_TEST_STOP("create failed: %s", err.message);
    }
    t->view.size = sizeof t->view;
    t->view.function = &t->function;
    t->view.state = hf_test_alloc(1, t->ops.function_state_size);
    t->view.now_ns = UINT64_C(1000000000);
    t->view.random = 1;
}

HF_TEST_UNUSED void
hf_test_scaler_ask(struct hf_test_scaler *t)
{
    memset(&t->decision, 0, sizeof t->decision);
    t->decision.size = sizeof t->decision;
    t->view.decision = t->ops.reason_count > 0 ? &t->decision : NULL;
}

/* How many instances the policy wants now, asked by a tick or for a call that waits. */
HF_TEST_UNUSED uint32_t
hf_test_scaler_tick(struct hf_test_scaler *t)
{
    hf_test_scaler_ask(t);
    return t->ops.on_tick(t->scaler, &t->view);
}

HF_TEST_UNUSED uint32_t
hf_test_scaler_demand(struct hf_test_scaler *t)
{
    hf_test_scaler_ask(t);
    return t->ops.on_demand(t->scaler, &t->view);
}

HF_TEST_UNUSED void
hf_test_scaler_end(struct hf_test_scaler *t)
{
    t->ops.destroy(t->scaler);
    free(t->view.state);
    free(t->options.given);
}

#ifdef __cplusplus
}
#endif

#endif
