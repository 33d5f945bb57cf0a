/*
 * fuzz-etcd.c - what etcd's gateway answers: lines, pairs of key and value, refusals.
 */
#include <json-c/json.h>
#include <string.h>

#include "fuzz.h"
#include "plugins/kit/json.h"
#include "plugins/store-etcd/lines.h"
#include "plugins/store-etcd/wire.h"

#define LINE_MAX_ ((size_t)1 << 15)

static void
read_answer(const char *line, size_t len)
{
    struct json_object *answer = answer_parse(line, len);
    struct json_object *pairs = JSON_AT(answer, "result", "events");
    char message[MESSAGE_SIZE];
    struct pair pair;

    answer_revision(answer);
    answer_refusal(line, len, message);
    FUZZ_CHECK(memchr(message, '\0', sizeof message));
    for (size_t i = 0; pairs && i < json_count(pairs) && i < 100; i++) {
        struct json_object *event = json_item(pairs, i);

        if (pair_read(JSON_AT(event, "kv"), &pair)) {
            FUZZ_CHECK(pair.key && pair.key[pair.key_len] == '\0');
            pair_fini(&pair);
        }
    }
    json_object_put(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines lines = { 0 };
    const char *text = (const char *)data;
    const char *line;
    size_t len;

    for (size_t at = 0; at < size; at += size / 2 + 1) {
        size_t piece = size - at < size / 2 + 1 ? size - at : size / 2 + 1;

        if (!lines_add(&lines, text + at, piece, LINE_MAX_)) {
            break;
        }
        while ((line = lines_next(&lines, &len))) {
            FUZZ_CHECK(len > 0 && !memchr(line, '\n', len));
            read_answer(line, len);
        }
    }
    if ((line = lines_rest(&lines, &len))) {
        read_answer(line, len);
    }
    lines_fini(&lines);
    return 0;
}
