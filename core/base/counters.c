/* counters.c - per-thread slots and the registry; see counters.h. */
#include "base/counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/list.h"

/* What one thread has counted. */
struct thread_slots {
    struct hf_list node;
    _Atomic uint64_t slots[HF_COUNTERS_MAX];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hf_counter *counters; /* sorted by name */
static uint32_t next_slot = 1;
static struct hf_list threads = { &threads, &threads };

/* Of threads that have ended, and of those that found no memory for their own. */
static _Atomic uint64_t common[HF_COUNTERS_MAX];

_Thread_local _Atomic uint64_t *hf_counter_slots;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

int
hf_counter_register(struct hf_counter *counter)
{
    struct hf_counter **at = &counters;
    int r = 0;

    pthread_mutex_lock(&mutex);
    while (*at && strcmp((*at)->name, counter->name) < 0) {
        at = &(*at)->next;
    }
    if (*at && strcmp((*at)->name, counter->name) == 0) {
        r = HF_EEXISTS;
    } else if (next_slot == HF_COUNTERS_MAX) {
        r = HF_EFULL;
    } else {
        counter->slot = next_slot++;
        counter->next = *at;
        *at = counter;
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

/* A thread ends: keeps what it counted. */
static void
retire(void *arg)
{
    struct thread_slots *thread = arg;

    pthread_mutex_lock(&mutex);
    hf_list_remove(&thread->node);
    for (size_t i = 0; i < HF_COUNTERS_MAX; i++) {
        atomic_fetch_add(&common[i], atomic_load(&thread->slots[i]));
    }
    pthread_mutex_unlock(&mutex);
    hf_counter_slots = NULL;
    free(thread);
}

static void
make_key(void)
{
    pthread_key_create(&key, retire);
}

_Atomic uint64_t *
hf_counter_slots_new(void)
{
    struct thread_slots *thread = calloc(1, sizeof *thread);

    pthread_once(&key_once, make_key);
    if (!thread || pthread_setspecific(key, thread) != 0) {
        free(thread);
        return common; /* may lose counts to other threads, nothing worse */
    }
    pthread_mutex_lock(&mutex);
    hf_list_append(&threads, &thread->node);
    pthread_mutex_unlock(&mutex);
    hf_counter_slots = thread->slots;
    return hf_counter_slots;
}

/* Mutex held. */
static uint64_t
sum(uint32_t slot)
{
    uint64_t value = atomic_load_explicit(&common[slot], memory_order_relaxed);
    struct thread_slots *thread;

    HF_LIST_FOR (thread, &threads, node) {
        value += atomic_load_explicit(&thread->slots[slot], memory_order_relaxed);
    }
    return value;
}

uint64_t
hf_counter_value(const struct hf_counter *counter)
{
    uint64_t value;

    pthread_mutex_lock(&mutex);
    value = sum(counter->slot);
    pthread_mutex_unlock(&mutex);
    return value;
}

struct hf_counter *
hf_counter_find(const char *name)
{
    struct hf_counter *counter;

    pthread_mutex_lock(&mutex);
    for (counter = counters; counter && strcmp(counter->name, name) != 0;) {
        counter = counter->next;
    }
    pthread_mutex_unlock(&mutex);
    return counter;
}

void
hf_counters_visit(void (*fn)(void *arg, const struct hf_counter *counter, uint64_t value),
                  void *arg)
{
    pthread_mutex_lock(&mutex);
    for (struct hf_counter *counter = counters; counter; counter = counter->next) {
        fn(arg, counter, sum(counter->slot));
    }
    pthread_mutex_unlock(&mutex);
}
