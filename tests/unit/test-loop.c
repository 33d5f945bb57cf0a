/*
 * test-loop.c - turns, tasks, deferred work, timers and descriptors of a loop.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "loop/timer.h"
#include "loop/watch.h"

#define LIMIT (10 * HF_SEC)

static struct hf_loop *
new_loop(void)
{
    struct hf_loop *loop = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    return loop;
}

/* --- a journal: what ran, in which order --------------------------------------------------- */

static char journal[64];

static void
note(char c)
{
    size_t len = strlen(journal);

    if (len < sizeof journal - 1) {
        journal[len] = c;
        journal[len + 1] = '\0';
    }
}

static bool
has_length(void *arg)
{
    return strlen(journal) >= (size_t)(uintptr_t)arg;
}

static bool
run_until_length(struct hf_loop *loop, size_t len)
{
    return hf_loop_run_until(loop, has_length, (void *)(uintptr_t)len, LIMIT);
}

/* --- tasks --------------------------------------------------------------------------------- */

struct noted {
    struct hf_task task;
    struct hf_deferred deferred;
    struct hf_timer timer;
    struct hf_loop *loop;
    char c;
};

static void
note_task(struct hf_task *task)
{
    note(hf_container_of(task, struct noted, task)->c);
}

static void
tasks_run_in_the_order_of_posting(void)
{
    struct hf_loop *loop = new_loop();
    struct noted a = { .task = { .run = note_task }, .c = 'a' };
    struct noted b = { .task = { .run = note_task }, .c = 'b' };
    struct noted c = { .task = { .run = note_task }, .c = 'c' };

    journal[0] = '\0';
    hf_loop_post(loop, &a.task);
    hf_loop_post(loop, &b.task);
    hf_loop_post(loop, &c.task);
    UNIT_STR(journal, "");
    CU_ASSERT(run_until_length(loop, 3));
    UNIT_STR(journal, "abc");
    hf_loop_post(loop, &b.task);
    hf_loop_free(loop);
    UNIT_STR(journal, "abcb");
}

static void
post_next(struct hf_task *task)
{
    struct noted *noted = hf_container_of(task, struct noted, task);

    note(noted->c);
    if (noted->c < 'e') {
        noted->c++;
        hf_loop_post(noted->loop, task);
    }
}

static void
a_task_may_post_itself(void)
{
    struct noted a = { .task = { .run = post_next }, .loop = new_loop(), .c = 'a' };

    journal[0] = '\0';
    hf_loop_post(a.loop, &a.task);
    CU_ASSERT(run_until_length(a.loop, 5));
    UNIT_STR(journal, "abcde");
    hf_loop_free(a.loop);
}

#define POSTERS 4
#define POSTS   20000

struct counted {
    struct hf_loop *loop;
    uint32_t ran[POSTERS];
    uint32_t total;
    bool in_order;
};

struct counted_task {
    struct hf_task task;
    struct counted *counted;
    uint32_t poster;
    uint32_t number;
};

static struct counted_task counted_tasks[POSTERS][POSTS];

static void
count_task(struct hf_task *task)
{
    struct counted_task *t = hf_container_of(task, struct counted_task, task);

    t->counted->in_order &= t->counted->ran[t->poster] == t->number;
    t->counted->ran[t->poster]++;
    t->counted->total++;
}

static void *
post_many(void *arg)
{
    struct counted_task *tasks = arg;

    for (uint32_t i = 0; i < POSTS; i++) {
        hf_loop_post(tasks[i].counted->loop, &tasks[i].task);
    }
    return NULL;
}

static bool
all_counted(void *arg)
{
    return ((struct counted *)arg)->total == POSTERS * POSTS;
}

static void
many_threads_post_and_nothing_is_lost(void)
{
    struct counted counted = { .loop = new_loop(), .in_order = true };
    pthread_t threads[POSTERS];

    for (uint32_t p = 0; p < POSTERS; p++) {
        for (uint32_t i = 0; i < POSTS; i++) {
            counted_tasks[p][i] = (struct counted_task){
                .task = { .run = count_task }, .counted = &counted, .poster = p, .number = i
            };
        }
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[p], NULL, post_many, counted_tasks[p]), 0);
    }
    CU_ASSERT(hf_loop_run_until(counted.loop, all_counted, &counted, LIMIT));
    CU_ASSERT(counted.in_order);
    for (int p = 0; p < POSTERS; p++) {
        pthread_join(threads[p], NULL);
    }
    hf_loop_free(counted.loop);
}

/* --- deferred work ------------------------------------------------------------------------- */

static void
note_deferred(struct hf_deferred *deferred)
{
    note(hf_container_of(deferred, struct noted, deferred)->c);
}

static struct noted *defer_twice;

static void
defer_and_note(struct hf_task *task)
{
    struct noted *noted = hf_container_of(task, struct noted, task);

    hf_loop_defer(noted->loop, &defer_twice->deferred);
    note(noted->c);
}

static void
deferred_work_runs_once_after_the_turn(void)
{
    struct hf_loop *loop = new_loop();
    struct noted a = { .task = { .run = defer_and_note }, .loop = loop, .c = 'a' };
    struct noted b = { .task = { .run = defer_and_note }, .loop = loop, .c = 'b' };
    struct noted end = { .c = 'z' };

    journal[0] = '\0';
    hf_deferred_init(&end.deferred, note_deferred);
    defer_twice = &end;
    hf_loop_post(loop, &a.task);
    hf_loop_post(loop, &b.task);
    CU_ASSERT(run_until_length(loop, 3));
    UNIT_STR(journal, "abz");
    hf_loop_free(loop);
}

static void
deferred_work_can_be_taken_back(void)
{
    struct hf_loop *loop = new_loop();
    struct noted a = { .c = 'a' };
    struct noted b = { .c = 'b' };

    journal[0] = '\0';
    hf_deferred_init(&a.deferred, note_deferred);
    hf_deferred_init(&b.deferred, note_deferred);
    hf_deferred_cancel(&a.deferred);
    hf_loop_defer(loop, &a.deferred);
    hf_loop_defer(loop, &b.deferred);
    hf_deferred_cancel(&a.deferred);
    CU_ASSERT(run_until_length(loop, 1));
    UNIT_STR(journal, "b");
    hf_loop_free(loop);
}

/* --- timers -------------------------------------------------------------------------------- */

static void
note_timer(struct hf_timer *timer)
{
    note(hf_container_of(timer, struct noted, timer)->c);
}

static void
timers_run_in_the_order_of_their_times(void)
{
    struct hf_loop *loop = new_loop();
    struct noted t[5];

    journal[0] = '\0';
    for (size_t i = 0; i < hf_countof(t); i++) {
        t[i].c = (char)('a' + i);
        hf_timer_init(&t[i].timer, loop, HF_TIMER_REAL, note_timer);
    }
    hf_timer_set(&t[3].timer, 3 * HF_MSEC);
    hf_timer_set(&t[0].timer, 0);
    hf_timer_set(&t[1].timer, 1 * HF_MSEC);
    hf_timer_set(&t[2].timer, 1 * HF_MSEC); /* equal times: the first set comes first */
    hf_timer_set(&t[4].timer, 2 * HF_MSEC);
    hf_timer_set(&t[4].timer, 4 * HF_MSEC); /* later */
    UNIT_STR(journal, "");
    CU_ASSERT(run_until_length(loop, 5));
    UNIT_STR(journal, "abcde");
    CU_ASSERT_FALSE(hf_timer_is_set(&t[4].timer));
    hf_loop_free(loop);
}

static void
timers_move_and_can_be_cancelled(void)
{
    struct hf_loop *loop = new_loop();
    struct noted a = { .c = 'a' };
    struct noted b = { .c = 'b' };

    journal[0] = '\0';
    hf_timer_init(&a.timer, loop, HF_TIMER_REAL, note_timer);
    hf_timer_init(&b.timer, loop, HF_TIMER_REAL, note_timer);
    hf_timer_set(&a.timer, LIMIT * 10);
    hf_timer_set(&b.timer, 1 * HF_MSEC);
    hf_timer_set(&a.timer, 2 * HF_MSEC); /* earlier */
    hf_timer_cancel(&b.timer);
    CU_ASSERT_FALSE(hf_timer_is_set(&b.timer));
    CU_ASSERT(run_until_length(loop, 1));
    UNIT_STR(journal, "a");
    hf_timer_fini(&a.timer);
    hf_timer_fini(&b.timer);
    hf_loop_free(loop);
}

#define MANY 5000

struct many {
    struct hf_timer timer;
    uint64_t due;
};

static struct many many[MANY];
static uint64_t last_due;
static uint32_t fired;
static bool sorted;

static void
fire_many(struct hf_timer *timer)
{
    struct many *m = hf_container_of(timer, struct many, timer);

    sorted &= m->due >= last_due;
    last_due = m->due;
    fired++;
}

static bool
all_fired(void *arg)
{
    return fired == *(uint32_t *)arg;
}

static void
thousands_of_timers_stay_in_order(void)
{
    struct hf_loop *loop = new_loop();
    struct hf_clock clock;
    uint32_t expected = 0;
    uint64_t x = 1;

    hf_clock_init(&clock);
    hf_clock_stop(&clock);
    hf_loop_set_policy_clock(loop, &clock);
    fired = 0;
    sorted = true;
    last_due = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        hf_timer_init(&many[i].timer, loop, HF_TIMER_POLICY, fire_many);
    }
    for (uint32_t i = 0; i < 4 * MANY; i++) { /* set, moved and cancelled at random */
        struct many *m = &many[i % MANY];

        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        m->due = hf_clock_now(&clock) + 1 + (x >> 40);
        if (x >> 62) {
            hf_timer_set_at(&m->timer, m->due);
        } else {
            hf_timer_cancel(&m->timer);
        }
    }
    for (uint32_t i = 0; i < MANY; i++) {
        expected += hf_timer_is_set(&many[i].timer);
    }
    hf_clock_warp(&clock, UINT64_C(1) << 25);
    CU_ASSERT(hf_loop_run_until(loop, all_fired, &expected, LIMIT));
    CU_ASSERT(sorted);
    hf_loop_free(loop);
    hf_clock_fini(&clock);
}

static void
policy_timers_stop_and_warp_with_their_clock(void)
{
    struct hf_loop *loop = new_loop();
    struct hf_clock clock;
    struct noted a = { .c = 'a' };
    struct noted b = { .c = 'b' };
    struct noted real = { .c = 'r' };

    hf_clock_init(&clock);
    hf_loop_set_policy_clock(loop, &clock);
    journal[0] = '\0';
    hf_timer_init(&a.timer, loop, HF_TIMER_POLICY, note_timer);
    hf_timer_init(&b.timer, loop, HF_TIMER_POLICY, note_timer);
    hf_timer_init(&real.timer, loop, HF_TIMER_REAL, note_timer);
    hf_clock_stop(&clock);
    hf_timer_set(&b.timer, 2 * HF_MSEC);
    hf_timer_set(&a.timer, 1 * HF_MSEC);
    hf_timer_set(&real.timer, 5 * HF_MSEC);
    CU_ASSERT(run_until_length(loop, 1));
    UNIT_STR(journal, "r"); /* policy time stands */
    hf_clock_warp(&clock, 300 * HF_SEC);
    CU_ASSERT(run_until_length(loop, 3));
    UNIT_STR(journal, "rab");
    hf_timer_set(&a.timer, 0); /* at once, also while time stands */
    CU_ASSERT(run_until_length(loop, 4));
    hf_timer_set(&b.timer, 1 * HF_MSEC);
    hf_clock_resume(&clock);
    CU_ASSERT(run_until_length(loop, 5));
    UNIT_STR(journal, "rabab");
    hf_loop_free(loop);
    hf_clock_fini(&clock);
}

static void *
warp_an_hour(void *arg)
{
    hf_clock_warp(arg, 3600 * HF_SEC);
    return NULL;
}

static void
another_thread_may_warp(void)
{
    struct hf_loop *loop = new_loop();
    struct hf_clock clock;
    struct noted a = { .c = 'a' };
    pthread_t thread;

    hf_clock_init(&clock);
    hf_loop_set_policy_clock(loop, &clock);
    journal[0] = '\0';
    hf_timer_init(&a.timer, loop, HF_TIMER_POLICY, note_timer);
    hf_timer_set(&a.timer, 3599 * HF_SEC);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, warp_an_hour, &clock), 0);
    CU_ASSERT(run_until_length(loop, 1));
    pthread_join(thread, NULL);
    hf_loop_free(loop);
    hf_clock_fini(&clock);
}

static bool
never(void *arg)
{
    (void)arg;
    return false;
}

static void
run_until_gives_up_in_time(void)
{
    struct hf_loop *loop = new_loop();
    uint64_t before = hf_now();

    CU_ASSERT_FALSE(hf_loop_run_until(loop, never, NULL, 3 * HF_MSEC));
    CU_ASSERT(hf_now() - before >= 3 * HF_MSEC);
    hf_loop_free(loop);
}

/* --- descriptors --------------------------------------------------------------------------- */

static void
note_events(struct hf_watch *watch, uint32_t events)
{
    char c;

    if (events == HF_READABLE) {
        note(read(watch->fd, &c, 1) == 1 ? c : '.');
    } else {
        note('w');
        hf_watch_set(watch, 0);
    }
}

static void
descriptors_are_watched(void)
{
    struct hf_loop *loop = new_loop();
    struct hf_watch reader;
    struct hf_watch writer;
    int fds[2];

    journal[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    hf_watch_init(&reader, loop, fds[0], note_events);
    hf_watch_init(&writer, loop, fds[1], note_events);
    CU_ASSERT_EQUAL(hf_watch_set(&reader, HF_READABLE), 0);
    CU_ASSERT_EQUAL(hf_watch_set(&writer, HF_WRITABLE), 0);
    CU_ASSERT(run_until_length(loop, 1));
    UNIT_STR(journal, "w");
    CU_ASSERT_EQUAL(write(fds[1], "xy", 2), 2);
    CU_ASSERT(run_until_length(loop, 3));
    hf_watch_fini(&writer);
    close(fds[1]);
    CU_ASSERT(run_until_length(loop, 4));
    UNIT_STR(journal, "wxy.");
    hf_watch_fini(&reader);
    hf_watch_fini(&reader);
    close(fds[0]);
    hf_loop_free(loop);
}

#define PIPES 40

static struct noted flush;
static uint32_t handled;
static uint32_t most_between_flushes;

static void
count_flush(struct hf_deferred *deferred)
{
    (void)deferred;
    most_between_flushes = hf_max(most_between_flushes, handled);
    handled = 0;
}

static uint32_t pipes_read;

static void
count_handled(struct hf_watch *watch, uint32_t events)
{
    char c;

    (void)events;
    handled++;
    pipes_read += read(watch->fd, &c, 1) == 1;
    hf_loop_defer(watch->loop, &flush.deferred);
}

static bool
pipes_are_read(void *arg)
{
    (void)arg;
    return pipes_read == PIPES;
}

static void
deferred_work_runs_within_a_long_turn(void)
{
    struct hf_loop *loop = new_loop();
    struct hf_watch watches[PIPES];
    int fds[PIPES][2];

    hf_deferred_init(&flush.deferred, count_flush);
    handled = most_between_flushes = pipes_read = 0;
    for (int i = 0; i < PIPES; i++) {
        CU_ASSERT_EQUAL_FATAL(pipe(fds[i]), 0);
        CU_ASSERT_EQUAL(write(fds[i][1], "x", 1), 1);
        hf_watch_init(&watches[i], loop, fds[i][0], count_handled);
        CU_ASSERT_EQUAL(hf_watch_set(&watches[i], HF_READABLE), 0);
    }
    CU_ASSERT(hf_loop_run_until(loop, pipes_are_read, NULL, LIMIT));
    UNIT_U64(most_between_flushes, 16);
    for (int i = 0; i < PIPES; i++) {
        hf_watch_fini(&watches[i]);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    hf_loop_free(loop);
}

/* --- threads ------------------------------------------------------------------------------- */

static void
remember_loop(void *arg)
{
    *(struct hf_loop **)arg = hf_loop_current();
}

static void
threads_run_loops(void)
{
    struct hf_thread *a = NULL;
    struct hf_thread *b = NULL;
    struct hf_loop *loops[2];
    struct hf_loop *seen = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_thread_new("first", &a, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_thread_new("a name that is longer than fifteen", &b, NULL), 0);
    loops[0] = hf_thread_loop(a);
    loops[1] = hf_thread_loop(b);
    CU_ASSERT_PTR_NULL(hf_loop_current());
    hf_thread_do(a, remember_loop, &seen);
    CU_ASSERT_PTR_EQUAL(seen, loops[0]);
    CU_ASSERT_PTR_EQUAL(hf_loop_least_loaded(loops, 2), loops[0]);
    hf_loop_load_add(loops[0], 2);
    hf_loop_load_add(loops[1], 1);
    CU_ASSERT_PTR_EQUAL(hf_loop_least_loaded(loops, 2), loops[1]);
    hf_loop_load_add(loops[0], -1);
    CU_ASSERT_PTR_EQUAL(hf_loop_least_loaded(loops, 2), loops[0]);
    hf_thread_free(a);
    hf_thread_free(b);
    hf_thread_free(NULL);
}

UNIT_MAIN("loop", UNIT_TEST(tasks_run_in_the_order_of_posting), UNIT_TEST(a_task_may_post_itself),
          UNIT_TEST(many_threads_post_and_nothing_is_lost),
          UNIT_TEST(deferred_work_runs_once_after_the_turn),
          UNIT_TEST(deferred_work_can_be_taken_back),
          UNIT_TEST(timers_run_in_the_order_of_their_times),
          UNIT_TEST(timers_move_and_can_be_cancelled), UNIT_TEST(thousands_of_timers_stay_in_order),
          UNIT_TEST(policy_timers_stop_and_warp_with_their_clock),
          UNIT_TEST(another_thread_may_warp), UNIT_TEST(run_until_gives_up_in_time),
          UNIT_TEST(descriptors_are_watched), UNIT_TEST(deferred_work_runs_within_a_long_turn),
          UNIT_TEST(threads_run_loops))
