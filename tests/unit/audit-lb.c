/* audit-lb.c - see audit-lb.h. */
#include "audit-lb.h"

#include <stdlib.h>

enum audit_mode audit_mode;
unsigned audit_violations;
int audit_added_code;

struct hf_lb {
    uint32_t endpoints;
};

struct audit_state {
    uint32_t added; /* 1 between `added` and `removed` */
    uint32_t out;   /* 1 while it is not usable */
    uint32_t in_flight;
};

static void
promise(bool kept)
{
    audit_violations += !kept;
}

static int
audit_create(const struct hf_host *host, const struct hf_options *options,
             const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    (void)host;
    (void)options;
    (void)err;
    promise(function != NULL);
    *ret = calloc(1, sizeof **ret);
    return *ret ? 0 : HF_ENOMEM;
}

static void
audit_destroy(struct hf_lb *lb)
{
    promise(!lb || lb->endpoints == 0);
    free(lb);
}

static struct hf_handle
audit_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    const struct hf_candidate *chosen;
    const struct audit_state *state;

    promise(view->usable_count > 0 && view->usable_count <= lb->endpoints);
    if (audit_mode != AUDIT_RANDOM) {
        return audit_mode == AUDIT_DECLINE ? HF_NONE : (struct hf_handle){ 12345, 1 };
    }
    chosen = &view->usable[view->random % view->usable_count];
    state = chosen->state;
    promise(state->added && !state->out);
    return chosen->handle;
}

static int
audit_added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct audit_state *state = endpoint->state;

    promise(!state->added && !state->out && state->in_flight == 0);
    if (audit_added_code == 0) {
        state->added = 1;
        lb->endpoints++;
    }
    return audit_added_code;
}

static void
audit_removed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct audit_state *state = endpoint->state;

    promise(state->added && state->out && state->in_flight == 0);
    state->added = 0;
    lb->endpoints--;
}

static void
audit_full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct audit_state *state = endpoint->state;

    (void)lb;
    promise(state->added && !state->out);
    state->out = 1;
}

static void
audit_freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct audit_state *state = endpoint->state;

    (void)lb;
    promise(state->added && state->out);
    promise(endpoint->capacity == 0 || state->in_flight < endpoint->capacity);
    state->out = 0;
}

static void
audit_started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct audit_state *state = endpoint->state;

    (void)lb;
    state->in_flight++;
    promise(state->added);
    promise(endpoint->capacity == 0 || state->in_flight <= endpoint->capacity);
}

static void
audit_finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
               uint64_t elapsed_ns)
{
    struct audit_state *state = endpoint->state;

    (void)lb;
    promise(state->added && state->in_flight > 0);
    promise(outcome >= HF_OUTCOME_OK && outcome <= HF_OUTCOME_RELEASED);
    promise(elapsed_ns < UINT64_C(1) << 62);
    state->in_flight--;
}

const struct hf_lb_ops audit_lb_ops = {
    .size = sizeof audit_lb_ops,
    .endpoint_state_size = sizeof(struct audit_state),
    .create = audit_create,
    .destroy = audit_destroy,
    .pick = audit_pick,
    .added = audit_added,
    .removed = audit_removed,
    .full = audit_full,
    .freed = audit_freed,
    .started = audit_started,
    .finished = audit_finished,
};
