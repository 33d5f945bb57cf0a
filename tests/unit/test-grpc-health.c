/*
 * test-grpc-health.c - the health service, and what the probe finds at an address.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "grpc/client.h"
#include "grpc/health.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/server.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "unit.h"

#define WAIT_NS (10 * HF_SEC)

static struct hf_loop *loop;
static struct hf_grpc_server *server;
static struct hf_grpc_health *health;
static struct hf_grpc_client *client;

static void
begin(bool with_health)
{
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, NULL, &server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(server, "127.0.0.1:0", NULL), 0);
    health = NULL;
    if (with_health) {
        CU_ASSERT_EQUAL_FATAL(hf_grpc_health_new(server, &health), 0);
    }
    CU_ASSERT_EQUAL_FATAL(
        hf_grpc_client_new(loop, hf_grpc_server_address(server), NULL, &client, NULL), 0);
}

static void
end(void)
{
    hf_grpc_client_free(client);
    hf_grpc_server_free(server);
    hf_grpc_health_free(health);
    hf_h2_thread_release();
    hf_loop_free(loop);
}

/* --- the service --------------------------------------------------------------------------- */

/* What a Check or a Watch has heard. */
struct heard {
    unsigned updates;
    int status; /* the last one */
    bool done;
    uint32_t code;
};

static void
note_status(void *arg, const void *message)
{
    const Grpc__Health__V1__HealthCheckResponse *response = message;
    struct heard *heard = arg;

    heard->updates++;
    heard->status = (int)response->status;
}

static void
note_done(void *arg, const struct hf_grpc_result *result)
{
    struct heard *heard = arg;

    heard->done = true;
    heard->code = result->code;
    if (result->response) {
        note_status(arg, result->response);
    }
}

static bool
is_done(void *arg)
{
    return ((struct heard *)arg)->done;
}

static bool
has_one(void *arg)
{
    return ((struct heard *)arg)->updates >= 1;
}

static bool
has_two(void *arg)
{
    return ((struct heard *)arg)->updates >= 2;
}

static struct hf_grpc_request
request_for(Grpc__Health__V1__HealthCheckRequest *message, const char *path, char *service)
{
    grpc__health__v1__health_check_request__init(message);
    message->service = service;
    return (struct hf_grpc_request){
        .path = path,
        .message = &message->base,
        .response = &grpc__health__v1__health_check_response__descriptor,
    };
}

static struct heard
check(char *service)
{
    struct heard heard = { .status = -1 };
    Grpc__Health__V1__HealthCheckRequest message;
    struct hf_grpc_request request = request_for(&message, "/grpc.health.v1.Health/Check", service);

    UNIT_INT(hf_grpc_client_unary(client, &request, note_done, &heard, NULL), 0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, &heard, WAIT_NS));
    return heard;
}

static void
start_watch(char *service, struct heard *heard)
{
    Grpc__Health__V1__HealthCheckRequest message;
    struct hf_grpc_request request = request_for(&message, "/grpc.health.v1.Health/Watch", service);

    *heard = (struct heard){ .status = -1 };
    UNIT_INT(hf_grpc_client_stream(client, &request, note_status, note_done, heard, NULL), 0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_one, heard, WAIT_NS));
}

static void
check_says_what_is_known(void)
{
    begin(true);
    UNIT_INT(check("").status, 1);
    UNIT_U64(check("worker").code, HF_GRPC_NOT_FOUND);
    UNIT_INT(hf_grpc_health_set(health, "worker", false), 0);
    UNIT_INT(check("worker").status, 2);
    hf_grpc_health_set_all(health, true);
    UNIT_INT(check("worker").status, 1);
    end();
}

static void
watch_hears_every_change_once(void)
{
    struct heard heard;

    begin(true);
    start_watch("leaf", &heard);
    UNIT_INT(heard.status, 3); /* SERVICE_UNKNOWN */
    hf_grpc_health_set(health, "leaf", true);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_two, &heard, WAIT_NS));
    UNIT_INT(heard.status, 1);
    hf_grpc_health_set(health, "leaf", true);
    hf_grpc_health_set(health, "other", true);
    UNIT_INT(check("leaf").status, 1);
    UNIT_U64(heard.updates, 2);
    hf_grpc_health_end_watches(health);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, &heard, WAIT_NS));
    UNIT_U64(heard.code, HF_GRPC_UNAVAILABLE);
    end();
}

static void
a_watch_may_outlive_its_server(void)
{
    struct heard heard;

    begin(true);
    start_watch("", &heard);
    UNIT_INT(heard.status, 1);
    hf_grpc_server_free(hf_steal(server));
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, &heard, WAIT_NS));
    end();
}

/* --- the probe ----------------------------------------------------------------------------- */

struct finding {
    bool done;
    enum hf_grpc_probe_result result;
    char text[128];
};

static void
note_finding(void *arg, enum hf_grpc_probe_result result, const char *text)
{
    struct finding *finding = arg;

    CU_ASSERT_FALSE(finding->done);
    finding->done = true;
    finding->result = result;
    snprintf(finding->text, sizeof finding->text, "%s", text);
}

static bool
is_found(void *arg)
{
    return ((struct finding *)arg)->done;
}

static void
check_probe(const char *address, uint64_t timeout_ns, enum hf_grpc_probe_result expected)
{
    struct finding finding = { 0 };

    UNIT_INT(hf_grpc_probe(loop, address, HF_GRPC_PROBE_HEALTH, timeout_ns, note_finding, &finding,
                           NULL, NULL),
             0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_found, &finding, WAIT_NS));
    UNIT_INT(finding.result, expected);
    CU_ASSERT_TRUE(finding.text[0] != '\0');
}

static void
the_probe_asks_the_health_service(void)
{
    begin(true);
    check_probe(hf_grpc_server_address(server), WAIT_NS, HF_GRPC_PROBE_READY);
    hf_grpc_health_set_all(health, false);
    check_probe(hf_grpc_server_address(server), WAIT_NS, HF_GRPC_PROBE_NOT_SERVING);
    end();
}

static void
http2_is_enough_without_a_health_service(void)
{
    begin(false);
    check_probe(hf_grpc_server_address(server), WAIT_NS, HF_GRPC_PROBE_READY);
    end();
}

static void
keep_socket(void *arg, int fd)
{
    *(int *)arg = fd;
}

static void
a_bare_socket_is_not_enough(void)
{
    struct hf_listener *listener = NULL;
    char address[64];
    int fd = -1;

    begin(false);
    CU_ASSERT_EQUAL_FATAL(hf_listener_new(loop, "127.0.0.1:0", keep_socket, &fd, &listener, NULL),
                          0);
    check_probe(hf_listener_text(listener), 100 * HF_MSEC, HF_GRPC_PROBE_NO_SERVER);
    CU_ASSERT_TRUE(fd >= 0);
    close(fd);
    snprintf(address, sizeof address, "%s", hf_listener_text(listener));
    hf_listener_free(listener);
    check_probe(address, WAIT_NS, HF_GRPC_PROBE_NO_SERVER);
    end();
}

static void
a_probe_can_be_cancelled(void)
{
    struct finding finding = { 0 };
    struct hf_grpc_probe *probe = NULL;

    begin(true);
    UNIT_INT(hf_grpc_probe(loop, hf_grpc_server_address(server), HF_GRPC_PROBE_HEALTH, WAIT_NS,
                           note_finding, &finding, &probe, NULL),
             0);
    CU_ASSERT_FALSE(hf_loop_run_until(loop, is_found, &finding, 0));
    hf_grpc_probe_cancel(probe);
    UNIT_INT(check("").status, 1);
    CU_ASSERT_FALSE(finding.done);
    end();
}

UNIT_MAIN("grpc health", UNIT_TEST(check_says_what_is_known),
          UNIT_TEST(watch_hears_every_change_once), UNIT_TEST(a_watch_may_outlive_its_server),
          UNIT_TEST(the_probe_asks_the_health_service),
          UNIT_TEST(http2_is_enough_without_a_health_service),
          UNIT_TEST(a_bare_socket_is_not_enough), UNIT_TEST(a_probe_can_be_cancelled))
