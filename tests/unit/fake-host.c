/*
 * fake-host.c - the fake host's loop: timers, descriptors, posted work.
 */
#include "fake-host.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fake-host-private.h"

enum { WATCHES_MAX = 8192 };

uint64_t
fake_real_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t
driver_now(const struct hf_driver_host *driver)
{
    return fake_of(driver)->now;
}

/* splitmix64, with a fixed seed: tests repeat. */
static uint64_t
driver_random(const struct hf_driver_host *driver)
{
    uint64_t z = fake_of(driver)->random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* --- timers ------------------------------------------------------------------- */

static struct hf_host_timer *
timer_new(const struct hf_driver_host *driver, uint32_t clock, void (*fn)(void *arg), void *arg)
{
    struct fake_host *fake = fake_of(driver);
    struct hf_host_timer *timer = calloc(1, sizeof *timer);

    assert(timer && (clock == HF_CLOCK_POLICY || clock == HF_CLOCK_REAL));
    *timer = (struct hf_host_timer){
        .next = fake->timers, .fake = fake, .clock = clock, .fn = fn, .arg = arg
    };
    fake->timers = timer;
    return timer;
}

static void
timer_set(struct hf_host_timer *timer, int64_t delay_ns)
{
    uint64_t now = timer->clock == HF_CLOCK_POLICY ? timer->fake->now : fake_real_now();

    timer->armed = delay_ns >= 0;
    timer->due = now + (uint64_t)delay_ns;
}

static void
timer_free(struct hf_host_timer *timer)
{
    struct hf_host_timer **link;

    if (!timer) {
        return;
    }
    link = &timer->fake->timers;
    while (*link != timer) {
        link = &(*link)->next;
    }
    *link = timer->next;
    free(timer);
}

/* The timer that is due first among those of both clocks that are due; NULL: none. */
static struct hf_host_timer *
due_timer(struct fake_host *fake)
{
    uint64_t real = fake_real_now();
    struct hf_host_timer *first = NULL;

    for (struct hf_host_timer *t = fake->timers; t; t = t->next) {
        if (t->armed && t->due <= (t->clock == HF_CLOCK_POLICY ? fake->now : real) &&
            (!first || (t->clock == first->clock && t->due < first->due))) {
            first = t;
        }
    }
    return first;
}

/* --- descriptors and posted work ---------------------------------------------- */

static struct hf_host_watch *
watch_new(const struct hf_driver_host *driver, int fd, uint32_t events,
          void (*fn)(void *arg, uint32_t events), void *arg)
{
    struct fake_host *fake = fake_of(driver);
    struct hf_host_watch *watch = calloc(1, sizeof *watch);

    assert(watch);
    *watch = (struct hf_host_watch){
        .next = fake->watches, .fake = fake, .fd = fd, .events = events, .fn = fn, .arg = arg
    };
    fake->watches = watch;
    return watch;
}

static void
watch_free(struct hf_host_watch *watch)
{
    struct hf_host_watch **link;

    if (!watch) {
        return;
    }
    link = &watch->fake->watches;
    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
    free(watch);
}

static bool
is_watched(const struct fake_host *fake, const struct hf_host_watch *watch)
{
    const struct hf_host_watch *w = fake->watches;

    while (w && w != watch) {
        w = w->next;
    }
    return w;
}

static int
driver_post(const struct hf_driver_host *driver, void (*fn)(void *arg), void *arg)
{
    static const uint64_t one = 1;
    struct fake_host *fake = fake_of(driver);
    struct fake_post *post = malloc(sizeof *post), **link = &fake->posts;

    assert(post);
    *post = (struct fake_post){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&fake->lock);
    while (*link) {
        link = &(*link)->next;
    }
    *link = post;
    pthread_mutex_unlock(&fake->lock);
    (void)!write(fake->wake_fd, &one, sizeof one);
    return 0;
}

static void
run_posts(struct fake_host *fake)
{
    struct fake_post *post;
    uint64_t count;

    (void)!read(fake->wake_fd, &count, sizeof count);
    pthread_mutex_lock(&fake->lock);
    post = fake->posts;
    fake->posts = NULL;
    pthread_mutex_unlock(&fake->lock);
    while (post) {
        struct fake_post *next = post->next;

        post->fn(post->arg);
        free(post);
        post = next;
    }
}

/* --- the loop ----------------------------------------------------------------- */

/* Looks after children that cannot be polled; true if one has ended. */
static bool
check_children(struct fake_host *fake)
{
    for (struct hf_host_child *c = fake->children; c; c = c->next) {
        if (c->pidfd < 0 && !c->reaped && fake_child_check(c)) {
            return true;
        }
    }
    return false;
}

/* Polls all descriptors and children; true if anything happened. */
static bool
poll_all(struct fake_host *fake, int wait_ms)
{
    static struct pollfd fds[WATCHES_MAX];
    static void *owners[WATCHES_MAX];
    size_t n = 0, n_watches;
    int r;

    fds[n++] = (struct pollfd){ .fd = fake->wake_fd, .events = POLLIN };
    for (struct hf_host_watch *w = fake->watches; w; w = w->next) {
        assert(n < WATCHES_MAX);
        fds[n] = (struct pollfd){ .fd = w->fd };
        fds[n].events = (short)((w->events & HF_WATCH_READ ? POLLIN : 0) |
                                (w->events & HF_WATCH_WRITE ? POLLOUT : 0));
        owners[n++] = w;
    }
    n_watches = n;
    for (struct hf_host_child *c = fake->children; c; c = c->next) {
        assert(n < WATCHES_MAX);
        fds[n] = (struct pollfd){ .fd = c->reaped ? -1 : c->pidfd, .events = POLLIN };
        owners[n++] = c;
    }
    r = poll(fds, n, wait_ms);
    if (r <= 0) {
        return check_children(fake);
    }
    if (fds[0].revents) {
        run_posts(fake);
    }
    for (size_t i = 1; i < n_watches; i++) {
        struct hf_host_watch *w = owners[i];

        if (fds[i].revents && is_watched(fake, w)) {
            w->fn(w->arg, (fds[i].revents & ~POLLOUT ? HF_WATCH_READ : 0) |
                              (fds[i].revents & POLLOUT ? HF_WATCH_WRITE : 0));
        }
    }
    for (size_t i = n_watches; i < n; i++) {
        for (struct hf_host_child *c = fake->children; fds[i].revents && c; c = c->next) {
            if (c == owners[i] && fake_child_check(c)) {
                break;
            }
        }
    }
    return true;
}

/* Runs as many timers as there are, if that many are due. */
static void
run_timers(struct fake_host *fake)
{
    struct hf_host_timer *timer;
    size_t n = 0;

    for (struct hf_host_timer *t = fake->timers; t; t = t->next) {
        n++;
    }
    for (size_t i = 0; i < n && (timer = due_timer(fake)); i++) {
        timer->armed = false;
        timer->fn(timer->arg);
    }
}

/* Milliseconds until the next timer, `limit` at most. */
static int
time_to_wait(const struct fake_host *fake, int limit)
{
    uint64_t real = fake_real_now();

    for (const struct hf_host_child *c = fake->children; c; c = c->next) {
        limit = c->pidfd < 0 && limit > 5 ? 5 : limit;
    }
    for (const struct hf_host_timer *t = fake->timers; t; t = t->next) {
        uint64_t now = t->clock == HF_CLOCK_POLICY ? fake->now : real;

        if (t->armed && t->due <= now) {
            return 0;
        }
        if (t->armed && t->clock == HF_CLOCK_REAL && (t->due - now) / 1000000 < (uint64_t)limit) {
            limit = (int)((t->due - now) / 1000000) + 1;
        }
    }
    return limit;
}

void
fake_turn(struct fake_host *fake, int wait_ms)
{
    poll_all(fake, time_to_wait(fake, wait_ms));
    run_timers(fake);
}

bool
fake_wait(struct fake_host *fake, const size_t *flag, size_t n)
{
    uint64_t limit = fake_real_now() + UINT64_C(60000000000); /* for a busy machine */

    while (*flag < n && fake_real_now() < limit) {
        fake_turn(fake, 50);
    }
    return *flag >= n;
}

void
fake_settle(struct fake_host *fake, int quiet_ms)
{
    uint64_t quiet_since = fake_real_now();
    bool happened;

    do { /* a turn in which nothing happened is the last, however long this process did not run */
        happened = poll_all(fake, time_to_wait(fake, 5)) || due_timer(fake);
        run_timers(fake);
        quiet_since = happened ? fake_real_now() : quiet_since;
    } while (happened || fake_real_now() - quiet_since < (uint64_t)quiet_ms * 1000000);
}

void
fake_advance(struct fake_host *fake, uint64_t ns)
{
    fake->now += ns;
}

/* --- host --------------------------------------------------------------------- */

struct fake_host *
fake_host_new(void)
{
    struct fake_host *fake = calloc(1, sizeof *fake);

    assert(fake);
    fake_plain_init(&fake->host);
    fake->now = 1000000000;
    fake->random_state = 1;
    fake->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&fake->lock, NULL);
    fake->driver.size = sizeof fake->driver;
    fake->driver.host = &fake->host;
    fake->driver.now = driver_now;
    fake->driver.random = driver_random;
    fake->driver.timer_new = timer_new;
    fake->driver.timer_set = timer_set;
    fake->driver.timer_free = timer_free;
    fake->driver.watch_new = watch_new;
    fake->driver.watch_free = watch_free;
    fake->driver.post = driver_post;
    fake->driver.node_id = "node";
    fake->driver.boot_id = "boot";
    fake_process_init(fake);
    fake_service_init(fake);
    fake_http_init(fake);
    return fake;
}

const struct hf_driver_host *
fake_driver(struct fake_host *fake)
{
    return &fake->driver;
}

size_t
fake_host_leaks(const struct fake_host *fake)
{
    size_t n = fake_http_leaks(fake);

    for (const struct hf_host_timer *t = fake->timers; t; t = t->next) {
        n++;
    }
    for (const struct hf_host_watch *w = fake->watches; w; w = w->next) {
        n++;
    }
    for (const struct hf_host_child *c = fake->children; c; c = c->next) {
        n++;
    }
    for (const struct hf_host_listener *l = fake->listeners; l; l = l->next) {
        n++;
    }
    return n;
}

void
fake_host_free(struct fake_host *fake)
{
    run_posts(fake);
    fake_http_fini(fake);
    pthread_mutex_destroy(&fake->lock);
    close(fake->wake_fd);
    free(fake);
}
