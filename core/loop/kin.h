/*
 * kin.h - whether a connection comes from a process that this one has started.
 *
 * For peers of our own user, whom nothing else tells from instances that run under it, too.
 */
#ifndef HF_LOOP_KIN_H
#define HF_LOOP_KIN_H

#include "loop/peer.h"

enum hf_kin {
    HF_KIN_NONE,    /* another process has it, or none runs that we have started */
    HF_KIN_OURS,    /* a descendant of this process has it */
    HF_KIN_UNKNOWN, /* nobody was found who has it, or it cannot be found out here */
};

/* `fd` is the socket whose other end `peer` is.  Reads /proc: milliseconds where much runs. */
enum hf_kin hf_kin_of_peer(int fd, const struct hf_peer *peer);

#endif
