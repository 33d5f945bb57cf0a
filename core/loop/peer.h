/*
 * peer.h - who is at the other end of a connected socket, as the kernel knows it.
 *
 * Of a connection within this host (and this network namespace) the kernel knows both ends, and so
 * the user who made the other one.  Which process has it takes a walk through /proc.
 */
#ifndef HF_LOOP_PEER_H
#define HF_LOOP_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum hf_peer_kind {
    HF_PEER_REMOTE,  /* nobody on this host */
    HF_PEER_LOCAL,   /* a process of user `uid` */
    HF_PEER_UNKNOWN, /* on this host, but it has gone, or the kernel does not say who it is */
};

/* The other end's address: IPv4 as ::ffff:a.b.c.d; all zero for a unix socket. */
struct hf_peer_ip {
    uint8_t bytes[16];
};

struct hf_peer {
    enum hf_peer_kind kind;
    struct hf_peer_ip ip;
    uid_t uid;      /* HF_PEER_LOCAL */
    uint64_t inode; /* of its socket; 0: a unix socket, where `pid` is known instead */
    pid_t pid;      /* 0: not known */
};

void hf_peer_of_socket(int fd, struct hf_peer *ret);

/* Reads "10.0.0.5", "fd00::1" or, with a port, "10.0.0.5:80", "[fd00::1]:80".  False: it is no IP
 * address. */
bool hf_peer_ip_parse(const char *text, struct hf_peer_ip *ret);

/* Whether the first `bits` of both are the same. */
bool hf_peer_ip_matches(const struct hf_peer_ip *ip, const struct hf_peer_ip *network,
                        unsigned bits);

bool hf_peer_ip_is_loopback(const struct hf_peer_ip *ip);

#endif
