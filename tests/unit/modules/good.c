/* good.c - a module with nothing wrong, which uses all of the host. */
#include "lb.h"

static const struct hf_option options[] = {
    { "limit", HF_OPT_UINT, 0, "5", "1", "9", NULL, "How many." },
    { "share", HF_OPT_DOUBLE, 0, "0.5", NULL, NULL, NULL, "How much." },
    { "order", HF_OPT_ENUM, 0, "up", NULL, NULL, "up|down", "Which way." },
    { "peers", HF_OPT_LIST, 0, "a, b", NULL, NULL, NULL, "With whom." },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL },
};

static int
good_create(const struct hf_host *host, const struct hf_options *given,
            const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    uint64_t limit = host->option_u64(given, "limit");

    if (limit == 9) {
        return host->fail(err, HF_EFULL, "limit %d is one too many", 9);
    }
    host->log(host, HF_HOST_WARNING, "share %g order %s peer %s end %s",
              host->option_double(given, "share"), host->option_string(given, "order"),
              host->option_item(given, "peers", 1),
              host->option_item(given, "peers", 2) ? "missing" : "reached");
    return test_create(host, given, function, ret, err);
}

static void
good_show(const struct hf_lb *lb, struct hf_text *out)
{
    const struct test_lb *self = (const struct test_lb *)lb;

    self->host->print(out, "hash=%llu\n", (unsigned long long)self->host->hash("a", 1));
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = good_create,
    .destroy = test_destroy,
    .pick = test_pick,
    .show = good_show,
};

HF_LB_PLUGIN(good, "A module with nothing wrong.", ops, options);
