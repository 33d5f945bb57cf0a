/*
 * fake-etcd.h - an etcd of one member behind the fake host's HTTP client: enough of the JSON
 * gateway for a store, and the ways in which the real one fails.
 *
 * Several hosts may be attached; it is a plain object and lives on the test's thread.
 */
#ifndef HF_TESTS_UNIT_FAKE_ETCD_H
#define HF_TESTS_UNIT_FAKE_ETCD_H

#include "fake-http.h"

enum {
    FAKE_ETCD_KEYS = 4096,
    FAKE_ETCD_EVENTS = 16384,
    FAKE_ETCD_WATCHES = 64,
    FAKE_ETCD_LEASES = 64
};

struct fake_etcd_pair {
    char *key, *value;
    size_t value_len;
    uint64_t created, modified; /* revisions */
    uint64_t lease;             /* 0: none */
};

struct fake_etcd {
    uint64_t revision, compacted;
    uint64_t cluster, term;                      /* who answers; 0: not told */
    bool batches;                                /* what a watch has missed comes in one line */
    struct fake_etcd_pair pairs[FAKE_ETCD_KEYS]; /* sorted by key */
    size_t n_pairs;
    struct fake_etcd_pair events[FAKE_ETCD_EVENTS]; /* a removal has no value */
    size_t n_events;
    struct {
        struct fake_request *request;
        char *first, *end;
    } watches[FAKE_ETCD_WATCHES];
    size_t n_watches;
    struct {
        uint64_t ttl_ns, end_ns; /* real time; 0: over */
    } leases[FAKE_ETCD_LEASES];  /* a lease is its place, from 1 */
    size_t n_leases;

    const char *token;      /* that calls must come with; NULL: none */
    const char *next_token; /* given to whoever authenticates */
    const char *refusal;    /* answers everything but authentication, with `refusal_status` */
    uint32_t refusal_status;
    size_t n_ranges, n_authentications, n_watched;
};

void fake_etcd_init(struct fake_etcd *);
void fake_etcd_fini(struct fake_etcd *);

/* Answers all requests of a host. */
void fake_etcd_attach(struct fake_etcd *, struct fake_host *);

/* Forgets the watches that are over; before a host with some of them is freed. */
void fake_etcd_forget_watches(struct fake_etcd *);

/* What other clients do. */
void fake_etcd_put(struct fake_etcd *, const char *key, const char *value);
void fake_etcd_remove(struct fake_etcd *, const char *key);

/* Ends all leases at once. */
void fake_etcd_end_leases(struct fake_etcd *);

/* Forgets all revisions before this one. */
void fake_etcd_compact(struct fake_etcd *, uint64_t revision);

/* Breaks all watches off. */
void fake_etcd_break_watches(struct fake_etcd *);

/* Starts anew without data. */
void fake_etcd_wipe(struct fake_etcd *);

#endif
