/*
 * watch.c - readiness of a descriptor through two libevent events.
 */
#include "loop/watch.h"

#include "base/err.h"
#include "loop/loop_private.h"

/* The watch may be gone when its function returns; the loop is not. */
static void
on_event(evutil_socket_t fd, short what, void *arg)
{
    struct hf_watch *watch = arg;
    struct hf_loop *loop = watch->loop;

    (void)fd;
    hf_loop_note_progress(loop);
    watch->fn(watch, what & EV_READ ? HF_READABLE : HF_WRITABLE);
    hf_loop_handled(loop);
}

void
hf_watch_init(struct hf_watch *watch, struct hf_loop *loop, int fd, hf_watch_fn *fn)
{
    struct event_base *base = hf_loop_base(loop);

    *watch = (struct hf_watch){ .fn = fn, .loop = loop, .fd = fd };
    event_assign(&watch->reader, base, fd, EV_READ | EV_PERSIST, on_event, watch);
    event_assign(&watch->writer, base, fd, EV_WRITE | EV_PERSIST, on_event, watch);
}

static int
wait_for(struct hf_watch *watch, uint32_t event, bool wanted, struct event *ev)
{
    bool active = (watch->events & event) != 0;

    if (wanted == active) {
        return 0;
    }
    if (!wanted) {
        event_del(ev);
        watch->events &= ~event;
        return 0;
    }
    if (event_add(ev, NULL) < 0) {
        return HF_ENOMEM;
    }
    watch->events |= event;
    return 0;
}

int
hf_watch_set(struct hf_watch *watch, uint32_t events)
{
    int r = wait_for(watch, HF_READABLE, (events & HF_READABLE) != 0, &watch->reader);

    if (r < 0) {
        return r;
    }
    return wait_for(watch, HF_WRITABLE, (events & HF_WRITABLE) != 0, &watch->writer);
}

void
hf_watch_fini(struct hf_watch *watch)
{
    if (watch->loop) {
        hf_watch_set(watch, 0);
        watch->loop = NULL;
    }
}
