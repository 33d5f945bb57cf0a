/*
 * thread.c - threads that run a loop each.
 */
#include "loop/thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/macros.h"

struct hf_thread {
    struct hf_loop *loop;
    pthread_t id;
    bool running;
};

static void *
run_thread(void *arg)
{
    struct hf_thread *thread = arg;

    hf_crash_thread_begin();
    hf_loop_run(thread->loop);
    hf_crash_thread_end();
    return NULL;
}

/* The kernel keeps 15 bytes. */
static void
set_name(pthread_t id, const char *name)
{
    char shown[16];

    snprintf(shown, sizeof shown, "%s", name);
    pthread_setname_np(id, shown);
}

int
hf_thread_new(const char *name, struct hf_thread **ret, struct hf_err *err)
{
    struct hf_thread *thread = calloc(1, sizeof *thread);
    int r;

    if (!thread) {
        return hf_fail(err, HF_ENOMEM, "thread '%s': out of memory", name);
    }
    r = hf_loop_new(name, &thread->loop, err);
    if (r < 0) {
        free(thread);
        return r;
    }
    r = hf_crash_thread_create(&thread->id, run_thread, thread);
    if (r != 0) {
        hf_loop_free(thread->loop);
        free(thread);
        return hf_fail_errno(err, r, "thread '%s'", name);
    }
    thread->running = true;
    set_name(thread->id, name);
    *ret = thread;
    return 0;
}

void
hf_thread_join(struct hf_thread *thread)
{
    if (thread->running) {
        hf_loop_stop(thread->loop);
        pthread_join(thread->id, NULL);
        thread->running = false;
    }
}

void
hf_thread_free(struct hf_thread *thread)
{
    if (!thread) {
        return;
    }
    hf_thread_join(thread);
    hf_loop_free(thread->loop);
    free(thread);
}

struct hf_loop *
hf_thread_loop(const struct hf_thread *thread)
{
    return thread->loop;
}

/* --- work that is waited for --------------------------------------------------------------- */

struct job {
    struct hf_task task;
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

static void
run_job(struct hf_task *task)
{
    struct job *job = hf_container_of(task, struct job, task);

    job->fn(job->arg);
    sem_post(&job->done);
}

void
hf_thread_do(struct hf_thread *thread, void (*fn)(void *arg), void *arg)
{
    struct job job = { .task = { .run = run_job }, .fn = fn, .arg = arg };

    hf_assert(hf_loop_current() != thread->loop);
    sem_init(&job.done, 0, 0);
    hf_loop_post(thread->loop, &job.task);
    while (sem_wait(&job.done) < 0) {
    }
    sem_destroy(&job.done);
}

struct hf_loop *
hf_loop_least_loaded(struct hf_loop *const *loops, size_t count)
{
    struct hf_loop *best = loops[0];

    for (size_t i = 1; i < count; i++) {
        if (hf_loop_load(loops[i]) < hf_loop_load(best)) {
            best = loops[i];
        }
    }
    return best;
}
