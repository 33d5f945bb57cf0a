/*
 * fake-host-private.h - the fake host's own state; for fake-*.c only.
 */
#ifndef HF_TESTS_UNIT_FAKE_HOST_PRIVATE_H
#define HF_TESTS_UNIT_FAKE_HOST_PRIVATE_H

#include <pthread.h>

#include "fake-host.h"
#include "fake-http.h"

struct fake_host {
    struct hf_driver_host driver; /* first: found again by its address */
    struct hf_host host;
    uint64_t now;
    uint64_t random_state;
    struct hf_host_timer *timers;
    struct hf_host_watch *watches;
    struct hf_host_child *children;
    struct hf_host_listener *listeners;
    struct hf_host_http *https;
    struct hf_host_exchange *exchanges; /* also those that are over */
    struct hf_host_http_options http_options;
    void (*serve)(void *arg, struct fake_request *); /* NULL: requests queue up */
    void *serve_arg;
    struct fake_post *posts;
    pthread_mutex_t lock; /* guards posts and logged */
    int wake_fd;
    size_t logged[HF_HOST_DEBUG + 1];
};

struct hf_host_timer {
    struct hf_host_timer *next;
    struct fake_host *fake;
    uint32_t clock;
    bool armed;
    uint64_t due;
    void (*fn)(void *arg);
    void *arg;
};

struct hf_host_watch {
    struct hf_host_watch *next;
    struct fake_host *fake;
    int fd;
    uint32_t events;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

struct hf_host_child {
    struct hf_host_child *next;
    struct fake_host *fake;
    pid_t pid;
    int pidfd; /* -1: ask every now and then */
    bool reaped;
    void (*on_exit)(void *arg, const struct hf_host_exit *);
    void *arg;
};

struct hf_host_listener {
    struct hf_host_listener *next;
    struct fake_host *fake;
    uint16_t port;
    const struct hf_host_service *service;
    void *arg;
    struct hf_host_call *calls;
};

struct fake_post {
    struct fake_post *next;
    void (*fn)(void *arg);
    void *arg;
};

static inline struct fake_host *
fake_of(const struct hf_driver_host *driver)
{
    return (struct fake_host *)(void *)(uintptr_t)driver;
}

/* Fill in the parts of the table that live in other files. */
void fake_process_init(struct fake_host *);
void fake_service_init(struct fake_host *);
void fake_plain_init(struct hf_host *);
void fake_http_init(struct fake_host *);
void fake_http_fini(struct fake_host *);

/* Clients and exchanges that are still there. */
size_t fake_http_leaks(const struct fake_host *);

/* Tells a child's end if it has ended; true if so. */
bool fake_child_check(struct hf_host_child *);

#endif
