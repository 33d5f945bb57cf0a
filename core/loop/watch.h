/*
 * watch.h - readiness of a descriptor.
 *
 * Level-triggered: while what was asked for holds, the function runs once in
 * every turn.  All functions on the loop's thread.
 */
#ifndef HF_LOOP_WATCH_H
#define HF_LOOP_WATCH_H

#include <stdint.h>

#include <event2/event_struct.h>

#include "loop/loop.h"

#define HF_READABLE UINT32_C(0x1) /* data, end of stream, or an error to be read */
#define HF_WRITABLE UINT32_C(0x2)

struct hf_watch;

/* `events` is what is ready now: one of HF_READABLE and HF_WRITABLE at a time.
 * The watch may be finished and freed from here. */
typedef void hf_watch_fn(struct hf_watch *watch, uint32_t events);

/* Embedded in what owns the descriptor. */
struct hf_watch {
    hf_watch_fn *fn;
    struct hf_loop *loop;
    int fd;
    uint32_t events;     /* what is being waited for */
    struct event reader; /* apart, so that asking for writability costs one system call */
    struct event writer;
};

/* Sets up a watch that waits for nothing yet.  The descriptor stays the caller's
 * and must be open until `fini`. */
void hf_watch_init(struct hf_watch *watch, struct hf_loop *loop, int fd, hf_watch_fn *fn);

/* Waits for exactly `events` from now on; 0 pauses.  HF_ENOMEM or 0. */
int hf_watch_set(struct hf_watch *watch, uint32_t events);

/* Stops waiting; required before the descriptor is closed.  Harmless after itself. */
void hf_watch_fini(struct hf_watch *watch);

#endif
