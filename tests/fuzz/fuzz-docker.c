/*
 * fuzz-docker.c - what a container engine answers: lines, frames of logs, containers, events.
 */
#include <json-c/json.h>
#include <string.h>

#include "fuzz.h"
#include "plugins/runtime-docker/answers.h"
#include "plugins/runtime-docker/demux.h"
#include "plugins/runtime-docker/json.h"
#include "plugins/runtime-docker/lines.h"

static void
read_answer(void *arg, const char *line, size_t len)
{
    const struct whereabouts where = { .network = "bridge", .advertise = "" };
    struct json_object *json = json_read(line, len);
    struct inspected inspected;
    struct listed listed;
    struct event event;

    (void)arg;
    if (!json) {
        return;
    }
    answer_inspect(json, &where, &inspected);
    answer_listed(json, &where, &listed);
    answer_event(json, &event);
    answer_pull_error(json);
    answer_pull_status(json);
    answer_message(json);
    json_object_put(json);
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
    struct lines lines = { 0 };
    struct demux demux = { 0 };
    size_t seen = 0;

    lines_add(&lines, data, size / 2, read_answer, NULL);
    lines_add(&lines, data + size / 2, size - size / 2, read_answer, NULL);
    lines_end(&lines, read_answer, NULL);
    lines_fini(&lines);
    demux_add(&demux, data, size / 3, count, &seen);
    demux_add(&demux, data + size / 3, size - size / 3, count, &seen);
    FUZZ_CHECK(seen <= size);
    return 0;
}
