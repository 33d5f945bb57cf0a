/* watchdog.c - who does not turn his loop any more; see watchdog.h. */
#include "loop/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/guest.h"
#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "loop/loop_private.h"

HF_LOG_MODULE(watchdog);

HF_COUNTER(loop_stuck, "Times that a thread did not turn its loop for three seconds.");

/* How often it looks, and after how many looks at the same callback a loop counts as stuck: looks,
 * not time, since a process that was stopped, or a machine that is busy, keep it from looking, too.
 */
#define LOOK_NS     (500 * HF_MSEC)
#define STUCK_LOOKS 6

/* How long a thread may take to say what it is doing: it may be in the kernel. */
#define ANSWER_NS (200 * HF_MSEC)

struct watched {
    struct hf_list node;
    struct hf_loop *loop;
    uint64_t progress; /* at the last look */
    uint64_t since_ns; /* when that was first seen */
    unsigned int looks;
    bool is_stuck;
};

struct hf_watchdog {
    struct hf_watchdog_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t over;
    bool is_over;
    struct hf_list watched;
    uint64_t ending_ns; /* since when the process is to end; 0: it is not */
};

/* --- asking a thread ------------------------------------------------------------------------ */

enum { NOT_ASKED, ASKED, ANSWERING };

/* A handler has no argument: this is what it knows. */
static struct {
    atomic_int state;
    sem_t answered;
    struct hf_guest_text guest;
} question;

/* In the thread that is asked. */
static void
on_asked(int number)
{
    int before = errno;
    int expected = ASKED;

    (void)number;
    if (atomic_compare_exchange_strong(&question.state, &expected, ANSWERING)) {
        hf_guest_copy(&hf_guest_now, &question.guest);
        sem_post(&question.answered);
    }
    errno = before;
}

/* Has the loop's thread say whose code it runs. */
static void
ask(const struct hf_loop *loop, struct hf_guest_text *ret)
{
    uint64_t until = hf_wall_now() + ANSWER_NS;
    const struct timespec limit = { .tv_sec = (time_t)(until / HF_SEC),
                                    .tv_nsec = (long)(until % HF_SEC) };
    int expected = ASKED;
    int r;

    *ret = (struct hf_guest_text){ .operation = "" };
    atomic_store(&question.state, ASKED);
    if (syscall(SYS_tgkill, getpid(), atomic_load(&loop->tid), HF_CRASH_WATCH_SIGNAL) < 0) {
        return;
    }
    do {
        r = sem_timedwait(&question.answered, &limit);
    } while (r < 0 && errno == EINTR);
    if (r < 0 && !atomic_compare_exchange_strong(&question.state, &expected, NOT_ASKED)) {
        r = sem_wait(&question.answered); /* it is about to */
    }
    if (r == 0) {
        *ret = question.guest;
    }
}

/* --- looking -------------------------------------------------------------------------------- */

static void
tell_stuck(struct watched *watched, uint64_t now)
{
    struct hf_guest_text guest;

    watched->is_stuck = true;
    hf_count(&loop_stuck);
    ask(watched->loop, &guest);
    if (*guest.operation) {
        hf_log(HF_LOG_WARNING, "a thread is stuck in a module",
               HF_KV_STR("thread", watched->loop->name), HF_KV_STR("in", guest.owner),
               HF_KV_STR("operation", guest.operation), HF_KV_STR("function", guest.subject),
               HF_KV_DURATION("for", now - watched->since_ns));
    } else {
        hf_log(HF_LOG_WARNING, "a thread is stuck", HF_KV_STR("thread", watched->loop->name),
               HF_KV_DURATION("for", now - watched->since_ns));
    }
}

static void
look_at(struct watched *watched, uint64_t now)
{
    uint64_t progress = atomic_load_explicit(&watched->loop->progress, memory_order_relaxed);
    bool moves = progress != watched->progress;

    if (moves && watched->is_stuck) {
        hf_log(HF_LOG_NOTICE, "a thread goes on", HF_KV_STR("thread", watched->loop->name),
               HF_KV_DURATION("after", now - watched->since_ns));
        watched->is_stuck = false;
    }
    if (moves || progress % 2 == 0) {
        watched->progress = progress;
        watched->since_ns = now;
        watched->looks = 0;
    } else if (++watched->looks == STUCK_LOOKS) {
        tell_stuck(watched, now);
    }
}

/* The process was told to end, and a thread has not come back for as long as that may take. */
static void
end_if_stuck(struct hf_watchdog *watchdog, uint64_t now)
{
    const struct watched *watched;

    if (!watchdog->config.is_ending()) {
        return;
    }
    if (watchdog->ending_ns == 0) {
        watchdog->ending_ns = now;
    }
    if (now - watchdog->ending_ns < watchdog->config.end_ns) {
        return;
    }
    HF_LIST_FOR (watched, &watchdog->watched, node) {
        if (watched->is_stuck) {
            hf_log(HF_LOG_ERROR, "the process was told to end, but a thread is stuck; ending it",
                   HF_KV_STR("thread", watched->loop->name),
                   HF_KV_DURATION("for", now - watched->since_ns));
            watchdog->config.end();
            return;
        }
    }
}

/* Mutex held. */
static void
look(struct hf_watchdog *watchdog)
{
    uint64_t now = hf_now();
    struct watched *watched;

    HF_LIST_FOR (watched, &watchdog->watched, node) {
        look_at(watched, now);
    }
    end_if_stuck(watchdog, now);
}

static void *
run(void *arg)
{
    struct hf_watchdog *watchdog = arg;

    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->is_over) {
        uint64_t until = hf_now() + LOOK_NS;
        const struct timespec limit = { .tv_sec = (time_t)(until / HF_SEC),
                                        .tv_nsec = (long)(until % HF_SEC) };

        if (pthread_cond_timedwait(&watchdog->over, &watchdog->mutex, &limit) == ETIMEDOUT) {
            look(watchdog);
        }
    }
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------- */

int
hf_watchdog_new(const struct hf_watchdog_config *config, struct hf_watchdog **ret,
                struct hf_err *err)
{
    struct sigaction action = { .sa_handler = on_asked, .sa_flags = SA_RESTART };
    struct hf_watchdog *watchdog = calloc(1, sizeof *watchdog);
    pthread_condattr_t monotonic;
    int r;

    if (!watchdog) {
        return hf_fail(err, HF_ENOMEM, "watchdog: out of memory");
    }
    watchdog->config = *config;
    hf_list_init(&watchdog->watched);
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sem_init(&question.answered, 0, 0);
    sigaction(HF_CRASH_WATCH_SIGNAL, &action, NULL);
    r = hf_crash_thread_create(&watchdog->thread, run, watchdog);
    if (r != 0) {
        pthread_mutex_destroy(&watchdog->mutex);
        pthread_cond_destroy(&watchdog->over);
        free(watchdog);
        return hf_fail_errno(err, r, "watchdog");
    }
    pthread_setname_np(watchdog->thread, "hf-watchdog");
    *ret = watchdog;
    return 0;
}

int
hf_watchdog_add(struct hf_watchdog *watchdog, struct hf_loop *loop, struct hf_err *err)
{
    struct watched *watched = calloc(1, sizeof *watched);

    if (!watched) {
        return hf_fail(err, HF_ENOMEM, "watchdog: out of memory");
    }
    watched->loop = loop;
    pthread_mutex_lock(&watchdog->mutex);
    hf_list_append(&watchdog->watched, &watched->node);
    pthread_mutex_unlock(&watchdog->mutex);
    return 0;
}

void
hf_watchdog_remove(struct hf_watchdog *watchdog, struct hf_loop *loop)
{
    struct watched *watched;
    struct watched *next;

    if (!watchdog) {
        return;
    }
    pthread_mutex_lock(&watchdog->mutex);
    HF_LIST_FOR_SAFE (watched, next, &watchdog->watched, node) {
        if (watched->loop == loop) {
            hf_list_remove(&watched->node);
            free(watched);
        }
    }
    pthread_mutex_unlock(&watchdog->mutex);
}

void
hf_watchdog_free(struct hf_watchdog *watchdog)
{
    struct hf_list *node;

    if (!watchdog) {
        return;
    }
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->is_over = true;
    pthread_cond_signal(&watchdog->over);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    while ((node = hf_list_pop(&watchdog->watched))) {
        free(hf_container_of(node, struct watched, node));
    }
    pthread_mutex_destroy(&watchdog->mutex);
    pthread_cond_destroy(&watchdog->over);
    free(watchdog);
}
