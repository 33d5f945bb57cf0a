/*
 * test-docker-sessions.c - the runtime "docker": an engine that comes and goes, what it tells,
 * ends, and what an earlier life has left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/runtime.h>

#include "docker-bench.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;

static const char image[] = "hyperfaas-idle:latest";

/* --- sessions ------------------------------------------------------------------------------- */

static void
events_come_before_the_listing(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

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
    struct fake_docker *docker = docker_open(&b);
    struct fake_request *request;

    docker->version = "1.60";
    docker_script.hold = "/events";
    CU_ASSERT(docker_wait_held(&b, docker, 1));
    request = docker->held[0];
    UNIT_CONTAINS(request->url, "http://docker/v1.51/events?");
    UNIT_STR(fake_http_options(b.fake)->unix_socket, "/fake.sock");
    runtime_bench_close(&b);
}

static void
an_engine_that_is_too_old_is_not_used(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a;

    docker->version = "1.38";
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 1));
    CU_ASSERT(b.unusable);
    UNIT_CONTAINS(b.health_message, "'1.38', 1.41 or later is needed");
    a = runtime_start(&b, image);
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(a.message, "unix:///fake.sock");
    docker->version = "1.41";
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2));
    CU_ASSERT_FALSE(b.unusable);
    UNIT_INT(runtime_start(&b, image).code, 0);
    runtime_bench_close(&b);
}

/* Podman 5.2 sends no headers of a stream of events before there is one. */
static void
streams_without_headers_do_not_hold_up(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker_script.hold = "/events";
    UNIT_INT(runtime_start(&b, image).code, 0);
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
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer kept = runtime_start(&b, image);
    struct runtime_answer gone = runtime_start(&b, image);
    struct runtime_answer ended = runtime_start(&b, image);

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
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a, listed = { 0 };

    docker_refuse("/_ping", 0, NULL, 2);
    CU_ASSERT_EQUAL(runtime_begin(&b, image, &a, NULL, NULL), 0);
    CU_ASSERT_EQUAL(b.ops->list(b.runtime, runtime_on_done, &listed, NULL), 0);
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(a.message, "cannot be used: connection reset");
    UNIT_INT(listed.code, HF_EUNAVAILABLE);
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2)); /* away once, there once */
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/_ping"), 3);
    UNIT_INT(runtime_start(&b, image).code, 0);
    runtime_bench_close(&b);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void
an_end_is_explained(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);

    fake_docker_end(docker, a.id, 3, "die");
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    UNIT_STR(b.end_id, a.id);
    UNIT_INT(b.end.exit_code, 3);
    UNIT_INT(b.end.signal, 0);
    UNIT_CONTAINS(b.end_message, "exited with code 3; its last line: two");
    CU_ASSERT(docker_wait_empty(&b, docker)); /* it is removed without being asked */
    UNIT_INT(runtime_stop(&b, a.id, SECOND).code, HF_ENOTFOUND);
    runtime_bench_close(&b);
}

static void
kills_have_a_signal_and_a_reason(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);
    struct runtime_answer c = runtime_start(&b, image);

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
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

/* Events say so before the answer to the last step does, which had been written before. */
static void
an_end_during_the_start_is_not_missed(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a;

    runtime_list(&b);
    docker_script.hold = "GET /containers/";
    CU_ASSERT_EQUAL(runtime_begin(&b, image, &a, NULL, NULL), 0);
    CU_ASSERT(docker_wait_held(&b, docker, 1));
    docker_script.hold = NULL;
    fake_docker_end(docker, docker->containers[0].id, 1, "die");
    snprintf(docker->containers[0].state, 16, "running");
    fake_docker_answer(docker, docker->held[0]);
    snprintf(docker->containers[0].state, 16, "exited");
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, 0);
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
events_of_others_and_nonsense_do_no_harm(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);

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
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);
    struct runtime_answer c = runtime_start(&b, image);

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

        docker_open(&b);
        a = runtime_start(&b, image);
        docker_refuse("DELETE", statuses[i], "{\"message\":\"gone, or on its way\"}", 1);
        UNIT_INT(runtime_stop(&b, a.id, SECOND).code, 0);
        runtime_bench_close(&b);
    }
}

static void
a_removal_that_fails_is_tried_again(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);

    docker_refuse("DELETE", 500, "{\"message\":\"device or resource busy\"}", 1);
    a = runtime_stop(&b, a.id, 0);
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    UNIT_STR(a.message, "device or resource busy");
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
stopped_while_the_engine_is_away(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);
    struct hf_runtime_stats stats = { .size = sizeof stats };

    docker_refuse("", 0, NULL, 1000);
    fake_answer_fail(docker->events, HF_EUNAVAILABLE, "connection reset", true);
    UNIT_INT(runtime_stop(&b, a.id, SECOND).code, HF_EUNAVAILABLE);
    b.ops->stats(b.runtime, &stats);
    UNIT_U64(stats.instances, 0); /* nothing can be done for it now */
    docker_script.times = 0;
    CU_ASSERT(fake_wait(b.fake, &b.health_changes, 2));
    CU_ASSERT(docker_wait_empty(&b, docker)); /* the engine is back */
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
    struct fake_docker *docker = docker_open(&b);
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
    fake_docker_end(docker, seen[0].id, 1, "die");          /* it is an instance like others */
    CU_ASSERT(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

/* --- logs ----------------------------------------------------------------------------------- */

static void
logs_come_without_frames(void)
{
    static struct runtime_log log;
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);
    struct hf_runtime_op *op = NULL;
    struct hf_err err = { 0 };

    memset(&log, 0, sizeof log);
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 7, false, runtime_on_log, &log, NULL, NULL), 0);
    CU_ASSERT(fake_wait(b.fake, &log.ended, 1));
    UNIT_STR(log.text, "one\ntwo\n");
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "/logs?stdout=1&stderr=1&follow=0&tail=7\n"), 1);
    memset(&log, 0, sizeof log);
    docker_script.hold = "follow=1&tail=all";
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 0, true, runtime_on_log, &log, &op, NULL), 0);
    CU_ASSERT(docker_wait_held(&b, docker, 1));
    b.ops->cancel(b.runtime, op);
    CU_ASSERT_EQUAL(log.ended, 0);
    CU_ASSERT(fake_wait(b.fake, &log.ended, 1));
    UNIT_INT(log.code, HF_ECANCELLED);
    UNIT_INT(b.ops->logs(b.runtime, "0123456789ab", 0, true, runtime_on_log, &log, NULL, &err),
             HF_ENOTFOUND);
    runtime_bench_close(&b);
}

UNIT_MAIN("docker-sessions", UNIT_TEST(events_come_before_the_listing),
          UNIT_TEST(the_lower_version_is_spoken), UNIT_TEST(an_engine_that_is_too_old_is_not_used),
          UNIT_TEST(streams_without_headers_do_not_hold_up),
          UNIT_TEST(a_lost_engine_is_found_again),
          UNIT_TEST(starts_wait_for_the_first_answer_and_fail_without),
          UNIT_TEST(an_end_is_explained), UNIT_TEST(kills_have_a_signal_and_a_reason),
          UNIT_TEST(an_end_during_the_start_is_not_missed),
          UNIT_TEST(events_of_others_and_nonsense_do_no_harm),
          UNIT_TEST(a_stop_has_a_grace_in_whole_seconds), UNIT_TEST(gone_already_is_removed),
          UNIT_TEST(a_removal_that_fails_is_tried_again),
          UNIT_TEST(stopped_while_the_engine_is_away),
          UNIT_TEST(containers_of_an_earlier_life_are_listed), UNIT_TEST(logs_come_without_frames))
