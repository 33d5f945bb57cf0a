/*
 * lb-faulty.c - a load balancing policy with a fault of one's choice; for tests.
 *
 * The fault strikes for functions whose id begins with "bad", and nobody else.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/lb.h>

struct hf_lb {
    const char *fault; /* "" for a function that is well */
};

static const struct hf_option faulty_options[] = {
    { .key = "fault", .type = HF_OPT_STRING, .fallback = "none", .help = "What is wrong." },
    { .key = NULL },
};

static int
faulty_create(const struct hf_host *host, const struct hf_options *options,
              const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    const char *fault = host->option_string(options, "fault");
    struct hf_lb *lb;

    if (strncmp(function->id, "bad", 3) != 0) {
        fault = "none";
    }
    if (strcmp(fault, "create-says-why") == 0) {
        return host->fail(err, HF_EINVALID, "the moon is in the wrong house");
    }
    if (strcmp(fault, "create-is-silent") == 0) {
        return HF_EINVALID;
    }
    if (strcmp(fault, "create-makes-nothing") == 0) {
        return 0;
    }
    lb = calloc(1, sizeof *lb);
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory for a policy");
    }
    lb->fault = fault;
    *ret = lb;
    return 0;
}

static void
faulty_destroy(struct hf_lb *lb)
{
    free(lb);
}

static struct hf_handle
faulty_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    if (strcmp(lb->fault, "pick-crashes") == 0) {
        raise(SIGSEGV);
    } else if (strcmp(lb->fault, "pick-writes-to-null") == 0) {
        *(volatile int *)8 = 1;
    } else if (strcmp(lb->fault, "pick-aborts") == 0) {
        abort();
    } else if (strcmp(lb->fault, "pick-loops") == 0) {
        for (volatile int i = 0;; i = !i) {
        }
    }
    return view->usable[0].handle;
}

static const struct hf_lb_ops faulty_ops = {
    .size = sizeof faulty_ops,
    .create = faulty_create,
    .destroy = faulty_destroy,
    .pick = faulty_pick,
};

HF_LB_PLUGIN(faulty, "Has the fault that its option names.", faulty_ops, faulty_options);
