/*
 * test-spop-agent.c - the agent for HAProxy on real sockets, asked well and badly.
 *
 * Frames are written here byte by byte, so that the agent does not check itself.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/random.h"
#include "loop/address.h"
#include "loop/thread.h"
#include "spop/agent.h"

/* --- an agent that repeats what it is told ------------------------------------------------- */

struct fixture {
    struct hf_thread *thread;
    struct hf_spop_agent *agent;
    struct hf_spop_agent_config config;
    char address[300];
    char trouble[200]; /* the last reported; the agent's thread writes it */
    size_t conns;
    int asking;
};

static void
on_message(void *arg, const struct hf_spop_message *message, struct hf_spop_writer *actions)
{
    struct hf_spop_string text;
    char copy[64];

    (void)arg;
    if (!hf_spop_string_is(message->name, "say") ||
        !hf_spop_message_string(message, "text", &text)) {
        return;
    }
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, text.data);
    hf_spop_set_var(actions, HF_SPOP_SCOPE_TRANSACTION, "said", copy);
}

static void
on_trouble(void *arg, const char *what)
{
    struct fixture *f = arg;

    snprintf(f->trouble, sizeof f->trouble, "%s", what);
}

static void
open_agent(void *arg)
{
    struct fixture *f = arg;

    f->config.address = f->address;
    f->config.on_message = on_message;
    f->config.on_trouble = on_trouble;
    f->config.arg = f;
    CU_ASSERT_EQUAL_FATAL(hf_spop_agent_new(hf_thread_loop(f->thread), &f->config, &f->agent, NULL),
                          0);
}

static void
close_agent(void *arg)
{
    struct fixture *f = arg;

    hf_spop_agent_free(f->agent);
    f->agent = NULL;
}

static void
begin_with(struct fixture *f, struct hf_spop_limits limits)
{
    *f = (struct fixture){ .config.limits = limits };
    snprintf(f->address, sizeof f->address, "unix:%s/spop", unit_folder());
    CU_ASSERT_EQUAL_FATAL(hf_thread_new("spop", &f->thread, NULL), 0);
    hf_thread_do(f->thread, open_agent, f);
}

static void
begin(struct fixture *f)
{
    begin_with(f, (struct hf_spop_limits)HF_SPOP_LIMITS_DEFAULT);
}

static void
end(struct fixture *f)
{
    hf_thread_do(f->thread, close_agent, f);
    hf_thread_free(f->thread);
}

static void
count_conns(void *arg)
{
    struct fixture *f = arg;

    f->conns = hf_spop_agent_conns(f->agent);
}

static bool
nobody_is_left(void *arg)
{
    struct fixture *f = arg;

    hf_thread_do(f->thread, count_conns, f);
    return f->conns == 0;
}

static uint64_t
counted(const char *name)
{
    return hf_counter_value(hf_counter_find(name));
}

/* --- HAProxy's part ------------------------------------------------------------------------ */

#define HELLO                                                                                      \
    "\0\0\0\x51\x01\0\0\0\x01\0\0"                                                                 \
    "\x12supported-versions\x08\x03"                                                               \
    "2.0"                                                                                          \
    "\x0emax-frame-size\x03\xfc\xf0\x06"                                                           \
    "\x0c"                                                                                         \
    "capabilities\x08\x10pipelining,async"
#define HELLO_ANSWER                                                                               \
    "\0\0\0\x4e\x65\0\0\0\x01\0\0"                                                                 \
    "\x07version\x08\x03"                                                                          \
    "2.0"                                                                                          \
    "\x0emax-frame-size\x03\xfc\xf0\x06"                                                           \
    "\x0c"                                                                                         \
    "capabilities\x08\x18pipelining,fragmentation"

/* Stream 5, frame 1: say(text="hey"), and the answer. */
#define SAY        "\x03say\x01\x04text\x08\x03hey"
#define NOTIFY     "\0\0\0\x16\x03\0\0\0\x01\x05\x01" SAY
#define NOTIFY_ACK "\0\0\0\x14\x67\0\0\0\x01\x05\x01\x01\x03\x02\x04said\x08\x03hey"

/* Stream 5, frame 2, in three frames, and the answer. */
#define FRAGMENTS                                                                                  \
    "\0\0\0\x0b\x03\0\0\0\0\x05\x02\x03say"                                                        \
    "\0\0\0\x07\x00\0\0\0\0\x05\x02"                                                               \
    "\0\0\0\x12\x00\0\0\0\x01\x05\x02\x01\x04text\x08\x03hey"
#define FRAGMENTS_ACK "\0\0\0\x14\x67\0\0\0\x01\x05\x02\x01\x03\x02\x04said\x08\x03hey"

#define FAREWELL(status)                                                                           \
    "\0\0\0\x21\x02\0\0\0\x01\0\0"                                                                 \
    "\x0bstatus-code\x03" status "\x07message\x08\x02OK"

/* What the agent says when it closes. */
#define PARTING(length, status, text_length, text)                                                 \
    "\0\0\0" length "\x66\0\0\0\x01\0\0"                                                           \
    "\x0bstatus-code\x03" status "\x07message\x08" text_length text
#define PARTING_NORMAL  PARTING("\x25", "\x00", "\x06", "normal")
#define PARTING_TIMEOUT PARTING("\x31", "\x02", "\x12", "a timeout occurred")
#define PARTING_TOO_BIG PARTING("\x2f", "\x03", "\x10", "frame is too big")
#define PARTING_INVALID PARTING("\x35", "\x04", "\x16", "invalid frame received")
#define PARTING_MIXED   PARTING("\x38", "\x0b", "\x19", "invalid interlaced frames")

static int
dial(const struct fixture *f)
{
    static const struct timeval limit = { .tv_sec = 10 };
    struct hf_address address;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CU_ASSERT_EQUAL_FATAL(hf_address_parse(f->address, &address, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, &address.u.any, address.len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void
send_bytes(int fd, const char *bytes, size_t len)
{
    CU_ASSERT_EQUAL(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The next bytes that come are these. */
static void
expect_bytes(int fd, const char *bytes, size_t len)
{
    char found[512];
    size_t n = 0;
    ssize_t r;

    CU_ASSERT_FATAL(len <= sizeof found);
    while (n < len && (r = read(fd, found + n, len - n)) > 0) {
        n += (size_t)r;
    }
    UNIT_U64(n, len);
    CU_ASSERT_EQUAL(memcmp(found, bytes, n), 0);
}

#define SEND(fd, literal)   send_bytes((fd), literal, sizeof(literal) - 1)
#define EXPECT(fd, literal) expect_bytes((fd), literal, sizeof(literal) - 1)

/* Nothing more comes, and the connection is closed. */
static void
expect_end(int fd)
{
    char byte;

    UNIT_INT(read(fd, &byte, 1), 0);
    close(fd);
}

/* A connection that has said hello. */
static int
meet(const struct fixture *f)
{
    int fd = dial(f);

    SEND(fd, HELLO);
    EXPECT(fd, HELLO_ANSWER);
    return fd;
}

/* --- asked well ---------------------------------------------------------------------------- */

static void
questions_are_answered_until_haproxy_parts(void)
{
    struct fixture f;
    struct stat st;
    int fd;

    begin(&f);
    CU_ASSERT_EQUAL_FATAL(stat(f.address + strlen("unix:"), &st), 0);
    UNIT_U64(st.st_mode & 0777, 0660);
    fd = meet(&f);
    SEND(fd, NOTIFY);
    EXPECT(fd, NOTIFY_ACK);
    SEND(fd, NOTIFY NOTIFY FRAGMENTS "\0\0\0\x0c\x03\0\0\0\x01\x05\x03\x03huh\0");
    EXPECT(fd, NOTIFY_ACK NOTIFY_ACK FRAGMENTS_ACK "\0\0\0\x07\x67\0\0\0\x01\x05\x03");
    SEND(fd, FAREWELL("\x00"));
    EXPECT(fd, PARTING_NORMAL);
    expect_end(fd);
    fd = meet(&f);
    SEND(fd, FAREWELL("\x02")); /* it was idle for long */
    EXPECT(fd, PARTING_NORMAL);
    expect_end(fd);
    UNIT_STR(f.trouble, "");
    end(&f);
}

static void
bytes_may_come_one_by_one(void)
{
    static const char bytes[] = HELLO NOTIFY FRAGMENTS;
    struct fixture f;
    int fd;

    begin(&f);
    fd = dial(&f);
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        send_bytes(fd, bytes + i, 1);
    }
    EXPECT(fd, HELLO_ANSWER NOTIFY_ACK FRAGMENTS_ACK);
    close(fd);
    end(&f);
}

static void
a_health_check_is_answered_and_closed(void)
{
    struct fixture f;
    uint64_t before = counted("spop_healthchecks");
    int fd;

    begin(&f);
    fd = dial(&f);
    SEND(fd, "\0\0\0\x5e\x01\0\0\0\x01\0\0"
             "\x12supported-versions\x08\x03"
             "2.0"
             "\x0emax-frame-size\x03\xfc\xf0\x06"
             "\x0c"
             "capabilities\x08\x10pipelining,async"
             "\x0b"
             "healthcheck\x11");
    EXPECT(fd, HELLO_ANSWER);
    expect_end(fd);
    UNIT_U64(counted("spop_healthchecks"), before + 1);
    end(&f);
}

static void
smaller_frames_are_agreed_on(void)
{
    struct fixture f;
    int fd;

    begin(&f);
    fd = dial(&f);
    SEND(fd, "\0\0\0\x40\x01\0\0\0\x01\0\0"
             "\x12supported-versions\x08\x03"
             "2.0"
             "\x0emax-frame-size\x03\xf0\x01"
             "\x0c"
             "capabilities\x08\0");
    EXPECT(fd, "\0\0\0\x42\x65\0\0\0\x01\0\0"
               "\x07version\x08\x03"
               "2.0"
               "\x0emax-frame-size\x03\xf0\x01"
               "\x0c"
               "capabilities\x08\x0d"
               "fragmentation");
    SEND(fd, "\0\0\x01\x01");
    EXPECT(fd, PARTING_TOO_BIG);
    expect_end(fd);
    end(&f);
}

/* 100,000 questions from a HAProxy that reads no answer until it has asked them all; the
 * buffers of both sockets hold far fewer. */
static void
questions_wait_while_answers_are_not_taken(void)
{
    static const char question[] = NOTIFY;
    static const char answer[] = NOTIFY_ACK;
    size_t to_send = 100000 * (sizeof question - 1);
    size_t to_come = 100000 * (sizeof answer - 1);
    size_t sent = 0;
    size_t got = 0;
    bool wrong = false;
    bool stalled = false;
    struct fixture f;
    int fd;

    begin(&f);
    fd = meet(&f);
    while (got < to_come && !wrong) {
        size_t at = sent % (sizeof question - 1);
        size_t len = hf_min(sizeof question - 1 - at, to_send - sent);
        ssize_t n = len ? send(fd, question + at, len, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
        char buf[4096];

        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        stalled |= sent < to_send;
        n = read(fd, buf, sizeof buf);
        wrong = n <= 0;
        for (ssize_t i = 0; i < n; i++) {
            wrong |= buf[i] != answer[got++ % (sizeof answer - 1)];
        }
    }
    CU_ASSERT_TRUE(stalled);
    CU_ASSERT_FALSE(wrong);
    UNIT_U64(got, to_come);
    close(fd);
    end(&f);
}

/* --- asked badly --------------------------------------------------------------------------- */

static void
nonsense_is_told_so_and_closed(void)
{
#define ROW(bytes, answer, trouble)                                                                \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, answer, sizeof(answer) - 1, trouble                              \
    }
    static const struct {
        const char *bytes;
        size_t len;
        const char *answer;
        size_t answer_len;
        const char *trouble;
    } rows[] = {
        ROW("GET / HTTP/1.1\r\n\r\n", PARTING_TOO_BIG, "frame is too big"),
        ROW("\xff\xff\xff\xff and much more than that", PARTING_TOO_BIG, "frame is too big"),
        ROW("\0\0\0\0", PARTING_INVALID, "invalid frame received"),
        ROW(NOTIFY, PARTING_INVALID, "invalid frame received"), /* before HELLO */
        ROW(HELLO HELLO, HELLO_ANSWER PARTING_INVALID, "invalid frame received"),
        ROW(HELLO "\0\0\0\x08\x03\0\0\0\x01\x05\x01\x7f", HELLO_ANSWER PARTING_INVALID,
            "invalid frame received"),
        ROW(HELLO "\0\0\0\x07\x00\0\0\0\x01\x05\x01", HELLO_ANSWER PARTING_MIXED,
            "invalid interlaced frames"),
        /* An answer begun before the nonsense was met is not sent. */
        ROW(HELLO "\0\0\0\x17\x03\0\0\0\x01\x05\x01" SAY "\x7f", HELLO_ANSWER PARTING_INVALID,
            "invalid frame received"),
        ROW(HELLO "\0\0\0\x23\x02\0\0\0\x01\0\0"
                  "\x0bstatus-code\x03\x07"
                  "\x07message\x08\x04"
                  "oops",
            HELLO_ANSWER PARTING_NORMAL, "HAProxy says: oops (7)"),
    };
    struct fixture f;

    begin(&f);
    for (size_t i = 0; i < hf_countof(rows); i++) {
        int fd = dial(&f);

        send_bytes(fd, rows[i].bytes, rows[i].len);
        expect_bytes(fd, rows[i].answer, rows[i].answer_len);
        expect_end(fd);
        UNIT_STR(f.trouble, rows[i].trouble);
    }
    end(&f);
}

static void
frames_that_nobody_knows_are_skipped(void)
{
    struct fixture f;
    int fd;

    begin(&f);
    fd = meet(&f);
    SEND(fd, "\0\0\0\x0b\x63\0\0\0\x01\x05\x01new!" NOTIFY);
    EXPECT(fd, NOTIFY_ACK);
    close(fd);
    end(&f);
}

static void
a_payload_without_end_is_refused(void)
{
    static char frame[11 + 16000] = "\0\0\x3e\x87\x03\0\0\0\0\x05\x01";
    struct fixture f;
    int fd;

    begin(&f);
    fd = meet(&f);
    memset(frame + 11, 'x', 16000);
    for (int i = 0; i < 5; i++) {
        send_bytes(fd, frame, sizeof frame);
        frame[4] = HF_SPOP_UNSET;
    }
    EXPECT(fd, "\0\0\0\x07\x67\0\0\0\x03\x05\x01"); /* an ACK with FIN and ABORT */
    SEND(fd, NOTIFY);
    EXPECT(fd, NOTIFY_ACK);
    close(fd);
    end(&f);
}

static void
random_bytes_and_broken_frames_harm_nobody(void)
{
    static const char good[] = HELLO NOTIFY FRAGMENTS FAREWELL("\x00");
    struct hf_random random;
    struct fixture f;
    int healthy;

    begin(&f);
    hf_random_init(&random, 20);
    healthy = meet(&f);
    for (int round = 0; round < 2000; round++) {
        char bytes[sizeof good];
        int fd = dial(&f);

        memcpy(bytes, good, sizeof good);
        for (uint64_t n = hf_random_below(&random, 4) + 1; n > 0; n--) {
            bytes[hf_random_below(&random, sizeof good)] = (char)hf_random_below(&random, 256);
        }
        /* Whether it is taken to its end depends on the bytes. */
        CU_ASSERT_NOT_EQUAL(
            send(fd, bytes, hf_random_below(&random, sizeof good) + 1, MSG_NOSIGNAL), 0);
        close(fd);
    }
    SEND(healthy, NOTIFY);
    EXPECT(healthy, NOTIFY_ACK);
    close(healthy);
    unit_wait(nobody_is_left, &f);
    end(&f);
}

/* --- limits -------------------------------------------------------------------------------- */

static void
connections_above_the_limit_are_closed(void)
{
    struct hf_spop_limits limits = HF_SPOP_LIMITS_DEFAULT;
    struct fixture f;
    int first;

    limits.max_conns = 1;
    begin_with(&f, limits);
    first = meet(&f);
    expect_end(dial(&f));
    SEND(first, NOTIFY);
    EXPECT(first, NOTIFY_ACK);
    close(first);
    unit_wait(nobody_is_left, &f);
    close(meet(&f));
    end(&f);
}

static void
who_says_nothing_is_dismissed(void)
{
    struct hf_spop_limits limits = { .max_conns = 10,
                                     .hello_ns = 50 * HF_MSEC,
                                     .transfer_ns = 50 * HF_MSEC,
                                     .idle_ns = 50 * HF_MSEC };
    struct fixture f;
    int fd;

    begin_with(&f, limits);
    fd = dial(&f);
    SEND(fd, "\0\0\0");
    EXPECT(fd, PARTING_TIMEOUT); /* no HELLO */
    expect_end(fd);
    fd = meet(&f);
    EXPECT(fd, PARTING_NORMAL); /* idle */
    expect_end(fd);
    fd = meet(&f);
    SEND(fd, "\0\0");
    EXPECT(fd, PARTING_TIMEOUT); /* in the midst of a frame */
    expect_end(fd);
    end(&f);
}

/* Asks as much as the socket takes, and reads nothing. */
static bool
nobody_is_left_however_much_is_asked(void *arg)
{
    static const char question[] = NOTIFY;
    struct fixture *f = arg;

    while (send(f->asking, question, sizeof question - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    }
    return nobody_is_left(f);
}

static void
who_takes_no_answer_is_dismissed(void)
{
    struct hf_spop_limits limits = HF_SPOP_LIMITS_DEFAULT;
    uint64_t before = counted("spop_timeouts");
    struct fixture f;

    limits.transfer_ns = 50 * HF_MSEC;
    begin_with(&f, limits);
    f.asking = meet(&f);
    unit_wait(nobody_is_left_however_much_is_asked, &f);
    UNIT_U64(counted("spop_timeouts"), before + 1);
    close(f.asking);
    end(&f);
}

static void
everybody_gets_a_disconnect_when_it_closes(void)
{
    struct fixture f;
    int fd;
    int silent;

    begin(&f);
    fd = meet(&f);
    silent = dial(&f);
    hf_thread_do(f.thread, close_agent, &f);
    EXPECT(fd, PARTING_NORMAL);
    expect_end(fd);
    expect_end(silent);
    CU_ASSERT_NOT_EQUAL(access(f.address + strlen("unix:"), F_OK), 0);
    end(&f);
}

UNIT_MAIN("spop-agent", UNIT_TEST(questions_are_answered_until_haproxy_parts),
          UNIT_TEST(bytes_may_come_one_by_one), UNIT_TEST(a_health_check_is_answered_and_closed),
          UNIT_TEST(smaller_frames_are_agreed_on),
          UNIT_TEST(questions_wait_while_answers_are_not_taken),
          UNIT_TEST(nonsense_is_told_so_and_closed),
          UNIT_TEST(frames_that_nobody_knows_are_skipped),
          UNIT_TEST(a_payload_without_end_is_refused),
          UNIT_TEST(random_bytes_and_broken_frames_harm_nobody),
          UNIT_TEST(connections_above_the_limit_are_closed),
          UNIT_TEST(who_says_nothing_is_dismissed), UNIT_TEST(who_takes_no_answer_is_dismissed),
          UNIT_TEST(everybody_gets_a_disconnect_when_it_closes))
