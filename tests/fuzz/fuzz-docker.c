/*
 * fuzz-docker.c - what a container engine answers: lines, lists, frames of logs, containers,
 * events.
 */
#include <json-c/json.h>
#include <string.h>

#include "fuzz.h"
#include "plugins/runtime-docker/answers.h"
#include "plugins/runtime-docker/streams.h"

static void
read_answer(void *arg, struct json_object *json)
{
    const struct addressing where = { .network = "bridge", .advertise = "" };
    struct inspected inspected;
    struct listed listed;
    struct event event;

    (void)arg;
    answer_inspect(json, &where, &inspected);
    answer_listed(json, &where, &listed);
    answer_event(json, &event);
    answer_pull_error(json);
    answer_pull_status(json);
    answer_message(json);
}

static void
count(void *arg, const void *data, size_t len)
{
    (void)data;
    *(size_t *)arg += len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct demux demux = { 0 };
    size_t seen = 0;

    for (int by_line = 0; by_line < 2; by_line++) {
        struct objects objects = { .by_line = by_line };

        objects_add(&objects, data, size / 2, read_answer, NULL);
        objects_add(&objects, data + size / 2, size - size / 2, read_answer, NULL);
        objects_fini(&objects);
    }
    demux_add(&demux, data, size / 3, count, &seen);
    demux_add(&demux, data + size / 3, size - size / 3, count, &seen);
    FUZZ_CHECK(seen <= size);
    return 0;
}
