/*
 * test-runtime-docker.c - the runtime "docker": the contract of runtimes, and every trap of real
 * engines, over an engine that is played.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/runtime.h>

#include "contract-runtime.h"
#include "fake-docker.h"
#include "runtime-bench.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;

const struct hf_plugin *const contract_runtime_plugin = &hyperfaas_plugin;
const char *const contract_runtime_image = "hyperfaas-idle:latest";

const char *const *
contract_runtime_settings(void)
{
    static const char *const settings[] = { "socket=unix:///fake.sock", NULL };

    runtime_bench_prepare = fake_docker_prepare;
    return settings;
}

/* --- bench ---------------------------------------------------------------------------------- */

/* What the engine does otherwise: requests with a text in "METHOD PATH" are held or refused. */
static struct {
    const char *hold;
    const char *refuse;
    uint32_t status; /* 0: the connection is lost */
    const char *body;
    int times;
} script;

static bool
intercept(struct fake_docker *docker, struct fake_request *request)
{
    char text[512];

    snprintf(text, sizeof text, "%s %s", request->method, fake_docker_path(request));
    if (script.hold && strstr(text, script.hold)) {
        return fake_docker_hold(docker, request);
    }
    if (script.refuse && strstr(text, script.refuse) && script.times > 0) {
        script.times--;
        if (script.status > 0) {
            fake_answer(request, script.status, script.body);
        } else {
            fake_answer_fail(request, HF_EUNAVAILABLE, "connection reset", true);
        }
        return true;
    }
    return false;
}

static struct fake_docker *
open_with(struct runtime_bench *b, const char *setting)
{
    const char *settings[] = { contract_runtime_settings()[0], setting, NULL };
    struct fake_docker *docker;

    memset(&script, 0, sizeof script);
    runtime_bench_open(b, &hyperfaas_plugin, settings);
    docker = fake_docker_of(b->fake);
    docker->intercept = intercept;
    return docker;
}

static struct fake_docker *
open_bench(struct runtime_bench *b)
{
    return open_with(b, NULL);
}

static void
refuse(const char *what, uint32_t status, const char *body, int times)
{
    script.refuse = what;
    script.status = status;
    script.body = body;
    script.times = times;
}

/* Turns the loop until an engine has been asked so often. */
static bool
wait_asked(struct runtime_bench *b, const struct fake_docker *docker, const char *what, size_t n)
{
    uint64_t limit = fake_real_now() + 60 * SECOND;

    while (fake_docker_asked(docker, what) < n && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    return fake_docker_asked(docker, what) >= n;
}

static bool
wait_held(struct runtime_bench *b, const struct fake_docker *docker, size_t n)
{
    return fake_wait(b->fake, &docker->held_count, n);
}

static bool
wait_empty(struct runtime_bench *b, const struct fake_docker *docker)
{
    uint64_t limit = fake_real_now() + 60 * SECOND;

    while (fake_docker_count(docker) > 0 && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    return fake_docker_count(docker) == 0;
}

/* A start that fails, and leaves nothing. */
static void
expect_failure(struct runtime_bench *b, const struct fake_docker *docker, int code,
               const char *message)
{
    struct runtime_answer a = runtime_start(b, contract_runtime_image);

    UNIT_INT(a.code, code);
    UNIT_CONTAINS(a.message, message);
    CU_ASSERT(wait_empty(b, docker));
}

/* --- sessions ------------------------------------------------------------------------------- */

static void
events_come_before_the_listing(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);

    runtime_list(&b);
    UNIT_CONTAINS(docker->asked, "GET /_ping\nGET /events?since=1795569225.000000000&filters=");
    UNIT_CONTAINS(docker->asked, "\nGET /containers/json?all=1&filters=");
    CU_ASSERT(strstr(docker->asked, "/events") < strstr(docker->asked, "/containers/json"));
    runtime_bench_close(&b);
}

static void
the_lower_version_is_spoken(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct fake_request *request;

    docker->version = "1.60";
    script.hold = "/events";
    CU_ASSERT(wait_held(&b, docker, 1));
    request = docker->held[0];
    UNIT_CONTAINS(request->url, "http://docker/v1.51/events?");
    UNIT_STR(fake_http_options(b.fake)->unix_socket, "/fake.sock");
    runtime_bench_close(&b);
}

static void
an_engine_that_is_too_old_is_not_used(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a;

    docker->version = "1.38";
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 1));
    CU_ASSERT(b.unusable);
    UNIT_CONTAINS(b.health_message, "'1.38', 1.41 or later is needed");
    a = runtime_start(&b, contract_runtime_image);
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(a.message, "unix:///fake.sock");
    docker->version = "1.41";
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2));
    CU_ASSERT_FALSE(b.unusable);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    runtime_bench_close(&b);
}

/* Podman 5.2 sends no headers of a stream of events before there is one. */
static void
streams_without_headers_do_not_hold_up(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);

    script.hold = "/events";
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    CU_ASSERT_EQUAL(docker->held_count, 1);
    docker->events = docker->held[0];
    fake_answer_begin(docker->events, 200, NULL);
    fake_docker_end(docker, docker->containers[0].id, 1, "died");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    runtime_bench_close(&b);
}

/* The engine ends a stream in good order when it stops: that is a loss, too. */
static void
a_lost_engine_is_found_again(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer kept = runtime_start(&b, contract_runtime_image);
    struct runtime_answer gone = runtime_start(&b, contract_runtime_image);
    struct runtime_answer ended = runtime_start(&b, contract_runtime_image);

    fake_docker_event(docker, "{\"timeNano\":1795569300000000077}\n");
    fake_docker_find(docker, gone.id)->state[0] = '\0';
    snprintf(fake_docker_find(docker, ended.id)->state, 16, "exited");
    fake_docker_add(docker, "hyperfaas-stray", "running", "{\"hf.boot\":\"boot\"}");
    fake_docker_add(docker, "hyperfaas-other", "running", "{\"hf.boot\":\"earlier\"}");
    fake_answer_end(docker->events);
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2));
    UNIT_CONTAINS(docker->asked, "/events?since=1795569300.000000077&");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 2));
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(b.ends, 2);
    CU_ASSERT_PTR_NOT_NULL(fake_docker_find(docker, kept.id));
    CU_ASSERT_PTR_NULL(fake_docker_find(docker, ended.id));
    CU_ASSERT_PTR_NULL(fake_docker_find(docker, "hyperfaas-stray"));
    CU_ASSERT_PTR_NOT_NULL(fake_docker_find(docker, "hyperfaas-other")); /* nobody listed yet */
    runtime_bench_close(&b);
}

static void
starts_wait_for_the_first_answer_and_fail_without(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a, listed = { 0 };

    refuse("/_ping", 0, NULL, 2);
    CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &a, NULL, NULL), 0);
    CU_ASSERT_EQUAL(b.ops->list(b.runtime, runtime_on_done, &listed, NULL), 0);
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(a.message, "cannot be used: connection reset");
    UNIT_INT(listed.code, HF_EUNAVAILABLE);
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2)); /* away once, there once */
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/_ping"), 3);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    runtime_bench_close(&b);
}

/* --- starts --------------------------------------------------------------------------------- */

static void
what_a_start_asks_for(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
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
    struct fake_docker *docker = open_bench(&b);

    refuse("/containers/create", 409, "{\"message\":\"in use\"}", 2);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/containers/create"), 3);
    refuse("/containers/create", 409, "{\"message\":\"in use\"}", 100);
    UNIT_INT(runtime_start(&b, contract_runtime_image).code, HF_ECONFLICT);
    runtime_bench_close(&b);
}

/* Such a container stays "created": it must be removed. */
static void
a_wrong_entry_point_leaves_nothing(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);

    refuse("/start", 400, "{\"message\":\"exec: \\\"/nothing\\\": no such file\"}", 1);
    expect_failure(&b, docker, HF_EINVALID, "exec: \"/nothing\": no such file");
    refuse("/start", 404, "{\"message\":\"network x not found\"}", 1);
    expect_failure(&b, docker, HF_EUNAVAILABLE, "network x not found");
    runtime_bench_close(&b);
}

static void
started_already_is_started(void)
{
    struct runtime_bench b;

    open_bench(&b);
    refuse("/start", 304, "", 1); /* ... and then it does not run: that is seen, too */
    UNIT_CONTAINS(runtime_start(&b, contract_runtime_image).message, "exited with code 0");
    runtime_bench_close(&b);
}

static void
lost_answers_leave_nothing(void)
{
    static const char *const steps[] = { "/containers/create", "/start", "GET /containers/" };
    struct runtime_bench b;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fake_docker *docker = open_bench(&b);

        runtime_list(&b);
        refuse(steps[i], 0, NULL, 1);
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
        struct fake_docker *docker = open_bench(&b);
        struct hf_runtime_op *op = NULL;
        struct runtime_answer a;

        runtime_list(&b);
        script.hold = steps[i];
        CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &a, &op, NULL), 0);
        CU_ASSERT(wait_held(&b, docker, 1));
        script.hold = NULL;
        b.ops->cancel(b.runtime, op);
        CU_ASSERT(fake_wait(b.fake, &a.n, 1));
        UNIT_INT(a.code, HF_ECANCELLED);
        fake_docker_answer(docker, docker->held[0]);
        CU_ASSERT(wait_asked(&b, docker, "DELETE /containers/", 1));
        CU_ASSERT(wait_empty(&b, docker));
        CU_ASSERT_EQUAL(b.ends, 0);
        runtime_bench_close(&b);
    }
}

static void
no_step_takes_for_ever(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
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
    script.hold = "/containers/create";
    CU_ASSERT_EQUAL(b.ops->start(b.runtime, &spec, SECOND / 20, runtime_on_done, &a, NULL, NULL),
                    0);
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_ETIMEOUT);
    UNIT_CONTAINS(a.message, "the engine has not answered");
    CU_ASSERT(docker->held[0]->timeout_ns > 0); /* the step itself has a limit */
    UNIT_CONTAINS(docker->held[0]->body, "\"CONTROLLER_ADDRESS=worker:50051\"");
    fake_docker_answer(docker, docker->held[0]);
    CU_ASSERT(wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
only_so_many_at_once(void)
{
    enum { N = 7 };
    struct runtime_answer answers[N];
    struct runtime_bench b;
    struct fake_docker *docker = open_with(&b, "parallel_starts=3");

    runtime_list(&b);
    script.hold = "/containers/create";
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &answers[i], NULL, NULL), 0);
    }
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(docker->held_count, 3);
    script.hold = NULL;
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
        struct fake_docker *docker = open_bench(&b);
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
    struct fake_docker *docker = open_bench(&b);

    runtime_list(&b);
    script.hold = "/images/create";
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, "other:v1", &answers[i], NULL, NULL), 0);
    }
    CU_ASSERT(wait_held(&b, docker, 1));
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(docker->held_count, 1);
    fake_answer_begin(docker->held[0], 200, NULL);
    fake_answer_data(docker->held[0], "{\"status\":\"Down", 15);
    fake_answer_data(docker->held[0], "loading\",\"progressDetail\":{\"current\":1,\"total\":2}}\n", 52);
    fake_settle(b.fake, 5);
    CU_ASSERT_EQUAL(answers[0].n, 0); /* only the end of the stream is success */
    CU_ASSERT_FALSE(b.ops->image_present(b.runtime, "other:v1"));
    snprintf(docker->images[1], sizeof docker->images[1], "other:v1");
    fake_answer_end(docker->held[0]);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT(fake_wait(b.fake, &answers[i].n, 1));
        UNIT_INT(answers[i].code, 0);
    }
    CU_ASSERT(b.ops->image_present(b.runtime, "other:v1"));
    runtime_bench_close(&b);
}

static void
a_pull_that_does_not_help_is_not_repeated(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);

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
    struct fake_docker *docker = open_with(&b, "pull=never");
    struct runtime_answer a = runtime_start(&b, "other:v1");

    UNIT_INT(a.code, HF_ENOTFOUND);
    UNIT_STR(a.message, "image other:v1 is not there: [runtime] pull = never");
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/images/create"), 0);
    runtime_bench_close(&b);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void
an_end_is_explained(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);

    fake_docker_end(docker, a.id, 3, "die");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    UNIT_STR(b.end_id, a.id);
    UNIT_INT(b.end.exit_code, 3);
    UNIT_INT(b.end.signal, 0);
    UNIT_CONTAINS(b.end_message, "exited with code 3; its last line: two");
    CU_ASSERT(wait_empty(&b, docker)); /* it is removed without being asked */
    UNIT_INT(runtime_stop(&b, a.id, SECOND).code, HF_ENOTFOUND);
    runtime_bench_close(&b);
}

static void
kills_have_a_signal_and_a_reason(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);
    struct runtime_answer c = runtime_start(&b, contract_runtime_image);

    fake_docker_find(docker, a.id)->out_of_memory = true;
    fake_docker_end(docker, a.id, 137, "die");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT_EQUAL(b.end.out_of_memory, 1);
    UNIT_INT(b.end.signal, 9);
    UNIT_INT(b.end.exit_code, -1);
    UNIT_CONTAINS(b.end_message, "more memory than its limit");
    fake_docker_end(docker, c.id, 0, "pause");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 2));
    UNIT_CONTAINS(b.end_message, "was paused by somebody");
    CU_ASSERT(wait_empty(&b, docker));
    runtime_bench_close(&b);
}

/* Events say so before the answer to the last step does, which had been written before. */
static void
an_end_during_the_start_is_not_missed(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a;

    runtime_list(&b);
    script.hold = "GET /containers/";
    CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &a, NULL, NULL), 0);
    CU_ASSERT(wait_held(&b, docker, 1));
    script.hold = NULL;
    fake_docker_end(docker, docker->containers[0].id, 1, "die");
    snprintf(docker->containers[0].state, 16, "running");
    fake_docker_answer(docker, docker->held[0]);
    snprintf(docker->containers[0].state, 16, "exited");
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, 0);
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT(wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
events_of_others_and_nonsense_do_no_harm(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);

    fake_docker_event(docker, "{}\nnull\n[\n\n{\"Type\":\"container\",\"Action\":\"die\","
                              "\"Actor\":{\"ID\":\"0123456789abcdef\"}}\n"
                              "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{}}\nx");
    fake_docker_event(docker, "\n{\"status\":\"die\",\"id\":\"");
    fake_docker_event(docker, a.id);
    fake_docker_event(docker, "\"}\n");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(b.ends, 0);
    CU_ASSERT_EQUAL(b.health_changes, 0);
    runtime_bench_close(&b);
}

/* --- stops ---------------------------------------------------------------------------------- */

static void
a_stop_has_a_grace_in_whole_seconds(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);
    struct runtime_answer c = runtime_start(&b, contract_runtime_image);

    UNIT_INT(runtime_stop(&b, a.id, SECOND + 1).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/stop?t=2\n"), 1);
    UNIT_INT(runtime_stop(&b, c.id, 0).code, 0); /* no grace: it is removed by force */
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/stop"), 1);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "?force=1&v=1\n"), 2);
    CU_ASSERT_EQUAL(fake_docker_count(docker), 0);
    runtime_bench_close(&b);
}

static void
gone_already_is_removed(void)
{
    static const uint32_t statuses[] = { 404, 409 };
    struct runtime_bench b;

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct runtime_answer a;

        open_bench(&b);
        a = runtime_start(&b, contract_runtime_image);
        refuse("DELETE", statuses[i], "{\"message\":\"gone, or on its way\"}", 1);
        UNIT_INT(runtime_stop(&b, a.id, SECOND).code, 0);
        runtime_bench_close(&b);
    }
}

static void
a_removal_that_fails_is_tried_again(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);

    refuse("DELETE", 500, "{\"message\":\"device or resource busy\"}", 1);
    a = runtime_stop(&b, a.id, 0);
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_STR(a.message, "device or resource busy");
    CU_ASSERT(wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
stopped_while_the_engine_is_away(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);
    struct hf_runtime_stats stats = { .size = sizeof stats };

    refuse("", 0, NULL, 1000);
    fake_answer_fail(docker->events, HF_EUNAVAILABLE, "connection reset", true);
    UNIT_INT(runtime_stop(&b, a.id, SECOND).code, HF_EUNAVAILABLE);
    b.ops->stats(b.runtime, &stats);
    UNIT_U64(stats.instances, 0); /* nothing can be done for it now */
    script.times = 0;
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2));
    CU_ASSERT(wait_empty(&b, docker)); /* the engine is back */
    CU_ASSERT_EQUAL(b.ends, 0);
    runtime_bench_close(&b);
}

/* --- from before ---------------------------------------------------------------------------- */

static struct runtime_answer seen[4];

static void
on_each(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    size_t *ended = arg;

    if (info) {
        struct runtime_answer *a = seen;

        while (a->n > 0) {
            a++;
        }
        runtime_on_done(a, code, message, info);
        *ended += info->ended;
        UNIT_U64(info->revision, 0xab);
    }
}

static void
containers_of_an_earlier_life_are_listed(void)
{
    static const char labels[] = "{\"hf.boot\":\"earlier\",\"hf.function\":\"f\","
                                 "\"hf.owner\":\"leaf\",\"hf.revision\":\"00000000000000ab\"}";
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    size_t ended = 0;

    memset(seen, 0, sizeof seen);
    fake_docker_add(docker, "hyperfaas-alive-1", "running", labels);
    fake_docker_add(docker, "hyperfaas-dead-1", "exited", labels);
    CU_ASSERT_EQUAL(b.ops->list(b.runtime, on_each, &ended, NULL), 0);
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(ended, 1);
    UNIT_STR(seen[0].name, "hyperfaas-alive-1");
    UNIT_STR(seen[0].function_id, "f");
    UNIT_STR(seen[0].owner_id, "leaf");
    UNIT_STR(seen[0].internal, "172.17.1.1:50052");
    UNIT_STR(seen[0].external, "127.0.0.1:32769");
    UNIT_INT(runtime_stop(&b, seen[1].id, SECOND).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/stop"), 0); /* there was nothing to stop */
    fake_docker_end(docker, seen[0].id, 1, "die"); /* it is an instance like others */
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT(wait_empty(&b, docker));
    runtime_bench_close(&b);
}

/* --- logs ----------------------------------------------------------------------------------- */

static void
logs_come_without_frames(void)
{
    static struct runtime_log log;
    struct runtime_bench b;
    struct fake_docker *docker = open_bench(&b);
    struct runtime_answer a = runtime_start(&b, contract_runtime_image);
    struct hf_runtime_op *op = NULL;
    struct hf_err err = { 0 };

    memset(&log, 0, sizeof log);
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 7, false, runtime_on_log, &log, NULL, NULL), 0);
    CU_ASSERT(fake_wait(b.fake, &log.ended, 1));
    UNIT_STR(log.text, "one\ntwo\n");
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/logs?stdout=1&stderr=1&follow=0&tail=7\n"), 1);
    memset(&log, 0, sizeof log);
    script.hold = "follow=1&tail=all";
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 0, true, runtime_on_log, &log, &op, NULL), 0);
    CU_ASSERT(wait_held(&b, docker, 1));
    b.ops->cancel(b.runtime, op);
    CU_ASSERT_EQUAL(log.ended, 0);
    CU_ASSERT(fake_wait(b.fake, &log.ended, 1));
    UNIT_INT(log.code, HF_ECANCELLED);
    UNIT_INT(b.ops->logs(b.runtime, "0123456789ab", 0, true, runtime_on_log, &log, NULL, &err),
             HF_ENOTFOUND);
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

UNIT_MAIN("runtime-docker", CONTRACT_RUNTIME_TESTS UNIT_TEST(events_come_before_the_listing),
          UNIT_TEST(the_lower_version_is_spoken),
          UNIT_TEST(an_engine_that_is_too_old_is_not_used),
          UNIT_TEST(streams_without_headers_do_not_hold_up),
          UNIT_TEST(a_lost_engine_is_found_again),
          UNIT_TEST(starts_wait_for_the_first_answer_and_fail_without),
          UNIT_TEST(what_a_start_asks_for), UNIT_TEST(a_name_that_is_taken_is_not_tried_again),
          UNIT_TEST(a_wrong_entry_point_leaves_nothing), UNIT_TEST(started_already_is_started),
          UNIT_TEST(lost_answers_leave_nothing), UNIT_TEST(cancelled_in_every_step),
          UNIT_TEST(no_step_takes_for_ever), UNIT_TEST(only_so_many_at_once),
          UNIT_TEST(a_failed_pull_is_clear), UNIT_TEST(many_starts_pull_once),
          UNIT_TEST(a_pull_that_does_not_help_is_not_repeated), UNIT_TEST(pulls_may_be_forbidden),
          UNIT_TEST(an_end_is_explained), UNIT_TEST(kills_have_a_signal_and_a_reason),
          UNIT_TEST(an_end_during_the_start_is_not_missed),
          UNIT_TEST(events_of_others_and_nonsense_do_no_harm),
          UNIT_TEST(a_stop_has_a_grace_in_whole_seconds), UNIT_TEST(gone_already_is_removed),
          UNIT_TEST(a_removal_that_fails_is_tried_again),
          UNIT_TEST(stopped_while_the_engine_is_away),
          UNIT_TEST(containers_of_an_earlier_life_are_listed),
          UNIT_TEST(logs_come_without_frames), UNIT_TEST(wrong_options_are_explained),
          UNIT_TEST(the_environment_says_where_the_engine_is))
