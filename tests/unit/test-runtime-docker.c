/*
 * test-runtime-docker.c - the runtime "docker": the contract of runtimes, starts, images, options.
 * Sessions and ends are in test-docker-sessions.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/runtime.h>

#include "contract-runtime.h"
#include "docker-bench.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;

const struct hf_plugin *const contract_runtime_plugin = &hyperfaas_plugin;
const char *const contract_runtime_image = "hyperfaas-idle:latest";

const char *const *
contract_runtime_settings(void)
{
    static const char *const settings[] = { docker_socket, NULL };

    runtime_bench_prepare = fake_docker_prepare;
    return settings;
}

/* A start that fails, and leaves nothing. */
static void
expect_failure(struct runtime_bench *b, const struct fake_docker *docker, int code,
               const char *message)
{
    struct runtime_answer a = runtime_start(b, contract_runtime_image);

    UNIT_INT(a.code, code);
    UNIT_CONTAINS(a.message, message);
    CU_ASSERT(docker_wait_empty(b, docker));
}

/* --- starts --------------------------------------------------------------------------------- */

static void
what_a_start_asks_for(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);
    const struct fake_container *container = fake_docker_find(docker, a.id);

    UNIT_STR(a.internal, "172.17.1.1:50052");
    UNIT_STR(a.external, "127.0.0.1:32769");
    UNIT_STR(container->name, a.name);
    UNIT_CONTAINS(container->body, "\"CONTROLLER_ADDRESS=172.17.0.1:50051\""); /* not loopback */
    UNIT_CONTAINS(container->body, "\"hf.node\":\"node\",\"hf.boot\":\"boot\"");
    runtime_bench_close(&b);
}

static void
a_name_that_is_taken_is_not_tried_again(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker_refuse("/containers/create", 409, "{\"message\":\"in use\"}", 2);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/containers/create"), 3);
    docker_refuse("/containers/create", 409, "{\"message\":\"in use\"}", 100);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, HF_ECONFLICT);
    runtime_bench_close(&b);
}

/* Such a container stays "created": it must be removed. */
static void
a_wrong_entry_point_leaves_nothing(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker_refuse("/start", 400, "{\"message\":\"exec: \\\"/nothing\\\": no such file\"}", 1);
    expect_failure(&b, docker, HF_EINVALID, "exec: \"/nothing\": no such file");
    docker_refuse("/start", 404, "{\"message\":\"network x not found\"}", 1);
    expect_failure(&b, docker, HF_EUNAVAILABLE, "network x not found");
    runtime_bench_close(&b);
}

/* Somebody connected from the port that the engine chose: it chooses another. */
static void
a_port_that_is_taken_is_not_tried_again(void)
{
    static const char taken[] = "{\"message\":\"driver failed programming external connectivity: "
                                "listen tcp4 127.0.0.1:32789: bind: address already in use\"}";
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker_refuse("/start", 500, taken, 5);
    expect_failure(&b, docker, HF_EUNAVAILABLE, "address already in use");
    docker_refuse("/start", 500, taken, 2);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/start"), 8);
    runtime_bench_close(&b);
}

static void
started_already_is_started(void)
{
    struct runtime_bench b;

    docker_open(&b);
    docker_refuse("/start", 304, "", 1); /* ... and then it does not run: that is seen, too */
    UNIT_CONTAINS(runtime_start(&b, contract_runtime_image).message, "exited with code 0");
    runtime_bench_close(&b);
}

static void
lost_answers_leave_nothing(void)
{
    static const char *const steps[] = { "/containers/create", "/start", "GET /containers/" };
    struct runtime_bench b;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fake_docker *docker = docker_open(&b);

        runtime_list(&b);
        docker_refuse(steps[i], 0, NULL, 1);
        expect_failure(&b, docker, HF_EUNAVAILABLE, "connection reset");
        fake_settle(b.fake, 20);
        CU_ASSERT(fake_docker_asked(docker, "DELETE /containers/") >= 1);
        CU_ASSERT_EQUAL(fake_docker_asked(docker, "/_ping"), 2); /* it is still there */
        CU_ASSERT_EQUAL(b.health_changes, 0);
        runtime_bench_close(&b);
    }
}

/* Whatever the engine is doing when nobody wants the instance any more. */
static void
cancelled_in_every_step(void)
{
    static const char *const steps[] = { "/containers/create", "/start", "GET /containers/" };
    struct runtime_bench b;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fake_docker *docker = docker_open(&b);
        struct hf_runtime_op *op = NULL;
        struct runtime_answer a;

        runtime_list(&b);
        docker_script.hold = steps[i];
        CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &a, &op, NULL), 0);
        CU_ASSERT(docker_wait_held(&b, docker, 1));
        docker_script.hold = NULL;
        b.ops->cancel(b.runtime, op);
        CU_ASSERT(fake_wait(b.fake, &a.n, 1));
        UNIT_INT(a.code, HF_ECANCELLED);
        fake_docker_answer(docker, docker->held[0]);
        CU_ASSERT(docker_wait_asked(&b, docker, "DELETE /containers/", 1));
        CU_ASSERT(docker_wait_empty(&b, docker));
        CU_ASSERT_EQUAL(b.ends, 0);
        runtime_bench_close(&b);
    }
}

static void
no_step_takes_for_ever(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct hf_function function = { .size = sizeof function,
                                    .id = "f",
                                    .image = contract_runtime_image };
    struct hf_instance_spec spec = { .size = sizeof spec,
                                     .function = &function,
                                     .node_id = "node",
                                     .owner_id = "",
                                     .controller_address = "worker:50051" };
    struct runtime_answer a = { 0 };

    runtime_list(&b);
    docker_script.hold = "/containers/create";
    CU_ASSERT_EQUAL(b.ops->start(b.runtime, &spec, SECOND / 20, runtime_on_done, &a, NULL, NULL),
                    0);
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_ETIMEOUT);
    UNIT_CONTAINS(a.message, "the engine has not answered");
    CU_ASSERT(docker->held[0]->timeout_ns > 0); /* the step itself has a limit */
    UNIT_CONTAINS(docker->held[0]->body, "\"CONTROLLER_ADDRESS=worker:50051\"");
    fake_docker_answer(docker, docker->held[0]);
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
only_so_many_at_once(void)
{
    enum { N = 7 };
    struct runtime_answer answers[N];
    struct runtime_bench b;
    struct fake_docker *docker = docker_open_with(&b, "parallel_starts=3");

    runtime_list(&b);
    docker_script.hold = "/containers/create";
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &answers[i], NULL, NULL), 0);
    }
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(docker->held_count, 3);
    docker_script.hold = NULL;
    for (size_t i = 0; i < 3; i++) {
        fake_docker_answer(docker, docker->held[i]);
    }
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT(fake_wait(b.fake, &answers[i].n, 1));
        UNIT_INT(answers[i].code, 0);
    }
    runtime_bench_close(&b);
}

/* --- images --------------------------------------------------------------------------------- */

/* Docker says 404 at once; Podman begins with 200 and says it in the stream. */
static void
a_failed_pull_is_clear(void)
{
    static const struct {
        uint32_t status;
        const char *answer;
    } engines[] = {
        { 404, "{\"message\":\"access denied\"}" },
        { 500, "{\"message\":\"access denied\",\"cause\":\"x\",\"response\":500}" },
        { 200, "{\"status\":\"Pulling\"}\n{\"errorDetail\":{\"message\":\"access denied\"}}\n" },
        { 200, "{\"error\":\"access denied\"}" }, /* neither newline nor detail */
    };
    struct runtime_bench b;

    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        struct fake_docker *docker = docker_open(&b);
        struct runtime_answer a;

        docker->pull_status = engines[i].status;
        docker->pull_answer = engines[i].answer;
        a = runtime_start(&b, "other:v1");
        UNIT_INT(a.code, HF_ENOTFOUND);
        UNIT_STR(a.message, "image other:v1 is not there and cannot be pulled: access denied");
        UNIT_CONTAINS(docker->asked, "POST /images/create?fromImage=other&tag=v1\n");
        runtime_bench_close(&b);
    }
}

static void
many_starts_pull_once(void)
{
    enum { N = 5 };
    struct runtime_answer answers[N];
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    size_t changes;

    runtime_list(&b);
    docker_script.hold = "/images/create";
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, "other:v1", &answers[i], NULL, NULL), 0);
    }
    CU_ASSERT(docker_wait_held(&b, docker, 1));
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(docker->held_count, 1);
    fake_answer_begin(docker->held[0], 200, NULL);
    fake_answer_data(docker->held[0], "{\"status\":\"Down", 15);
    fake_answer_data(docker->held[0], "loading\",\"progressDetail\":{\"current\":1,\"total\":2}}\n",
                     52);
    fake_settle(b.fake, 5);
    CU_ASSERT_EQUAL(answers[0].n, 0); /* only the end of the stream is success */
    CU_ASSERT_FALSE(b.ops->image_present(b.runtime, "other:v1"));
    changes = b.image_changes; /* the first of them: those that were there */
    CU_ASSERT(changes >= 1);
    snprintf(docker->images[1], sizeof docker->images[1], "other:v1");
    fake_answer_end(docker->held[0]);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT(fake_wait(b.fake, &answers[i].n, 1));
        UNIT_INT(answers[i].code, 0);
    }
    CU_ASSERT(b.ops->image_present(b.runtime, "other:v1"));
    CU_ASSERT_EQUAL(b.image_changes, changes + 1);
    runtime_bench_close(&b);
}

static void
a_pull_that_does_not_help_is_not_repeated(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker->pull_status = 200;
    docker->pull_answer = "{\"status\":\"Downloaded\"}\n";
    UNIT_INT(runtime_start(&b, "other:v1").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/images/create"), 1);
    runtime_bench_close(&b);
}

static void
pulls_may_be_forbidden(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open_with(&b, "pull=never");
    struct runtime_answer a = runtime_start(&b, "other:v1");

    UNIT_INT(a.code, HF_ENOTFOUND);
    UNIT_STR(a.message, "image other:v1 is not there: [runtime] pull = never");
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/images/create"), 0);
    runtime_bench_close(&b);
}

/* --- options -------------------------------------------------------------------------------- */

static void
expect_refusal(const char *setting, const char *message)
{
    const char *settings[] = { setting, NULL };
    struct hf_err err = runtime_bench_refusal(&hyperfaas_plugin, settings);

    UNIT_INT(err.code, HF_EINVALID);
    UNIT_CONTAINS(err.message, message);
}

static void
wrong_options_are_explained(void)
{
    expect_refusal("socket=ssh://host", "expected unix:///PATH or tcp://HOST:PORT");
    expect_refusal("publish=everywhere", "expected an IP address without port, or none");
    expect_refusal("publish=0.0.0.0", "needs advertise");
    expect_refusal("env=NAME", "expected NAME=VALUE");
}

static void
the_environment_says_where_the_engine_is(void)
{
    static const char *const none[] = { NULL };
    struct fake_request *ping;
    struct runtime_bench b;

    runtime_bench_prepare = NULL;
    setenv("DOCKER_HOST", "tcp://192.0.2.1:2375", 1);
    runtime_bench_open(&b, &hyperfaas_plugin, none);
    unsetenv("DOCKER_HOST");
    ping = fake_request_take(b.fake);
    UNIT_STR(ping->url, "http://192.0.2.1:2375/_ping");
    CU_ASSERT(ping->timeout_ns > 0);
    CU_ASSERT_PTR_NULL(fake_http_options(b.fake)->unix_socket);
    runtime_bench_close(&b);
}

UNIT_MAIN("runtime-docker", CONTRACT_RUNTIME_TESTS UNIT_TEST(what_a_start_asks_for),
          UNIT_TEST(a_name_that_is_taken_is_not_tried_again),
          UNIT_TEST(a_port_that_is_taken_is_not_tried_again),
          UNIT_TEST(a_wrong_entry_point_leaves_nothing), UNIT_TEST(started_already_is_started),
          UNIT_TEST(lost_answers_leave_nothing), UNIT_TEST(cancelled_in_every_step),
          UNIT_TEST(no_step_takes_for_ever), UNIT_TEST(only_so_many_at_once),
          UNIT_TEST(a_failed_pull_is_clear), UNIT_TEST(many_starts_pull_once),
          UNIT_TEST(a_pull_that_does_not_help_is_not_repeated), UNIT_TEST(pulls_may_be_forbidden),
          UNIT_TEST(wrong_options_are_explained),
          UNIT_TEST(the_environment_says_where_the_engine_is))
