/*
 * resolver.c - a few threads that call getaddrinfo(3).
 */
#include "loop/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/err.h"
#include "base/macros.h"

#define THREADS_MAX 4
#define WAITING_MAX 1024

struct hf_resolve {
    struct hf_task task; /* brings the result to the loop */
    struct hf_resolve *next;
    struct hf_loop *loop;
    hf_resolve_fn *fn; /* NULL: cancelled; under the lock */
    void *arg;
    uint16_t port;
    size_t count;
    const char *message;
    struct hf_address addresses[HF_RESOLVE_MAX];
    char host[];
};

/* What the process shares: a name server is asked by all loops. */
static struct {
    pthread_mutex_t lock;
    struct hf_resolve *first;
    struct hf_resolve **last;
    unsigned int waiting;
    unsigned int threads;
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER, .last = &resolver.first };

/* --- in a thread of ours ------------------------------------------------------------------- */

static void
look_up(struct hf_resolve *resolve)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                           .ai_socktype = SOCK_STREAM,
                                           .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    int r = getaddrinfo(resolve->host, NULL, &hints, &found);

    if (r != 0) {
        resolve->message = gai_strerror(r);
        return;
    }
    for (struct addrinfo *i = found; i && resolve->count < HF_RESOLVE_MAX; i = i->ai_next) {
        struct hf_address *address = &resolve->addresses[resolve->count];

        if (i->ai_addrlen > sizeof address->u) {
            continue;
        }
        address->len = i->ai_addrlen;
        memcpy(&address->u, i->ai_addr, i->ai_addrlen);
        hf_address_set_port(address, resolve->port);
        resolve->count++;
    }
    freeaddrinfo(found);
    resolve->message = resolve->count ? "" : "the name has no address";
}

/* Hands the result over, or frees it if nobody waits any more. */
static void
finish(struct hf_resolve *resolve)
{
    bool wanted;

    pthread_mutex_lock(&resolver.lock);
    wanted = resolve->fn != NULL;
    if (wanted) { /* under the lock: the loop may go once the request is cancelled */
        hf_loop_post(resolve->loop, &resolve->task);
    }
    pthread_mutex_unlock(&resolver.lock);
    if (!wanted) {
        free(resolve);
    }
}

/* Takes the first of the queue, which is not empty, under the lock. */
static struct hf_resolve *
dequeue(void)
{
    struct hf_resolve *resolve = resolver.first;

    resolver.first = resolve->next;
    resolver.waiting--;
    if (!resolver.first) {
        resolver.last = &resolver.first;
    }
    return resolve;
}

/* The next name that is still wanted, or NULL: the thread has been counted out. */
static struct hf_resolve *
next_name(void)
{
    struct hf_resolve *resolve = NULL;

    pthread_mutex_lock(&resolver.lock);
    while (!resolve && resolver.first) {
        resolve = dequeue();
        if (!resolve->fn) {
            free(resolve);
            resolve = NULL;
        }
    }
    if (!resolve) {
        resolver.threads--;
    }
    pthread_mutex_unlock(&resolver.lock);
    return resolve;
}

static void *
run_thread(void *arg)
{
    struct hf_resolve *resolve;

    (void)arg;
    while ((resolve = next_name())) {
        look_up(resolve);
        finish(resolve);
    }
    return NULL;
}

/* --- on the loop --------------------------------------------------------------------------- */

static void
report(struct hf_task *task)
{
    struct hf_resolve *resolve = hf_container_of(task, struct hf_resolve, task);

    bool wanted;

    /* Once we hold the lock, the thread that posted us is done with the loop, which may
     * be freed from now on. */
    pthread_mutex_lock(&resolver.lock);
    wanted = resolve->fn != NULL;
    pthread_mutex_unlock(&resolver.lock);
    if (wanted) {
        resolve->fn(resolve->arg, resolve->addresses, resolve->count, resolve->message);
    }
    free(resolve);
}

/* Queues under the lock and sees to it that a thread takes it. */
static int
enqueue(struct hf_resolve *resolve)
{
    if (resolver.waiting >= WAITING_MAX) {
        return HF_EFULL;
    }
    if (resolver.threads < THREADS_MAX) {
        pthread_t thread;

        if (hf_crash_thread_create(&thread, run_thread, NULL) == 0) {
            pthread_detach(thread);
            resolver.threads++;
        } else if (resolver.threads == 0) {
            return HF_ENOMEM;
        }
    }
    *resolver.last = resolve;
    resolver.last = &resolve->next;
    resolver.waiting++;
    return 0;
}

int
hf_resolve(struct hf_loop *loop, const char *host, uint16_t port, hf_resolve_fn *fn, void *arg,
           struct hf_resolve **ret, struct hf_err *err)
{
    size_t size = strlen(host) + 1;
    struct hf_resolve *resolve = calloc(1, sizeof *resolve + size);
    int r;

    if (!resolve) {
        return hf_fail(err, HF_ENOMEM, "cannot look up '%s': out of memory", host);
    }
    resolve->task.run = report;
    resolve->loop = loop;
    resolve->fn = fn;
    resolve->arg = arg;
    resolve->port = port;
    memcpy(resolve->host, host, size);
    pthread_mutex_lock(&resolver.lock);
    r = enqueue(resolve);
    pthread_mutex_unlock(&resolver.lock);
    if (r < 0) {
        free(resolve);
        return hf_fail(err, r, "cannot look up '%s': %s", host,
                       r == HF_EFULL ? "too many names are being looked up" : "no thread");
    }
    *ret = resolve;
    return 0;
}

void
hf_resolve_cancel(struct hf_resolve *resolve)
{
    if (!resolve) {
        return;
    }
    pthread_mutex_lock(&resolver.lock);
    resolve->fn = NULL; /* whoever meets it next frees it */
    pthread_mutex_unlock(&resolver.lock);
}
