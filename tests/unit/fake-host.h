/*
 * fake-host.h - a host for driver modules under test, without any of our core.
 *
 * It keeps the promises of host.h with a loop that the test turns by hand: the
 * policy clock stands still but for fake_advance(), the real one runs.  Child
 * processes and descriptors are real; listeners are not: a test plays the
 * caller through fake_call_new(); nor are HTTP servers (fake-http.h).
 */
#ifndef HF_TESTS_UNIT_FAKE_HOST_H
#define HF_TESTS_UNIT_FAKE_HOST_H

#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

/* What a module said about a failure. */
struct hf_err {
    int code;
    char message[1024];
};

/* --- host --- */

struct fake_host;

struct fake_host *fake_host_new(void);
/* The number of timers, watches, children, listeners, HTTP clients and exchanges that are still
 * there. */
size_t fake_host_leaks(const struct fake_host *);
void fake_host_free(struct fake_host *);

const struct hf_driver_host *fake_driver(struct fake_host *);

/* The values of a module's options: "key=value" each, NULL ends; the rest have
 * the fallbacks of the table.  Aborts on a key that the table does not have. */
struct hf_options *fake_options_new(const struct hf_plugin *, const char *const *settings);
void fake_options_free(struct hf_options *);

/* Moves the policy clock. */
void fake_advance(struct fake_host *, uint64_t ns);

/* Turns the loop once, waiting for something to happen for `wait_ms` at most. */
void fake_turn(struct fake_host *, int wait_ms);

/* Turns the loop until `*flag` is at least `n`; false if that takes over a minute. */
bool fake_wait(struct fake_host *, const size_t *flag, size_t n);

/* Turns the loop until nothing happens for `quiet_ms`. */
void fake_settle(struct fake_host *, int quiet_ms);

/* Nanoseconds of the monotonic clock. */
uint64_t fake_real_now(void);

/* How many lines of at least this severity (HF_HOST_...) were logged. */
size_t fake_logged(const struct fake_host *, uint32_t level);

/* A text for `show`; aborted if it grows above what it can hold. */
struct hf_text *fake_text_new(void);
const char *fake_text(const struct hf_text *);
void fake_text_free(struct hf_text *);

/* --- the caller's side of listeners --- */

/* A call as its caller sees it. */
struct fake_call {
    bool admitted;
    bool finished; /* the service answered with a status */
    bool ended;    /* its `end` has run, or it never began */
    uint32_t status;
    char message[256];
    size_t n_replies;
    uint8_t *reply; /* the last one */
    size_t reply_len;
};

/* Calls `path` at `local` ("IP:PORT") of the listener with that port. */
struct fake_call *fake_call_new(struct fake_host *, const char *local, const char *path);
void fake_call_send(struct fake_call *, const void *data, size_t len);
void fake_call_half_close(struct fake_call *);
/* Cancels the call if it still runs, and frees. */
void fake_call_free(struct fake_call *);

/* The port of the only listener; 0 if there is none. */
uint16_t fake_port(const struct fake_host *);

#endif
