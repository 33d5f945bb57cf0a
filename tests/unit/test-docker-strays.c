/*
 * test-docker-strays.c - the runtime "docker": what was asked of the engine and never confirmed,
 * lists of any length, and where instances reach the worker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/runtime.h>

#include "docker-bench.h"
#include "plugins/runtime-docker/streams.h"
#include "unit.h"

static const char image[] = "hyperfaas-idle:latest";

static const char earlier[] = "{\"hf.boot\":\"earlier\",\"hf.function\":\"f\"}";

/* --- strays --------------------------------------------------------------------------------- */

/* The name of the container that a request would make. */
static const char *
name_in(const struct fake_request *request)
{
    static char name[80];

    snprintf(name, sizeof name, "%s", strstr(request->url, "?name=") + strlen("?name="));
    return name;
}

/* The engine goes on with what nobody waits for any more. */
static void
a_container_made_after_its_answer_was_given_up_is_removed(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a;

    runtime_list(&b);
    docker_script.hold = "/containers/create";
    CU_ASSERT_EQUAL(runtime_begin(&b, image, &a, NULL, NULL), 0);
    CU_ASSERT(docker_wait_held(&b, docker, 1));
    docker_script.hold = NULL;
    fake_answer_fail(docker->held[0], HF_EUNAVAILABLE, "connection reset", true);
    CU_ASSERT(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_EUNAVAILABLE);
    CU_ASSERT(docker_wait_asked(&b, docker, "DELETE /containers/hyperfaas-idle", 1));
    CU_ASSERT_EQUAL(fake_docker_count(docker), 0); /* there was none yet */
    fake_docker_add(docker, name_in(docker->held[0]), "created", "{\"hf.boot\":\"boot\"}");
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

/* It tells of it by itself; a look at everything follows soon. */
static void
a_container_of_an_earlier_life_that_appears_is_removed(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct fake_container *late;

    runtime_list(&b);
    late = fake_docker_add(docker, "hyperfaas-late-1", "created", earlier);
    fake_docker_event(docker, "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"");
    fake_docker_event(docker, late->id);
    fake_docker_event(docker, "\",\"Attributes\":{\"hf.boot\":\"earlier\"}}}\n");
    CU_ASSERT(docker_wait_empty(&b, docker));
    CU_ASSERT_EQUAL(b.ends, 0);
    runtime_bench_close(&b);
}

/* Before the worker has asked what runs from before, it may be adopted. */
static void
what_was_not_listed_yet_is_left_alone(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    UNIT_INT(runtime_start(&b, image).code, 0); /* the session is open */
    fake_docker_add(docker, "hyperfaas-early-1", "running", earlier);
    fake_docker_event(docker,
                      "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"x\","
                      "\"Attributes\":{\"hf.boot\":\"earlier\"}}}\n");
    fake_settle(b.fake, 1500);
    CU_ASSERT_PTR_NOT_NULL(fake_docker_find(docker, "hyperfaas-early-1"));
    runtime_bench_close(&b);
}

/* The last listing of a worker: nothing is under way that could explain it. */
static void
a_listing_removes_what_nobody_knows(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    runtime_list(&b);
    fake_docker_add(docker, "hyperfaas-lost-1", "running", "{\"hf.boot\":\"boot\"}");
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0);
    CU_ASSERT(docker_wait_empty(&b, docker));
    runtime_bench_close(&b);
}

static void
a_removal_in_progress_is_waited_for(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer a = runtime_start(&b, image);

    docker_refuse("DELETE", 409, "{\"message\":\"removal is already in progress\"}", 2);
    UNIT_INT(runtime_stop(&b, a.id, 0).code, 0);
    CU_ASSERT_EQUAL(fake_docker_asked(docker, "DELETE"), 3);
    CU_ASSERT_EQUAL(fake_docker_count(docker), 0);
    runtime_bench_close(&b);
}

/* --- lists ---------------------------------------------------------------------------------- */

struct counted {
    size_t n;
    char last[32];
};

static void
on_element(void *arg, struct json_object *element)
{
    struct counted *counted = arg;

    counted->n++;
    snprintf(counted->last, sizeof counted->last, "%s", json_object_to_json_string_ext(element, 0));
}

static void
lists_come_in_any_pieces(void)
{
    static const struct {
        const char *text;
        size_t n;
        const char *last;
        bool complete;
    } cases[] = {
        { "[]", 0, "", true },
        { "null", 0, "", true },
        { "", 0, "", true },
        { "[{\"a\":1}]", 1, "{\"a\":1}", true },
        { " [ {\"a\":[{}]} , 5, \"}{][\", null, {\"b\":\"]}\\\"\"}\n ]\n", 2, "{\"b\":\"]}\\\"\"}",
          true },
        { "[{\"a\":1},{\"b\":", 1, "{\"a\":1}", false },
        { "[{\"a\":1}", 1, "{\"a\":1}", false },
        { "{\"message\":{\"a\":1}}", 0, "", false },
        { "[}]]]", 0, "", true },
        { "[[{\"a\":1}],{\"b\":2}]", 1, "{\"b\":2}", true },
        { "[{\"a\" 1},{}]", 1, "{}", true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece < 12; piece++) {
            size_t len = strlen(cases[i].text);
            struct objects objects = { 0 };
            struct counted counted = { 0 };

            for (size_t from = 0; from < len; from += piece) {
                objects_add(&objects, cases[i].text + from, len - from < piece ? len - from : piece,
                            on_element, &counted);
            }
            CU_ASSERT_EQUAL(counted.n, cases[i].n);
            UNIT_STR(counted.last, cases[i].last);
            CU_ASSERT_EQUAL(objects_complete(&objects), cases[i].complete);
            objects_fini(&objects);
        }
    }
}

/* An element without end takes no more than its bound, and the next one is read. */
static void
an_element_without_end_is_dropped(void)
{
    static char piece[4096];
    struct objects objects = { 0 };
    struct counted counted = { 0 };

    memset(piece, 'x', sizeof piece);
    objects_add(&objects, "[{\"a\":\"", 7, on_element, &counted);
    for (int i = 0; i < 10000; i++) { /* 40 MB */
        objects_add(&objects, piece, sizeof piece, on_element, &counted);
        CU_ASSERT_FATAL(objects.size <= 2 * OBJECT_MAX_BYTES);
    }
    objects_add(&objects, "\"},{\"b\":2}]", 11, on_element, &counted);
    CU_ASSERT_EQUAL(counted.n, 1);
    UNIT_STR(counted.last, "{\"b\":2}");
    CU_ASSERT(objects_complete(&objects));
    objects_fini(&objects);
}

static void
a_list_that_is_not_whole_is_no_list(void)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);
    struct runtime_answer kept = runtime_start(&b, image);
    struct runtime_answer listed = { 0 };

    docker_refuse("GET /containers/json", 200, "[{\"Id\":\"", 1);
    CU_ASSERT_EQUAL(b.ops->list(b.runtime, runtime_on_done, &listed, NULL), 0);
    CU_ASSERT(fake_wait(b.fake, &listed.n, 1));
    UNIT_INT(listed.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(listed.message, "not whole");
    CU_ASSERT_EQUAL(b.ends, 0); /* of its instances none has ended for that */
    CU_ASSERT_PTR_NOT_NULL(fake_docker_find(docker, kept.id));
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 1);
    runtime_bench_close(&b);
}

/* --- where the worker is -------------------------------------------------------------------- */

static void
expect_controller(const char *network, const char *address, size_t warnings)
{
    struct runtime_bench b;
    struct fake_docker *docker = docker_open(&b);

    docker->network = network;
    UNIT_INT(runtime_start(&b, image).code, 0);
    UNIT_INT(runtime_start(&b, image).code, 0);
    UNIT_CONTAINS(docker->containers[0].body, address);
    CU_ASSERT_EQUAL(fake_logged(b.fake, HF_HOST_WARNING), warnings); /* once for both */
    runtime_bench_close(&b);
}

static void
the_gateway_is_found_or_guessed(void)
{
    expect_controller(NULL, "CONTROLLER_ADDRESS=172.17.0.1:", 0);
    expect_controller("{\"IPAM\":{\"Config\":[{\"Subnet\":\"172.18.0.0/16\"}]}}",
                      "CONTROLLER_ADDRESS=172.18.0.1:", 1);
    expect_controller(
        "{\"IPAM\":{\"Config\":[{\"Subnet\":\"fd00::/8\"},{\"Subnet\":\"10.9.8.0/24\"}]}}",
        "CONTROLLER_ADDRESS=10.9.8.1:", 1);
    expect_controller("{\"IPAM\":{\"Config\":[{\"Subnet\":\"172.18.0.0/16\"}]},"
                      "\"Options\":{\"com.docker.network.bridge.name\":\"lo\"}}",
                      "CONTROLLER_ADDRESS=127.0.0.1:", 0); /* what the interface says */
    expect_controller("{\"IPAM\":{\"Config\":[{\"Subnet\":\"172.18.0.0/16\"}]},"
                      "\"Options\":{\"com.docker.network.bridge.name\":\"no-such\"}}",
                      "CONTROLLER_ADDRESS=172.18.0.1:", 1);
    expect_controller("{\"IPAM\":{\"Config\":[{\"Subnet\":\"nonsense\"}]}}",
                      "CONTROLLER_ADDRESS=127.0.0.1:", 1);
    expect_controller("{\"IPAM\":{\"Config\":null}}", "CONTROLLER_ADDRESS=127.0.0.1:", 1);
    expect_controller("[]", "CONTROLLER_ADDRESS=127.0.0.1:", 1);
}

UNIT_MAIN("docker-strays", UNIT_TEST(a_container_made_after_its_answer_was_given_up_is_removed),
          UNIT_TEST(a_container_of_an_earlier_life_that_appears_is_removed),
          UNIT_TEST(what_was_not_listed_yet_is_left_alone),
          UNIT_TEST(a_listing_removes_what_nobody_knows),
          UNIT_TEST(a_removal_in_progress_is_waited_for), UNIT_TEST(lists_come_in_any_pieces),
          UNIT_TEST(an_element_without_end_is_dropped),
          UNIT_TEST(a_list_that_is_not_whole_is_no_list),
          UNIT_TEST(the_gateway_is_found_or_guessed))
