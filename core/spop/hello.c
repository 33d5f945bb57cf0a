/*
 * hello.c - HELLO and DISCONNECT: frames that are lists of names and values.
 */
#include "spop/hello.h"

#include <string.h>

/* They belong to no stream and come in one piece. */
static bool
is_plain(const struct hf_spop_frame *frame)
{
    return (frame->flags & HF_SPOP_FIN) && frame->stream_id == 0 && frame->frame_id == 0;
}

static uint8_t *
begin_plain(struct hf_spop_writer *writer, uint8_t type)
{
    return hf_spop_frame_begin(writer,
                               &(struct hf_spop_frame){ .type = type, .flags = HF_SPOP_FIN });
}

/* --- HELLO --------------------------------------------------------------------------------- */

/* The next of the words that stand between commas and blanks; false: there is none. */
static bool
next_word(struct hf_spop_string *list, struct hf_spop_string *ret)
{
    const char *at = list->data;
    const char *end = at + list->len;
    const char *begin;

    while (at < end && (*at == ',' || *at == ' ')) {
        at++;
    }
    begin = at;
    while (at < end && *at != ',' && *at != ' ') {
        at++;
    }
    *ret = (struct hf_spop_string){ .data = begin, .len = (size_t)(at - begin) };
    *list = (struct hf_spop_string){ .data = at, .len = (size_t)(end - at) };
    return ret->len > 0;
}

static bool
offers_version_2(struct hf_spop_string versions)
{
    struct hf_spop_string word;

    while (next_word(&versions, &word)) {
        if (word.len >= 3 && memcmp(word.data, "2.", 2) == 0) {
            return true;
        }
    }
    return false;
}

static void
read_capabilities(struct hf_spop_string capabilities, struct hf_spop_hello *hello)
{
    struct hf_spop_string word;

    while (next_word(&capabilities, &word)) {
        hello->pipelining |= hf_spop_string_is(word, "pipelining");
        hello->fragmentation |= hf_spop_string_is(word, "fragmentation");
    }
}

/* What of a HAPROXY-HELLO has been found so far. */
struct found {
    struct hf_spop_string versions;
    struct hf_spop_string capabilities;
    uint64_t max_frame;
    bool has_versions;
    bool has_capabilities;
    bool has_max_frame;
    bool healthcheck;
};

/* Takes one of its items; false: it is of a wrong type.  Unknown ones are for others. */
static bool
take_item(struct found *found, struct hf_spop_string name, const struct hf_spop_data *value)
{
    if (hf_spop_string_is(name, "supported-versions")) {
        found->has_versions = value->type == HF_SPOP_STRING;
        found->versions = value->bytes;
        return found->has_versions;
    }
    if (hf_spop_string_is(name, "capabilities")) {
        found->has_capabilities = value->type == HF_SPOP_STRING;
        found->capabilities = value->bytes;
        return found->has_capabilities;
    }
    if (hf_spop_string_is(name, "max-frame-size")) {
        found->has_max_frame = value->type == HF_SPOP_UINT32;
        found->max_frame = value->number;
        return found->has_max_frame;
    }
    if (hf_spop_string_is(name, "healthcheck")) {
        found->healthcheck = value->number != 0;
        return value->type == HF_SPOP_BOOL;
    }
    return true;
}

enum hf_spop_status
hf_spop_hello_read(const struct hf_spop_frame *frame, struct hf_spop_hello *ret)
{
    struct hf_spop_reader reader = frame->payload;
    struct found found = { .max_frame = 0 };

    if (frame->type != HF_SPOP_HAPROXY_HELLO || !is_plain(frame)) {
        return HF_SPOP_INVALID;
    }
    while (reader.at < reader.end) {
        struct hf_spop_string name;
        struct hf_spop_data value;

        if (!hf_spop_read_string(&reader, &name) || !hf_spop_read_data(&reader, &value) ||
            !take_item(&found, name, &value)) {
            return HF_SPOP_INVALID;
        }
    }
    if (!found.has_versions) {
        return HF_SPOP_NO_VERSION;
    }
    if (!found.has_max_frame) {
        return HF_SPOP_NO_FRAME_SIZE;
    }
    if (!found.has_capabilities) {
        return HF_SPOP_NO_CAPABILITIES;
    }
    if (!offers_version_2(found.versions)) {
        return HF_SPOP_BAD_VERSION;
    }
    if (found.max_frame < HF_SPOP_FRAME_MIN || found.max_frame > UINT32_MAX) {
        return HF_SPOP_BAD_FRAME_SIZE;
    }
    *ret = (struct hf_spop_hello){ .max_frame = (uint32_t)found.max_frame,
                                   .healthcheck = found.healthcheck };
    read_capabilities(found.capabilities, ret);
    return HF_SPOP_NORMAL;
}

static const char *
capabilities_text(const struct hf_spop_hello *hello)
{
    if (hello->pipelining) {
        return hello->fragmentation ? "pipelining,fragmentation" : "pipelining";
    }
    return hello->fragmentation ? "fragmentation" : "";
}

void
hf_spop_hello_write(struct hf_spop_writer *writer, const struct hf_spop_hello *hello)
{
    uint8_t *begin = begin_plain(writer, HF_SPOP_AGENT_HELLO);

    hf_spop_write_string(writer, "version", strlen("version"));
    hf_spop_write_string_data(writer, HF_SPOP_VERSION);
    hf_spop_write_string(writer, "max-frame-size", strlen("max-frame-size"));
    hf_spop_write_uint32_data(writer, hello->max_frame);
    hf_spop_write_string(writer, "capabilities", strlen("capabilities"));
    hf_spop_write_string_data(writer, capabilities_text(hello));
    hf_spop_frame_end(writer, begin);
}

/* --- DISCONNECT ---------------------------------------------------------------------------- */

enum hf_spop_status
hf_spop_disconnect_read(const struct hf_spop_frame *frame, struct hf_spop_disconnect *ret)
{
    struct hf_spop_reader reader = frame->payload;
    struct hf_spop_disconnect disconnect = { .status = HF_SPOP_UNKNOWN };

    if (frame->type != HF_SPOP_HAPROXY_DISCONNECT || !is_plain(frame)) {
        return HF_SPOP_INVALID;
    }
    while (reader.at < reader.end) {
        struct hf_spop_string name;
        struct hf_spop_data value;

        if (!hf_spop_read_string(&reader, &name) || !hf_spop_read_data(&reader, &value)) {
            return HF_SPOP_INVALID;
        }
        if (hf_spop_string_is(name, "status-code") && value.type == HF_SPOP_UINT32) {
            disconnect.status = value.number;
        } else if (hf_spop_string_is(name, "message") && value.type == HF_SPOP_STRING) {
            disconnect.message = value.bytes;
        }
    }
    *ret = disconnect;
    return HF_SPOP_NORMAL;
}

void
hf_spop_disconnect_write(struct hf_spop_writer *writer, enum hf_spop_status status)
{
    uint8_t *begin = begin_plain(writer, HF_SPOP_AGENT_DISCONNECT);

    hf_spop_write_string(writer, "status-code", strlen("status-code"));
    hf_spop_write_uint32_data(writer, status);
    hf_spop_write_string(writer, "message", strlen("message"));
    hf_spop_write_string_data(writer, hf_spop_status_text(status));
    hf_spop_frame_end(writer, begin);
}
