/*
 * haproxy.c - a load balancer as routing controller: HAProxy forwards the calls, and asks
 * here where each should go.
 *
 * The question is the message `route-decision` with the arguments `host`, `authority` and
 * `protocol`.  The answer sets two variables of the transaction: `routed_by` says who
 * decides, and `preferred_backend` which child it is, by its proxy address, under which
 * HAProxy knows it.  Where no child has the function warm the choice is left to HAProxy's
 * own consistent hash, so that it makes the same one when nobody answers.
 */
#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "node/lb/balancer.h"
#include "spop/agent.h"

HF_LOG_MODULE(lb);

HF_COUNTER(haproxy_warm, "Answers to HAProxy that named a child that has the function warm.");
HF_COUNTER(haproxy_cold, "Answers to HAProxy that left the choice to it.");

/* --- decisions ----------------------------------------------------------------------------- */

/* The function's id, which stands before the first colon of the authority, or of the host.
 * False: there is none, or one that nobody has. */
static bool
read_id(const struct hf_spop_message *message, char ret[static HF_TREE_ID_MAX + 1])
{
    struct hf_spop_string name;
    const char *colon;
    size_t len;

    if ((!hf_spop_message_string(message, "authority", &name) || name.len == 0) &&
        !hf_spop_message_string(message, "host", &name)) {
        return false;
    }
    colon = memchr(name.data, ':', name.len);
    len = colon ? (size_t)(colon - name.data) : name.len;
    if (len == 0 || len > HF_TREE_ID_MAX) {
        return false;
    }
    memcpy(ret, name.data, len);
    ret[len] = '\0';
    return true;
}

/* The next of the children that have the function warm, each in turn; NULL: there is none. */
static const struct hf_balancer_child *
choose(struct hf_balancer *balancer, const char *function)
{
    size_t n =
        hf_tree_candidates(balancer->tree, function, 0, balancer->found, balancer->children.count);

    return n > 0 ? balancer->found[balancer->turn++ % n]->user : NULL;
}

/* An answer that is too long for the frame is left out: HAProxy then decides. */
static void
on_message(void *arg, const struct hf_spop_message *message, struct hf_spop_writer *actions)
{
    struct hf_balancer *balancer = hf_balancer_of(arg);
    const struct hf_balancer_child *child = NULL;
    char id[HF_TREE_ID_MAX + 1];

    if (!hf_spop_string_is(message->name, "route-decision")) {
        return;
    }
    if (read_id(message, id)) {
        child = choose(balancer, id);
    }
    if (child && hf_spop_set_var(actions, HF_SPOP_SCOPE_TRANSACTION, "preferred_backend",
                                 child->link.proxy) == 0) {
        hf_count(&haproxy_warm);
        hf_spop_set_var(actions, HF_SPOP_SCOPE_TRANSACTION, "routed_by", "routing-controller");
    } else {
        hf_count(&haproxy_cold);
        hf_spop_set_var(actions, HF_SPOP_SCOPE_TRANSACTION, "routed_by", "haproxy-consistent-hash");
    }
}

/* --- life ---------------------------------------------------------------------------------- */

static void
on_trouble(void *arg, const char *what)
{
    (void)arg;
    hf_log_limited(HF_LOG_NOTICE, "a connection of HAProxy ends", HF_KV_STR("why", what));
}

int
hf_balancer_open_agent(struct hf_front *front, struct hf_err *err)
{
    struct hf_balancer *balancer = hf_balancer_of(front);
    const struct hf_spop_agent_config config = {
        .address = hf_options_str(balancer->front.options, "spoe"),
        .limits = HF_SPOP_LIMITS_DEFAULT,
        .on_message = on_message,
        .on_trouble = on_trouble,
        .arg = balancer,
    };

    return config.address
               ? hf_spop_agent_new(balancer->front.control, &config, &balancer->agent, err)
               : 0;
}

void
hf_balancer_close_agent(struct hf_front *front)
{
    struct hf_balancer *balancer = hf_balancer_of(front);

    hf_spop_agent_free(hf_steal(balancer->agent));
}
