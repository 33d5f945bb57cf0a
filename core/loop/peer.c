/*
 * peer.c - the other end of a connection: by SO_PEERCRED for unix sockets, else by asking the
 * kernel for the socket with our addresses swapped (sock_diag(7), or /proc/net/tcp where that is
 * denied).
 */
#include "loop/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/parse.h"
#include "loop/address.h"

/* --- addresses ----------------------------------------------------------------------------- */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void
take_v4(const struct in_addr *v4, struct hf_peer_ip *ret)
{
    memcpy(ret->bytes, mapped, sizeof mapped);
    memcpy(ret->bytes + sizeof mapped, v4, sizeof *v4);
}

static bool
is_v4(const struct hf_peer_ip *ip)
{
    return memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

/* One end of a connection. */
struct end {
    struct hf_peer_ip ip;
    uint16_t port; /* in network order */
};

static bool
take_end(const struct hf_address *address, struct end *ret)
{
    *ret = (struct end){ .port = 0 };
    switch (address->u.any.sa_family) {
    case AF_INET:
        take_v4(&address->u.v4.sin_addr, &ret->ip);
        ret->port = address->u.v4.sin_port;
        return true;
    case AF_INET6:
        memcpy(ret->ip.bytes, &address->u.v6.sin6_addr, sizeof ret->ip.bytes);
        ret->port = address->u.v6.sin6_port;
        return true;
    default:
        return false;
    }
}

bool
hf_peer_ip_parse(const char *text, struct hf_peer_ip *ret)
{
    char host[256];
    struct in_addr v4;
    uint16_t port;

    if (hf_parse_host_port(text, host, sizeof host, &port, NULL) == 0) {
        text = host;
    }
    if (inet_pton(AF_INET, text, &v4) == 1) {
        take_v4(&v4, ret);
        return true;
    }
    return inet_pton(AF_INET6, text, ret->bytes) == 1;
}

bool
hf_peer_ip_matches(const struct hf_peer_ip *ip, const struct hf_peer_ip *network, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned mask = bits % 8 ? 0xffu << (8 - bits % 8) : 0;

    return memcmp(ip->bytes, network->bytes, whole) == 0 &&
           (mask == 0 || ((ip->bytes[whole] ^ network->bytes[whole]) & mask & 0xff) == 0);
}

bool
hf_peer_ip_is_loopback(const struct hf_peer_ip *ip)
{
    static const struct hf_peer_ip v6 = { { [15] = 1 } };

    return is_v4(ip) ? ip->bytes[12] == 127 : memcmp(ip, &v6, sizeof v6) == 0;
}

/* --- by netlink ---------------------------------------------------------------------------- */

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static struct question
question_of(const struct end *theirs, const struct end *ours)
{
    struct question question = {
        .head = { .nlmsg_len = sizeof question,
                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST },
        .body = { .sdiag_family = is_v4(&theirs->ip) ? AF_INET : AF_INET6,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = UINT32_MAX },
    };
    struct inet_diag_sockid *id = &question.body.id;
    size_t skip = is_v4(&theirs->ip) ? sizeof mapped : 0;

    id->idiag_sport = theirs->port;
    id->idiag_dport = ours->port;
    memcpy(id->idiag_src, theirs->ip.bytes + skip, sizeof theirs->ip.bytes - skip);
    memcpy(id->idiag_dst, ours->ip.bytes + skip, sizeof ours->ip.bytes - skip);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return question;
}

/* Asks; false: the kernel does not answer such questions here. */
static bool
ask(int fd, const struct question *question, struct hf_peer *peer)
{
    union {
        struct nlmsghdr head;
        char bytes[4096];
    } answer;
    const struct inet_diag_msg *found = NLMSG_DATA(&answer.head);
    ssize_t len;

    if (send(fd, question, sizeof *question, MSG_DONTWAIT) != (ssize_t)sizeof *question) {
        return false;
    }
    len = recv(fd, &answer, sizeof answer, MSG_DONTWAIT); /* is there when send returns */
    if (len < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
        (size_t)len < answer.head.nlmsg_len) {
        return false;
    }
    if (answer.head.nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = NLMSG_DATA(&answer.head);

        return error->error == -ENOENT;
    }
    if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.head.nlmsg_len < NLMSG_LENGTH(sizeof *found)) {
        return false;
    }
    /* One that its process has closed has no owner, and would seem to be root's. */
    peer->kind = found->idiag_inode ? HF_PEER_LOCAL : HF_PEER_UNKNOWN;
    peer->uid = found->idiag_uid;
    peer->inode = found->idiag_inode;
    return true;
}

static bool
find_by_netlink(const struct end *theirs, const struct end *ours, struct hf_peer *peer)
{
    struct question question = question_of(theirs, ours);
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    bool answered = fd >= 0 && ask(fd, &question, peer);

    if (fd >= 0) {
        close(fd);
    }
    return answered;
}

/* --- by /proc ------------------------------------------------------------------------------ */

/* An end as the kernel prints it: words of four bytes in the machine's order. */
static void
print_end(const struct end *end, bool v6, char ret[static 48])
{
    const uint8_t *at = end->ip.bytes + (v6 ? 0 : sizeof mapped);
    size_t len = 0;

    for (; at < end->ip.bytes + sizeof end->ip.bytes; at += 4) {
        uint32_t word;

        memcpy(&word, at, sizeof word);
        len += (size_t)snprintf(ret + len, 48 - len, "%08X", word);
    }
    snprintf(ret + len, 48 - len, ":%04X", ntohs(end->port));
}

/* Looks in a table of sockets; false: there is none. */
static bool
find_in(const char *table, const struct end *theirs, const struct end *ours, struct hf_peer *peer)
{
    bool v6 = table[strlen(table) - 1] == '6';
    FILE *file = fopen(table, "re");
    char wanted[2][48];
    char line[512];

    if (!file) {
        return false;
    }
    print_end(theirs, v6, wanted[0]);
    print_end(ours, v6, wanted[1]);
    while (fgets(line, sizeof line, file)) {
        char local[48];
        char remote[48];
        unsigned long inode;
        unsigned uid;

        if (sscanf(line, " %*u: %47s %47s %*x %*s %*s %*s %u %*u %lu", local, remote, &uid,
                   &inode) == 4 &&
            strcmp(local, wanted[0]) == 0 && strcmp(remote, wanted[1]) == 0) {
            peer->kind = inode ? HF_PEER_LOCAL : HF_PEER_UNKNOWN;
            peer->uid = uid;
            peer->inode = inode;
            break;
        }
    }
    fclose(file);
    return true;
}

static bool
find_by_proc(const struct end *theirs, const struct end *ours, struct hf_peer *peer)
{
    bool read = is_v4(&theirs->ip) && find_in("/proc/net/tcp", theirs, ours, peer);

    if (peer->kind == HF_PEER_REMOTE) { /* a socket for both families is listed there */
        read = find_in("/proc/net/tcp6", theirs, ours, peer) || read;
    }
    return read;
}

/* --- both ---------------------------------------------------------------------------------- */

static void
find_unix(int fd, struct hf_peer *peer)
{
    struct ucred credentials;
    socklen_t len = sizeof credentials;

    peer->kind = HF_PEER_UNKNOWN;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) == 0) {
        peer->kind = HF_PEER_LOCAL;
        peer->uid = credentials.uid;
        peer->pid = credentials.pid;
    }
}

void
hf_peer_of_socket(int fd, struct hf_peer *ret)
{
    struct hf_address address = { .len = sizeof address.u };
    struct end theirs;
    struct end ours;

    *ret = (struct hf_peer){ .kind = HF_PEER_UNKNOWN };
    if (getpeername(fd, &address.u.any, &address.len) < 0) {
        return;
    }
    if (!take_end(&address, &theirs)) {
        find_unix(fd, ret);
        return;
    }
    ret->ip = theirs.ip;
    if (hf_address_of_socket(fd, &address) < 0 || !take_end(&address, &ours)) {
        return;
    }
    ret->kind = HF_PEER_REMOTE;
    if (!find_by_netlink(&theirs, &ours, ret) && !find_by_proc(&theirs, &ours, ret)) {
        ret->kind = HF_PEER_UNKNOWN;
    }
    if (ret->kind == HF_PEER_REMOTE && (hf_peer_ip_is_loopback(&theirs.ip) ||
                                        memcmp(&theirs.ip, &ours.ip, sizeof theirs.ip) == 0)) {
        ret->kind = HF_PEER_UNKNOWN; /* from here, but it has gone */
    }
}
