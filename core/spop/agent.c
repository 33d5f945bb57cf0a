/*
 * agent.c - the agent as a whole: its socket and the set of its connections.
 */
#include "spop/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/err.h"
#include "loop/listener.h"
#include "spop/agent_private.h"

#define UNIX_PREFIX "unix:"

/* Owner and group: HAProxy runs as a user of its own. */
#define SOCKET_MODE 0660

HF_COUNTER(spop_accepted, "Connections accepted from HAProxy.");
HF_COUNTER(spop_refused, "Connections from HAProxy closed at once: there were too many.");

static void
on_accept(void *arg, int fd)
{
    struct hf_spop_agent *agent = arg;

    if (agent->conn_count >= agent->config.limits.max_conns) {
        hf_count(&spop_refused);
        close(fd);
        return;
    }
    hf_count(&spop_accepted);
    hf_spop_conn_new(agent, fd);
}

static int
open_to_group(const char *address, struct hf_err *err)
{
    const char *path = address + strlen(UNIX_PREFIX);

    if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0 && chmod(path, SOCKET_MODE) < 0) {
        return hf_fail_errno(err, errno, "cannot set the mode of %s", path);
    }
    return 0;
}

int
hf_spop_agent_new(struct hf_loop *loop, const struct hf_spop_agent_config *config,
                  struct hf_spop_agent **ret, struct hf_err *err)
{
    struct hf_spop_agent *agent = calloc(1, sizeof *agent);
    int r;

    if (!agent) {
        return hf_fail(err, HF_ENOMEM, "agent for HAProxy: out of memory");
    }
    agent->config = *config;
    agent->loop = loop;
    hf_list_init(&agent->conns);
    r = hf_listener_new(loop, config->address, on_accept, agent, &agent->listener, err);
    if (r == 0) {
        r = open_to_group(config->address, err);
    }
    if (r < 0) {
        hf_spop_agent_free(agent);
        return hf_err_wrap(err, r, "agent for HAProxy");
    }
    agent->config.address = hf_listener_text(agent->listener);
    *ret = agent;
    return 0;
}

void
hf_spop_agent_free(struct hf_spop_agent *agent)
{
    if (!agent) {
        return;
    }
    hf_listener_free(agent->listener);
    while (!hf_list_is_empty(&agent->conns)) {
        hf_spop_conn_dismiss(hf_spop_first_conn(agent));
    }
    free(agent);
}

const char *
hf_spop_agent_address(const struct hf_spop_agent *agent)
{
    return agent->config.address;
}

size_t
hf_spop_agent_conns(const struct hf_spop_agent *agent)
{
    return agent->conn_count;
}
