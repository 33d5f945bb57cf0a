/*
 * ready.c - telling the worker that this instance serves (worker.Worker/SignalReady).
 *
 * The worker answers OK to whatever it is told.  If it cannot be reached for a while,
 * the function serves on: a worker may also find out by itself.
 *
 * An existing worker answers OK, and forgets it, while it does not know the instance yet; so
 * it is told again for some seconds, once it has answered: two signals at once can end it.
 */
#include "service.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "grpc/client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "worker/worker.pb-c.h"

HF_LOG_MODULE(function);

#define READY_MAGIC UINT32_C(0x66526479)

#define ATTEMPTS_MAX    12
#define ATTEMPT_TIME_NS (5 * HF_SEC)
#define FIRST_WAIT_NS   (50 * HF_MSEC)
#define WAIT_MAX_NS     (2 * HF_SEC)
#define REPEAT_NS       (10 * HF_SEC) /* from the first answer on */

struct hf_ready {
    uint32_t magic;
    struct hf_grpc_client *client;
    char *instance;
    unsigned attempts;
    uint64_t wait_ns;
    uint64_t repeat_until_ns; /* 0: it has not answered yet */
    struct hf_timer again;
};

static void
on_answer(void *arg, const struct hf_grpc_result *result)
{
    struct hf_ready *ready = hf_cast(arg, struct hf_ready, READY_MAGIC);
    uint64_t now = hf_loop_now(ready->again.loop);
    struct hf_err err = HF_ERR_INIT;
    int r = hf_grpc_result_error(result, hf_grpc_client_address(ready->client), &err);

    if (r == 0 && ready->repeat_until_ns == 0) {
        ready->repeat_until_ns = now + REPEAT_NS;
        ready->wait_ns = FIRST_WAIT_NS;
    }
    if (ready->repeat_until_ns > 0 && now >= ready->repeat_until_ns) {
        return;
    }
    if (ready->repeat_until_ns == 0 && ready->attempts >= ATTEMPTS_MAX) {
        hf_log(HF_LOG_WARNING, "the worker was not told that we are ready", HF_KV_ERR(&err));
        return;
    }
    hf_timer_set(&ready->again, ready->wait_ns);
    ready->wait_ns = hf_min(ready->wait_ns * 2, WAIT_MAX_NS);
}

static void
tell_worker(struct hf_timer *timer)
{
    struct hf_ready *ready = hf_container_of(timer, struct hf_ready, again);
    Worker__SignalReadyRequest message = WORKER__SIGNAL_READY_REQUEST__INIT;
    struct hf_grpc_request request = {
        .path = "/worker.Worker/SignalReady",
        .message = &message.base,
        .timeout_ns = ATTEMPT_TIME_NS,
    };

    message.instance_id = ready->instance;
    ready->attempts++;
    if (hf_grpc_client_unary(ready->client, &request, on_answer, ready, NULL) < 0) {
        hf_log(HF_LOG_WARNING, "the worker was not told that we are ready: out of memory");
    }
}

struct hf_ready *
hf_ready_new(struct hf_loop *loop, const char *controller, const char *instance)
{
    struct hf_ready *ready = calloc(1, sizeof *ready);
    struct hf_err err = HF_ERR_INIT;

    if (!ready) {
        return NULL;
    }
    ready->magic = READY_MAGIC;
    ready->wait_ns = FIRST_WAIT_NS;
    hf_timer_init(&ready->again, loop, HF_TIMER_REAL, tell_worker);
    ready->instance = strdup(instance);
    if (!ready->instance || hf_grpc_client_new(loop, controller, NULL, &ready->client, &err) < 0) {
        hf_log(HF_LOG_WARNING, "cannot tell the worker that we are ready",
               HF_KV_STR("controller", controller), HF_KV_ERR(&err));
        hf_ready_free(ready);
        return NULL;
    }
    tell_worker(&ready->again);
    return ready;
}

void
hf_ready_free(struct hf_ready *ready)
{
    if (!ready) {
        return;
    }
    ready->attempts = ATTEMPTS_MAX;
    ready->repeat_until_ns = 1; /* that its calls end tells nobody anything */
    hf_grpc_client_free(ready->client);
    hf_timer_fini(&ready->again);
    free(ready->instance);
    ready->magic = 0;
    free(ready);
}
