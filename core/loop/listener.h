/*
 * listener.h - accepting connections.
 *
 * One acceptor per address, never SO_REUSEPORT: a second process must fail to
 * start, and connections are spread by whoever receives them.  When descriptors
 * run short (below), the receiver is asked to make room, and accepting
 * pauses and is tried again; waiting callers stay in the kernel's queue.  All
 * functions on the loop's thread.
 */
#ifndef HF_LOOP_LISTENER_H
#define HF_LOOP_LISTENER_H

#include <stdint.h>

#include "loop/address.h"
#include "loop/loop.h"

/* Who may use how many of the process's file descriptors.
 *
 * Whoever connects costs a descriptor, and callers are strangers.  So they may have all but a
 * reserve, which stays for what a node needs to go on: connections to instances, other nodes
 * and the store, the log, and the control socket by which an operator finds out.
 *
 * The kernel gives out the lowest free number, so the number of a new descriptor says how many
 * are in use, near enough.
 */
enum hf_descriptor_use {
    HF_DESCRIPTORS_CALLERS, /* connections of strangers */
    HF_DESCRIPTORS_PEERS,   /* of nodes and tools: half of the reserve, too */
    HF_DESCRIPTORS_ALL      /* of operators */
};

/* Numbers from this one on are not for that use.  Any thread. */
uint64_t hf_descriptors_end(enum hf_descriptor_use use);

struct hf_listener;

/* A connection came: `fd` is non-blocking, close-on-exec, TCP_NODELAY, and now
 * the receiver's.  The listener may be freed from here. */
typedef void hf_accept_fn(void *arg, int fd);

/* Listens on `address` ("IP:PORT", port 0: any free one; "unix:PATH", replacing a
 * socket that nobody listens on).  HF_EEXISTS: the address is taken. */
int hf_listener_new(struct hf_loop *loop, const char *address, hf_accept_fn *fn, void *arg,
                    struct hf_listener **ret, struct hf_err *err);

/* Whom descriptors are accepted for; without this for peers.  `shed` (may be NULL) runs when they
 * run short: the receiver closes what it needs least. */
void hf_listener_set_use(struct hf_listener *listener, enum hf_descriptor_use use,
                         void (*shed)(void *arg));

/* Closes; a unix socket's file is removed.  NULL is allowed. */
void hf_listener_free(struct hf_listener *listener);

/* The address as bound, with the port it got. */
const char *hf_listener_text(const struct hf_listener *listener);
uint16_t hf_listener_port(const struct hf_listener *listener);

#endif
