/*
 * test-spop.c - the bytes of HAProxy's offload protocol, right ones and hostile ones.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/macros.h"
#include "spop/fragments.h"
#include "spop/hello.h"
#include "spop/message.h"

/* HAPROXY-HELLO as HAProxy 2.6 sends it, taken from the wire; without its length. */
#define HELLO_HEAD                                                                                 \
    "\x01\0\0\0\x01\0\0"                                                                           \
    "\x12supported-versions\x08\x03"                                                               \
    "2.0"                                                                                          \
    "\x0emax-frame-size\x03\xfc\xf0\x06"
#define HELLO                                                                                      \
    HELLO_HEAD "\x0c"                                                                              \
               "capabilities\x08\x10pipelining,async"

/* --- helpers ------------------------------------------------------------------------------- */

/* Bytes in memory of their own, so that a sanitizer sees a step beyond them. */
static uint8_t *
exact(const void *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, data, len);
    return copy;
}

static struct hf_spop_reader
reader_of(const uint8_t *data, size_t len)
{
    return (struct hf_spop_reader){ .at = data, .end = data + len };
}

static enum hf_spop_status
read_hello(const void *data, size_t len, struct hf_spop_hello *ret)
{
    hf_autofree uint8_t *bytes = exact(data, len);
    struct hf_spop_frame frame;
    enum hf_spop_status status = hf_spop_frame_read(bytes, len, &frame);

    return status != HF_SPOP_NORMAL ? status : hf_spop_hello_read(&frame, ret);
}

/* --- numbers and values -------------------------------------------------------------------- */

static void
numbers_are_as_long_as_the_protocol_says(void)
{
    static const struct {
        uint64_t value;
        size_t len;
    } rows[] = {
        { 0, 1 },        { 239, 1 },         { 240, 2 },         { 2287, 2 },
        { 2288, 3 },     { 264431, 3 },      { 264432, 4 },      { 33818863, 4 },
        { 33818864, 5 }, { 4328786159u, 5 }, { 4328786160u, 6 }, { UINT64_MAX, 10 },
    };

    for (size_t i = 0; i < hf_countof(rows); i++) {
        uint8_t buf[16];
        struct hf_spop_writer writer = { .at = buf, .end = buf + sizeof buf };
        struct hf_spop_reader reader;
        uint64_t value = 1;

        hf_spop_write_number(&writer, rows[i].value);
        CU_ASSERT_FALSE(writer.full);
        UNIT_U64(writer.at - buf, rows[i].len);
        reader = reader_of(buf, rows[i].len);
        CU_ASSERT_TRUE(hf_spop_read_number(&reader, &value));
        UNIT_U64(value, rows[i].value);
        CU_ASSERT_PTR_EQUAL(reader.at, reader.end);
        for (size_t len = 0; len < rows[i].len; len++) {
            hf_autofree uint8_t *part = exact(buf, len);

            reader = reader_of(part, len);
            CU_ASSERT_FALSE(hf_spop_read_number(&reader, &value));
        }
    }
}

static void
a_number_above_64_bits_means_nothing(void)
{
    uint8_t buf[16];
    struct hf_spop_writer writer = { .at = buf, .end = buf + sizeof buf };
    struct hf_spop_reader reader;
    uint64_t value;

    hf_spop_write_number(&writer, UINT64_MAX);
    writer.at[-1]++;
    reader = reader_of(buf, (size_t)(writer.at - buf));
    CU_ASSERT_FALSE(hf_spop_read_number(&reader, &value));
    memset(buf, 0xff, sizeof buf);
    reader = reader_of(buf, sizeof buf);
    CU_ASSERT_FALSE(hf_spop_read_number(&reader, &value));
}

static void
values_of_every_type_are_read(void)
{
    static const char bytes[] = "\x00"
                                "\x11"
                                "\x01"
                                "\x02\x05"
                                "\x03\x06"
                                "\x04\x07"
                                "\x05\x08"
                                "\x06"
                                "abcd"
                                "\x07"
                                "0123456789abcdef"
                                "\x08\x02hi"
                                "\x09\x00";
    static const struct {
        enum hf_spop_type type;
        uint64_t number;
        size_t len;
    } rows[] = {
        { HF_SPOP_NULL, 0, 0 },   { HF_SPOP_BOOL, 1, 0 },   { HF_SPOP_BOOL, 0, 0 },
        { HF_SPOP_INT32, 5, 0 },  { HF_SPOP_UINT32, 6, 0 }, { HF_SPOP_INT64, 7, 0 },
        { HF_SPOP_UINT64, 8, 0 }, { HF_SPOP_IPV4, 0, 4 },   { HF_SPOP_IPV6, 0, 16 },
        { HF_SPOP_STRING, 0, 2 }, { HF_SPOP_BINARY, 0, 0 },
    };
    hf_autofree uint8_t *copy = exact(bytes, sizeof bytes - 1);
    struct hf_spop_reader reader = reader_of(copy, sizeof bytes - 1);
    struct hf_spop_data value;

    for (size_t i = 0; i < hf_countof(rows); i++) {
        CU_ASSERT_TRUE_FATAL(hf_spop_read_data(&reader, &value));
        CU_ASSERT_EQUAL(value.type, rows[i].type);
        UNIT_U64(value.number, rows[i].number);
        UNIT_U64(value.bytes.len, rows[i].len);
    }
    CU_ASSERT_PTR_EQUAL(reader.at, reader.end);
}

static void
values_cut_short_or_of_unknown_types_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "", 0 },
        { "\x03", 1 },
        { "\x06"
          "abc",
          4 },
        { "\x07"
          "0123456789abcde",
          16 },
        { "\x08\x03hi", 4 },
        { "\x08\xff", 2 },
        { "\x0a", 1 },
        { "\x0f", 1 },
        { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f", 11 },
    };

    for (size_t i = 0; i < hf_countof(rows); i++) {
        hf_autofree uint8_t *copy = exact(rows[i].bytes, rows[i].len);
        struct hf_spop_reader reader = reader_of(copy, rows[i].len);
        struct hf_spop_data value;

        CU_ASSERT_FALSE(hf_spop_read_data(&reader, &value));
    }
}

/* --- meeting and parting ------------------------------------------------------------------- */

static void
the_hello_of_haproxy_is_understood(void)
{
    struct hf_spop_hello hello = { 0 };

    CU_ASSERT_EQUAL_FATAL(read_hello(HELLO, sizeof HELLO - 1, &hello), HF_SPOP_NORMAL);
    UNIT_U64(hello.max_frame, 16380);
    CU_ASSERT_TRUE(hello.pipelining);
    CU_ASSERT_FALSE(hello.fragmentation);
    CU_ASSERT_FALSE(hello.healthcheck);
}

static void
a_hello_may_offer_more_and_ask_for_health(void)
{
    static const char bytes[] = "\x01\0\0\0\x01\0\0"
                                "\x12supported-versions\x08\x08"
                                "3.0, 2.1"
                                "\x09"
                                "engine-id\x08\x02"
                                "ab"
                                "\x0b"
                                "healthcheck\x11"
                                "\x0emax-frame-size\x03\xf0\x01"
                                "\x0c"
                                "capabilities\x08\x1a fragmentation ,unheard-of";
    struct hf_spop_hello hello = { 0 };

    CU_ASSERT_EQUAL_FATAL(read_hello(bytes, sizeof bytes - 1, &hello), HF_SPOP_NORMAL);
    UNIT_U64(hello.max_frame, 256);
    CU_ASSERT_FALSE(hello.pipelining);
    CU_ASSERT_TRUE(hello.fragmentation);
    CU_ASSERT_TRUE(hello.healthcheck);
}

static void
a_hello_that_lacks_something_is_told_what(void)
{
#define VERSION(text) "\x12supported-versions\x08\x03" text
#define FRAME_SIZE    "\x0emax-frame-size\x03"
#define CAPABILITIES                                                                               \
    "\x0c"                                                                                         \
    "capabilities\x08\0"
#define ROW(head, rest, status)                                                                    \
    {                                                                                              \
        head rest, sizeof(head rest) - 1, status                                                   \
    }
#define HEAD "\x01\0\0\0\x01\0\0"
    static const struct {
        const char *bytes;
        size_t len;
        enum hf_spop_status status;
    } rows[] = {
        ROW(HEAD, "", HF_SPOP_NO_VERSION),
        ROW(HEAD, VERSION("2.0") CAPABILITIES, HF_SPOP_NO_FRAME_SIZE),
        ROW(HEAD, VERSION("2.0") FRAME_SIZE "\xf0\x01", HF_SPOP_NO_CAPABILITIES),
        ROW(HEAD, VERSION("1.0") FRAME_SIZE "\xf0\x01" CAPABILITIES, HF_SPOP_BAD_VERSION),
        ROW(HEAD, VERSION("20.") FRAME_SIZE "\xf0\x01" CAPABILITIES, HF_SPOP_BAD_VERSION),
        ROW(HEAD, VERSION("2.0") FRAME_SIZE "\x20" CAPABILITIES, HF_SPOP_BAD_FRAME_SIZE),
        ROW(HEAD,
            VERSION("2.0") "\x0emax-frame-size\x08\x01"
                           "a" CAPABILITIES,
            HF_SPOP_INVALID),
        ROW(HEAD, "\x12supported-versions\x03\x02", HF_SPOP_INVALID),
        ROW("\x01\0\0\0\0\0\0", VERSION("2.0"), HF_SPOP_INVALID),       /* in fragments */
        ROW("\x01\0\0\0\x01\x07\x01", VERSION("2.0"), HF_SPOP_INVALID), /* of a stream */
        ROW("\x03\0\0\0\x01\0\0", "", HF_SPOP_INVALID),                 /* not a HELLO */
    };
    struct hf_spop_hello hello;

    for (size_t i = 0; i < hf_countof(rows); i++) {
        UNIT_INT(read_hello(rows[i].bytes, rows[i].len, &hello), rows[i].status);
    }
}

static void
a_hello_cut_anywhere_is_refused_and_read_no_further(void)
{
    struct hf_spop_hello hello;

    for (size_t len = 0; len < sizeof HELLO - 1; len++) {
        CU_ASSERT_NOT_EQUAL(read_hello(HELLO, len, &hello), HF_SPOP_NORMAL);
    }
}

static void
the_answers_have_the_bytes_of_the_protocol(void)
{
    static const char hello_bytes[] = "\0\0\0\x40\x65\0\0\0\x01\0\0"
                                      "\x07version\x08\x03"
                                      "2.0"
                                      "\x0emax-frame-size\x03\xfc\xf0\x06"
                                      "\x0c"
                                      "capabilities\x08\x0apipelining";
    static const char disconnect_bytes[] = "\0\0\0\x2f\x66\0\0\0\x01\0\0"
                                           "\x0bstatus-code\x03\x03"
                                           "\x07message\x08\x10"
                                           "frame is too big";
    static const struct hf_spop_hello hello = { .max_frame = 16380, .pipelining = true };
    uint8_t buf[256] = { 0 };
    struct hf_spop_writer writer = { .at = buf, .end = buf + sizeof buf };

    hf_spop_hello_write(&writer, &hello);
    UNIT_U64(writer.at - buf, sizeof hello_bytes - 1);
    CU_ASSERT_EQUAL(memcmp(buf, hello_bytes, sizeof hello_bytes - 1), 0);
    writer.at = buf;
    hf_spop_disconnect_write(&writer, HF_SPOP_TOO_BIG);
    UNIT_U64(writer.at - buf, sizeof disconnect_bytes - 1);
    CU_ASSERT_EQUAL(memcmp(buf, disconnect_bytes, sizeof disconnect_bytes - 1), 0);
}

static void
a_disconnect_says_why(void)
{
    static const char bytes[] = "\x02\0\0\0\x01\0\0"
                                "\x0bstatus-code\x03\x02"
                                "\x07message\x08\x05"
                                "tired";
    hf_autofree uint8_t *copy = exact(bytes, sizeof bytes - 1);
    struct hf_spop_frame frame;
    struct hf_spop_disconnect disconnect;

    CU_ASSERT_EQUAL_FATAL(hf_spop_frame_read(copy, sizeof bytes - 1, &frame), HF_SPOP_NORMAL);
    CU_ASSERT_EQUAL_FATAL(hf_spop_disconnect_read(&frame, &disconnect), HF_SPOP_NORMAL);
    UNIT_U64(disconnect.status, HF_SPOP_TIMEOUT);
    CU_ASSERT_TRUE(hf_spop_string_is(disconnect.message, "tired"));
    frame.payload.end--;
    CU_ASSERT_EQUAL(hf_spop_disconnect_read(&frame, &disconnect), HF_SPOP_INVALID);
    UNIT_STR(hf_spop_status_text(3), "frame is too big");
    UNIT_STR(hf_spop_status_text(77), "an unknown error occurred");
}

/* --- questions and answers ----------------------------------------------------------------- */

#define QUESTION                                                                                   \
    "\x05route\x03"                                                                                \
    "\x04host\x00"                                                                                 \
    "\x09"                                                                                         \
    "authority\x08\x04"                                                                            \
    "fn:1"                                                                                         \
    "\x05"                                                                                         \
    "count\x03\x07"

static void
messages_are_read_one_after_the_other(void)
{
    static const char bytes[] = QUESTION "\x04ping\0";
    hf_autofree uint8_t *copy = exact(bytes, sizeof bytes - 1);
    struct hf_spop_reader payload = reader_of(copy, sizeof bytes - 1);
    struct hf_spop_message message;
    struct hf_spop_string found;

    CU_ASSERT_EQUAL_FATAL(hf_spop_message_read(&payload, &message), HF_SPOP_NORMAL);
    CU_ASSERT_TRUE(hf_spop_string_is(message.name, "route"));
    CU_ASSERT_TRUE(hf_spop_message_string(&message, "authority", &found));
    CU_ASSERT_TRUE(hf_spop_string_is(found, "fn:1"));
    CU_ASSERT_FALSE(hf_spop_message_string(&message, "host", &found));  /* NULL */
    CU_ASSERT_FALSE(hf_spop_message_string(&message, "count", &found)); /* a number */
    CU_ASSERT_FALSE(hf_spop_message_string(&message, "auth", &found));
    CU_ASSERT_EQUAL_FATAL(hf_spop_message_read(&payload, &message), HF_SPOP_NORMAL);
    CU_ASSERT_TRUE(hf_spop_string_is(message.name, "ping"));
    CU_ASSERT_FALSE(hf_spop_message_string(&message, "authority", &found));
    CU_ASSERT_PTR_EQUAL(payload.at, payload.end);
}

static void
a_message_cut_anywhere_is_refused(void)
{
    for (size_t len = 0; len < sizeof QUESTION - 1; len++) {
        hf_autofree uint8_t *copy = exact(QUESTION, len);
        struct hf_spop_reader payload = reader_of(copy, len);
        struct hf_spop_message message;

        CU_ASSERT_EQUAL(hf_spop_message_read(&payload, &message), HF_SPOP_INVALID);
    }
}

static void
an_action_is_written_whole_or_not_at_all(void)
{
    static const char bytes[] = "\x01\x03\x02\x04name\x08\x05value";
    uint8_t buf[sizeof bytes + 3] = { 0 };
    struct hf_spop_writer writer = { .at = buf, .end = buf + sizeof buf };

    CU_ASSERT_EQUAL(hf_spop_set_var(&writer, HF_SPOP_SCOPE_TRANSACTION, "name", "value"), 0);
    UNIT_U64(writer.at - buf, sizeof bytes - 1);
    CU_ASSERT_EQUAL(memcmp(buf, bytes, sizeof bytes - 1), 0);
    CU_ASSERT_EQUAL(hf_spop_set_var(&writer, HF_SPOP_SCOPE_TRANSACTION, "name", "value"), HF_EFULL);
    UNIT_U64(writer.at - buf, sizeof bytes - 1);
    CU_ASSERT_FALSE(writer.full);
}

/* --- payloads in fragments ----------------------------------------------------------------- */

static enum hf_spop_gathered
take(struct hf_spop_fragments *fragments, uint8_t type, uint32_t flags, uint64_t frame_id,
     const char *text, struct hf_spop_reader *ret)
{
    struct hf_spop_frame frame = {
        .type = type,
        .flags = flags,
        .stream_id = 7,
        .frame_id = frame_id,
        .payload = reader_of((const uint8_t *)text, strlen(text)),
    };

    return hf_spop_fragments_take(fragments, &frame, ret);
}

static void
fragments_become_one_payload(void)
{
    struct hf_spop_fragments fragments = { .data = NULL };
    struct hf_spop_reader whole;

    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, 0, 1, "one ", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, 0, 1, "and ", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL_FATAL(take(&fragments, HF_SPOP_UNSET, HF_SPOP_FIN, 1, "two", &whole),
                          HF_SPOP_WHOLE);
    UNIT_U64(whole.end - whole.at, 11);
    CU_ASSERT_EQUAL(memcmp(whole.at, "one and two", 11), 0);
    hf_spop_fragments_clear(&fragments);
    CU_ASSERT_EQUAL_FATAL(take(&fragments, HF_SPOP_NOTIFY, HF_SPOP_FIN, 2, "all", &whole),
                          HF_SPOP_WHOLE);
    UNIT_U64(whole.end - whole.at, 3);
    hf_spop_fragments_clear(&fragments);
}

static void
what_does_not_belong_together_is_broken(void)
{
    struct hf_spop_fragments fragments = { .data = NULL };
    struct hf_spop_reader whole;

    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, HF_SPOP_FIN, 1, "x", &whole), HF_SPOP_BROKEN);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, 0, 1, "x", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, 0, 1, "x", &whole), HF_SPOP_BROKEN);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, 0, 2, "x", &whole), HF_SPOP_BROKEN);
    hf_spop_fragments_clear(&fragments);
}

static void
an_aborted_payload_is_forgotten(void)
{
    struct hf_spop_fragments fragments = { .data = NULL };
    struct hf_spop_reader whole;

    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, 0, 1, "x", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, HF_SPOP_FIN | HF_SPOP_ABORT, 1, "", &whole),
                    HF_SPOP_PARTIAL);
    CU_ASSERT_PTR_NULL(fragments.data);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, HF_SPOP_FIN, 2, "y", &whole), HF_SPOP_WHOLE);
}

/* Begins a payload and sends it until it is too long. */
static void
send_too_much(struct hf_spop_fragments *fragments)
{
    static char much[16000];
    struct hf_spop_reader whole;
    enum hf_spop_gathered r;

    memset(much, 'x', sizeof much - 1);
    r = take(fragments, HF_SPOP_NOTIFY, 0, 1, much, &whole);
    for (int i = 0; i < 4 && r == HF_SPOP_PARTIAL; i++) {
        r = take(fragments, HF_SPOP_UNSET, 0, 1, much, &whole);
    }
    CU_ASSERT_EQUAL(r, HF_SPOP_REFUSED);
}

static void
a_payload_too_long_is_refused_once_and_its_rest_ignored(void)
{
    struct hf_spop_fragments fragments = { .data = NULL };
    struct hf_spop_reader whole;

    send_too_much(&fragments);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, 0, 1, "x", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_UNSET, HF_SPOP_FIN, 1, "x", &whole), HF_SPOP_PARTIAL);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, HF_SPOP_FIN, 2, "y", &whole), HF_SPOP_WHOLE);
    /* HAProxy may as well leave its rest out. */
    send_too_much(&fragments);
    CU_ASSERT_EQUAL(take(&fragments, HF_SPOP_NOTIFY, HF_SPOP_FIN, 2, "y", &whole), HF_SPOP_WHOLE);
    hf_spop_fragments_clear(&fragments);
}

UNIT_MAIN("spop", UNIT_TEST(numbers_are_as_long_as_the_protocol_says),
          UNIT_TEST(a_number_above_64_bits_means_nothing), UNIT_TEST(values_of_every_type_are_read),
          UNIT_TEST(values_cut_short_or_of_unknown_types_are_refused),
          UNIT_TEST(the_hello_of_haproxy_is_understood),
          UNIT_TEST(a_hello_may_offer_more_and_ask_for_health),
          UNIT_TEST(a_hello_that_lacks_something_is_told_what),
          UNIT_TEST(a_hello_cut_anywhere_is_refused_and_read_no_further),
          UNIT_TEST(the_answers_have_the_bytes_of_the_protocol), UNIT_TEST(a_disconnect_says_why),
          UNIT_TEST(messages_are_read_one_after_the_other),
          UNIT_TEST(a_message_cut_anywhere_is_refused),
          UNIT_TEST(an_action_is_written_whole_or_not_at_all),
          UNIT_TEST(fragments_become_one_payload),
          UNIT_TEST(what_does_not_belong_together_is_broken),
          UNIT_TEST(an_aborted_payload_is_forgotten),
          UNIT_TEST(a_payload_too_long_is_refused_once_and_its_rest_ignored))
