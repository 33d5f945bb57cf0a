/*
 * probe.c - one look at an address: HTTP/2, and healthy?  See health.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/macros.h"
#include "grpc/client.h"
#include "grpc/health.h"
#include "grpc/health/v1/health.pb-c.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define PROBE_MAGIC UINT32_C(0x67525072)

#define TEXT_MAX 256

struct hf_grpc_probe {
    uint32_t magic;
    struct hf_grpc_client *client;
    hf_grpc_probe_fn *fn;
    void *arg;
    uint64_t timeout_ns;
    enum hf_grpc_probe_depth depth;
    struct hf_timer limit;

    /* What was found, once `finished` is queued: told outside the client's callbacks. */
    struct hf_deferred finished;
    enum hf_grpc_probe_result result;
    char text[TEXT_MAX];
};

void
hf_grpc_probe_cancel(struct hf_grpc_probe *probe)
{
    if (!probe) {
        return;
    }
    hf_deferred_cancel(&probe->finished);
    hf_timer_fini(&probe->limit);
    probe->fn = NULL; /* The client's end reports to the callbacks below. */
    hf_grpc_client_free(probe->client);
    probe->magic = 0;
    free(probe);
}

static void
tell(struct hf_deferred *deferred)
{
    struct hf_grpc_probe *probe = hf_container_of(deferred, struct hf_grpc_probe, finished);
    hf_grpc_probe_fn *fn = probe->fn;
    void *arg = probe->arg;
    enum hf_grpc_probe_result result = probe->result;
    char text[TEXT_MAX];

    snprintf(text, sizeof text, "%s", probe->text);
    hf_grpc_probe_cancel(probe);
    fn(arg, result, text);
}

/* Notes the first result and tells it at the end of the turn. */
static void
finish(struct hf_grpc_probe *probe, enum hf_grpc_probe_result result, const char *text)
{
    if (!probe->fn || probe->text[0] != '\0') {
        return;
    }
    probe->result = result;
    snprintf(probe->text, sizeof probe->text, "%s", text);
    hf_timer_cancel(&probe->limit);
    hf_loop_defer(probe->limit.loop, &probe->finished);
}

static void
on_limit(struct hf_timer *timer)
{
    struct hf_grpc_probe *probe = hf_container_of(timer, struct hf_grpc_probe, limit);

    finish(probe, HF_GRPC_PROBE_NO_SERVER, "no HTTP/2 SETTINGS in time");
}

static void
on_health(void *arg, const struct hf_grpc_result *result)
{
    struct hf_grpc_probe *probe = hf_cast(arg, struct hf_grpc_probe, PROBE_MAGIC);
    const Grpc__Health__V1__HealthCheckResponse *response = result->response;
    char text[TEXT_MAX];

    if (response) {
        if (response->status ==
            GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING) {
            finish(probe, HF_GRPC_PROBE_NOT_SERVING, "its health service says NOT_SERVING");
        } else {
            finish(probe, HF_GRPC_PROBE_READY, "its health service says SERVING");
        }
    } else if (result->code == HF_GRPC_UNAVAILABLE || result->code == HF_GRPC_DEADLINE_EXCEEDED) {
        snprintf(text, sizeof text, "its health service does not answer: %s", result->message);
        finish(probe, HF_GRPC_PROBE_NOT_SERVING, text);
    } else {
        /* Whatever it says of health, it serves HTTP/2. */
        finish(probe, HF_GRPC_PROBE_READY, "an HTTP/2 server without a health service");
    }
}

static void
on_http2(void *arg, int code)
{
    struct hf_grpc_probe *probe = hf_cast(arg, struct hf_grpc_probe, PROBE_MAGIC);
    Grpc__Health__V1__HealthCheckRequest message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct hf_grpc_request request = {
        .path = "/grpc.health.v1.Health/Check",
        .message = &message.base,
        .response = &grpc__health__v1__health_check_response__descriptor,
        .timeout_ns = probe->timeout_ns,
    };
    char text[TEXT_MAX];

    if (code < 0) {
        snprintf(text, sizeof text, "no HTTP/2 server answers: %s",
                 hf_h2_channel_last_error(hf_grpc_client_channel(probe->client)));
        finish(probe, HF_GRPC_PROBE_NO_SERVER, text);
        return;
    }
    if (probe->depth == HF_GRPC_PROBE_HTTP2) {
        finish(probe, HF_GRPC_PROBE_READY, "an HTTP/2 server");
        return;
    }
    hf_timer_cancel(&probe->limit); /* The call has its own. */
    if (hf_grpc_client_unary(probe->client, &request, on_health, probe, NULL) < 0) {
        finish(probe, HF_GRPC_PROBE_NO_SERVER, "out of memory");
    }
}

int
hf_grpc_probe(struct hf_loop *loop, const char *address, enum hf_grpc_probe_depth depth,
              uint64_t timeout_ns, hf_grpc_probe_fn *fn, void *arg, struct hf_grpc_probe **ret,
              struct hf_err *err)
{
    struct hf_grpc_probe *probe = calloc(1, sizeof *probe);
    int r;

    if (!probe) {
        return hf_fail(err, HF_ENOMEM, "%s: no memory for a probe", address);
    }
    probe->magic = PROBE_MAGIC;
    probe->fn = fn;
    probe->arg = arg;
    probe->depth = depth;
    probe->timeout_ns = timeout_ns;
    hf_timer_init(&probe->limit, loop, HF_TIMER_REAL, on_limit);
    hf_deferred_init(&probe->finished, tell);
    r = hf_grpc_client_new(loop, address, NULL, &probe->client, err);
    if (r < 0) {
        hf_grpc_probe_cancel(probe);
        return r;
    }
    hf_timer_set(&probe->limit, timeout_ns);
    hf_h2_channel_probe(hf_grpc_client_channel(probe->client), on_http2, probe);
    if (ret) {
        *ret = probe;
    }
    return 0;
}
