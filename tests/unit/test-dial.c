/*
 * test-dial.c - addresses, listeners, connecting.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "loop/address.h"
#include "loop/dial.h"
#include "loop/listener.h"
#include "loop/loop.h"

#define LIMIT (10 * HF_SEC)

/* Both ends of what a test connects. */
struct ends {
    struct hf_loop *loop;
    struct hf_listener *listener;
    int accepted;
    int dialled; /* a descriptor or a code */
    bool done;
    char message[512];
};

static void
on_accept(void *arg, int fd)
{
    ((struct ends *)arg)->accepted = fd;
}

static void
on_dialled(void *arg, int fd, const char *message)
{
    struct ends *ends = arg;

    ends->dialled = fd;
    ends->done = true;
    snprintf(ends->message, sizeof ends->message, "%s", message);
}

static bool
is_done(void *arg)
{
    return ((struct ends *)arg)->done;
}

static bool
both_are_there(void *arg)
{
    struct ends *ends = arg;

    return ends->done && ends->accepted >= 0;
}

static void
begin(struct ends *ends)
{
    *ends = (struct ends){ .accepted = -1, .dialled = -1 };
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &ends->loop, NULL), 0);
}

static void
end(struct ends *ends)
{
    if (ends->accepted >= 0) {
        close(ends->accepted);
    }
    if (ends->dialled >= 0) {
        close(ends->dialled);
    }
    hf_listener_free(ends->listener);
    hf_loop_free(ends->loop);
}

/* --- addresses ----------------------------------------------------------------------------- */

static void
check_round_trip(const char *text, const char *expected)
{
    struct hf_address address;
    char again[HF_ADDRESS_TEXT_MAX];

    CU_ASSERT_EQUAL_FATAL(hf_address_parse(text, &address, NULL), 0);
    hf_address_format(&address, again);
    UNIT_STR(again, expected);
}

static void
addresses_are_read_and_written(void)
{
    struct hf_address address;

    check_round_trip("127.0.0.1:80", "127.0.0.1:80");
    check_round_trip("[::1]:65535", "[::1]:65535");
    check_round_trip("localhost:1", "127.0.0.1:1");
    check_round_trip("unix:/tmp/x", "unix:/tmp/x");
    CU_ASSERT_EQUAL(hf_address_parse("worker:50051", &address, NULL), HF_ENOTFOUND);
    CU_ASSERT_EQUAL(hf_address_parse("127.0.0.1", &address, NULL), HF_EINVALID);
    CU_ASSERT_EQUAL(hf_address_parse("127.0.0.1:65536", &address, NULL), HF_EINVALID);
    CU_ASSERT_EQUAL(hf_address_parse("unix:", &address, NULL), HF_EINVALID);
}

/* --- connecting ---------------------------------------------------------------------------- */

static void
connects(const char *listen, const char *host)
{
    struct ends ends;
    char address[128];
    char byte = 0;

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, listen, on_accept, &ends, &ends.listener, NULL), 0);
    if (host) {
        snprintf(address, sizeof address, "%s:%u", host, hf_listener_port(ends.listener));
    } else {
        snprintf(address, sizeof address, "%s", hf_listener_text(ends.listener));
    }
    CU_ASSERT_EQUAL(hf_dial(ends.loop, address, LIMIT, on_dialled, &ends, NULL, NULL), 0);
    CU_ASSERT_FALSE(ends.done);
    CU_ASSERT(hf_loop_run_until(ends.loop, both_are_there, &ends, LIMIT));
    CU_ASSERT(ends.dialled >= 0);
    UNIT_STR(ends.message, "");
    CU_ASSERT_EQUAL(write(ends.dialled, "x", 1), 1);
    CU_ASSERT_EQUAL(read(ends.accepted, &byte, 1), 1);
    CU_ASSERT_EQUAL(byte, 'x');
    end(&ends);
}

static void
connects_over_tcp(void)
{
    connects("127.0.0.1:0", NULL);
}

static void
connects_over_a_unix_socket(void)
{
    char address[256];

    snprintf(address, sizeof address, "unix:%s/socket", unit_folder());
    connects(address, NULL);
    CU_ASSERT_EQUAL(access(address + strlen("unix:"), F_OK), -1);
}

/* "ip6-localhost" and the like differ between machines; the host's own name does not exist
 * everywhere either.  A number in a form that only the resolver reads is a name to us. */
static void
connects_by_name(void)
{
    connects("127.0.0.1:0", "0x7f000001");
}

static void
a_refused_connection_says_so(void)
{
    struct ends ends;
    char address[128];

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, "127.0.0.1:0", on_accept, &ends, &ends.listener, NULL), 0);
    snprintf(address, sizeof address, "%s", hf_listener_text(ends.listener));
    hf_listener_free(ends.listener);
    ends.listener = NULL;
    CU_ASSERT_EQUAL(hf_dial(ends.loop, address, LIMIT, on_dialled, &ends, NULL, NULL), 0);
    CU_ASSERT(hf_loop_run_until(ends.loop, is_done, &ends, LIMIT));
    UNIT_INT(ends.dialled, HF_EUNAVAILABLE);
    UNIT_CONTAINS(ends.message, address);
    UNIT_CONTAINS(ends.message, "refused");
    end(&ends);
}

/* A label of more than 63 bytes cannot exist, so that no name server is asked. */
static void
an_unknown_name_says_so(void)
{
    static const char name[] =
        "a-name-that-is-longer-than-any-name-server-would-ever-allow-it-to-be.invalid:1";
    struct ends ends;

    begin(&ends);
    CU_ASSERT_EQUAL(hf_dial(ends.loop, name, LIMIT, on_dialled, &ends, NULL, NULL), 0);
    CU_ASSERT(hf_loop_run_until(ends.loop, is_done, &ends, LIMIT));
    UNIT_INT(ends.dialled, HF_EUNAVAILABLE);
    UNIT_CONTAINS(ends.message, name);
    end(&ends);
}

static void
nonsense_is_refused_at_once(void)
{
    struct ends ends;
    struct hf_err err = HF_ERR_INIT;

    begin(&ends);
    CU_ASSERT_EQUAL(hf_dial(ends.loop, "nonsense", LIMIT, on_dialled, &ends, NULL, &err),
                    HF_EINVALID);
    UNIT_CONTAINS(err.message, "nonsense");
    end(&ends);
}

static void
a_cancelled_dial_is_silent(void)
{
    struct ends ends;
    struct hf_dial *dial = NULL;

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, "127.0.0.1:0", on_accept, &ends, &ends.listener, NULL), 0);
    CU_ASSERT_EQUAL(
        hf_dial(ends.loop, hf_listener_text(ends.listener), LIMIT, on_dialled, &ends, &dial, NULL),
        0);
    hf_dial_cancel(dial);
    CU_ASSERT_EQUAL(hf_dial(ends.loop, "0x7f000001:1", LIMIT, on_dialled, &ends, &dial, NULL), 0);
    hf_dial_cancel(dial);
    CU_ASSERT_FALSE(hf_loop_run_until(ends.loop, is_done, &ends, 20 * HF_MSEC));
    end(&ends);
}

/* --- listening ----------------------------------------------------------------------------- */

static void
a_taken_address_is_refused(void)
{
    struct ends ends;
    struct hf_listener *second = NULL;
    struct hf_err err = HF_ERR_INIT;

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, "127.0.0.1:0", on_accept, &ends, &ends.listener, NULL), 0);
    CU_ASSERT_EQUAL(hf_listener_new(ends.loop, hf_listener_text(ends.listener), on_accept, &ends,
                                    &second, &err),
                    HF_EEXISTS);
    UNIT_CONTAINS(err.message, hf_listener_text(ends.listener));
    CU_ASSERT_PTR_NULL(second);
    end(&ends);
}

static void
a_stale_unix_socket_is_replaced(void)
{
    struct ends ends;
    struct hf_address address;
    struct hf_listener *second = NULL;
    char text[256];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    begin(&ends);
    snprintf(text, sizeof text, "unix:%s/socket", unit_folder());
    CU_ASSERT_EQUAL_FATAL(hf_address_parse(text, &address, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, &address.u.any, address.len), 0);
    close(fd); /* nobody listens: left behind by a crash */
    CU_ASSERT_EQUAL(hf_listener_new(ends.loop, text, on_accept, &ends, &ends.listener, NULL), 0);
    CU_ASSERT_EQUAL(hf_listener_new(ends.loop, text, on_accept, &ends, &second, NULL), HF_EEXISTS);
    end(&ends);
}

static void
running_out_of_descriptors_is_survived(void)
{
    struct ends ends;
    struct rlimit before;
    struct rlimit none;

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, "127.0.0.1:0", on_accept, &ends, &ends.listener, NULL), 0);
    CU_ASSERT_EQUAL(
        hf_dial(ends.loop, hf_listener_text(ends.listener), LIMIT, on_dialled, &ends, NULL, NULL),
        0);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    UNIT_EXPECT_LOG("file descriptors run short");
    CU_ASSERT_FALSE(hf_loop_run_until(ends.loop, both_are_there, &ends, 20 * HF_MSEC));
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
    CU_ASSERT(hf_loop_run_until(ends.loop, both_are_there, &ends, LIMIT));
    end(&ends);
}

static void
free_on_accept(void *arg, int fd)
{
    struct ends *ends = arg;

    ends->accepted = fd;
    hf_listener_free(ends->listener);
    ends->listener = NULL;
}

static void
a_listener_may_be_freed_while_accepting(void)
{
    struct ends ends;

    begin(&ends);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(ends.loop, "127.0.0.1:0", free_on_accept, &ends, &ends.listener, NULL), 0);
    CU_ASSERT_EQUAL(
        hf_dial(ends.loop, hf_listener_text(ends.listener), LIMIT, on_dialled, &ends, NULL, NULL),
        0);
    CU_ASSERT(hf_loop_run_until(ends.loop, both_are_there, &ends, LIMIT));
    end(&ends);
}

UNIT_MAIN("dial", UNIT_TEST(addresses_are_read_and_written), UNIT_TEST(connects_over_tcp),
          UNIT_TEST(connects_over_a_unix_socket), UNIT_TEST(connects_by_name),
          UNIT_TEST(a_refused_connection_says_so), UNIT_TEST(an_unknown_name_says_so),
          UNIT_TEST(nonsense_is_refused_at_once), UNIT_TEST(a_cancelled_dial_is_silent),
          UNIT_TEST(a_taken_address_is_refused), UNIT_TEST(a_stale_unix_socket_is_replaced),
          UNIT_TEST(running_out_of_descriptors_is_survived),
          UNIT_TEST(a_listener_may_be_freed_while_accepting))
