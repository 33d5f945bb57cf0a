/*
 * descriptors.h - who may use how many of the process's file descriptors.
 *
 * Whoever connects costs a descriptor, and callers are strangers.  So they may have all but a
 * reserve, which stays for what a node needs to go on: connections to instances, other nodes
 * and the store, the log, and the control socket by which an operator finds out.
 *
 * The kernel gives out the lowest free number, so the number of a new descriptor says how many
 * are in use, near enough.
 */
#ifndef HF_LOOP_DESCRIPTORS_H
#define HF_LOOP_DESCRIPTORS_H

#include <stdint.h>

enum hf_descriptor_use {
    HF_DESCRIPTORS_CALLERS, /* connections of strangers */
    HF_DESCRIPTORS_PEERS,   /* of nodes and tools: half of the reserve, too */
    HF_DESCRIPTORS_ALL      /* of operators */
};

/* Numbers from this one on are not for that use.  Any thread. */
uint64_t hf_descriptors_end(enum hf_descriptor_use use);

#endif
