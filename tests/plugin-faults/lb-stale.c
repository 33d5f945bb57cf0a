/* lb-stale.c - it keeps the room of an endpoint that has left. */
#include "lb.h"

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    int r = right_create(host, options, function, ret, err);

    if (r == 0) {
        (*ret)->more = calloc(1, sizeof(void *));
    }
    return r;
}

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    const volatile uint32_t **last = lb->more;

    if (last && *last) {
        lb->next += **last;
    }
    if (last) {
        *last = endpoint->state;
    }
    right_finished(lb, endpoint, outcome, elapsed_ns);
}

FAULTY_LB(stale, create, right_pick, finished);
