/*
 * address.c - addresses between text and struct sockaddr.
 */
#include "loop/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"

#define UNIX_PREFIX "unix:"

static int
parse_unix(const char *path, struct hf_address *ret, struct hf_err *err)
{
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof ret->u.local.sun_path) {
        return hf_fail(err, HF_EINVALID, "'%s%s' is not an address: a path has 1 to %zu bytes",
                       UNIX_PREFIX, path, sizeof ret->u.local.sun_path - 1);
    }
    *ret = (struct hf_address){ .len = sizeof ret->u.local };
    ret->u.local.sun_family = AF_UNIX;
    memcpy(ret->u.local.sun_path, path, len + 1);
    return 0;
}

int
hf_address_parse(const char *text, struct hf_address *ret, struct hf_err *err)
{
    char host[256];
    struct hf_address address = { .len = 0 };
    uint16_t port;
    int r;

    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
        return parse_unix(text + strlen(UNIX_PREFIX), ret, err);
    }
    r = hf_parse_host_port(text, host, sizeof host, &port, err);
    if (r < 0) {
        return r;
    }
    if (strcmp(host, "localhost") == 0) {
        memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
    }
    if (inet_pton(AF_INET, host, &address.u.v4.sin_addr) == 1) {
        address.len = sizeof address.u.v4;
        address.u.v4.sin_family = AF_INET;
        address.u.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &address.u.v6.sin6_addr) == 1) {
        address.len = sizeof address.u.v6;
        address.u.v6.sin6_family = AF_INET6;
        address.u.v6.sin6_port = htons(port);
    } else {
        return hf_fail(err, HF_ENOTFOUND, "'%s': '%s' is not an IP address", text, host);
    }
    *ret = address;
    return 0;
}

/* Each connection has two of them, and printf takes its time. */
static void
format_v4(const struct sockaddr_in *address, char *ret)
{
    const uint8_t *bytes = (const uint8_t *)&address->sin_addr;

    for (size_t i = 0; i < sizeof address->sin_addr; i++) {
        ret += hf_write_u64(bytes[i], ret);
        *ret++ = i + 1 < sizeof address->sin_addr ? '.' : ':';
    }
    hf_write_u64(ntohs(address->sin_port), ret);
}

void
hf_address_format(const struct hf_address *address, char ret[static HF_ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];

    switch (address->u.any.sa_family) {
    case AF_INET:
        format_v4(&address->u.v4, ret);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->u.v6.sin6_addr, host, sizeof host);
        snprintf(ret, HF_ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(address->u.v6.sin6_port));
        break;
    default:
        snprintf(ret, HF_ADDRESS_TEXT_MAX, UNIX_PREFIX "%.*s",
                 (int)sizeof address->u.local.sun_path, address->u.local.sun_path);
        break;
    }
}

uint16_t
hf_address_port(const struct hf_address *address)
{
    switch (address->u.any.sa_family) {
    case AF_INET:
        return ntohs(address->u.v4.sin_port);
    case AF_INET6:
        return ntohs(address->u.v6.sin6_port);
    default:
        return 0;
    }
}

void
hf_address_set_port(struct hf_address *address, uint16_t port)
{
    if (address->u.any.sa_family == AF_INET) {
        address->u.v4.sin_port = htons(port);
    } else if (address->u.any.sa_family == AF_INET6) {
        address->u.v6.sin6_port = htons(port);
    }
}

static int
address_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct hf_address *ret)
{
    struct hf_address address = { .len = sizeof address.u };

    if (get(fd, &address.u.any, &address.len) < 0) {
        return HF_EIO;
    }
    *ret = address;
    return 0;
}

int
hf_address_of_socket(int fd, struct hf_address *ret)
{
    return address_of(fd, getsockname, ret);
}

int
hf_address_of_peer(int fd, struct hf_address *ret)
{
    return address_of(fd, getpeername, ret);
}

bool
hf_address_is_loopback(const struct hf_address *address)
{
    const struct in6_addr *v6 = &address->u.v6.sin6_addr;

    switch (address->u.any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(address->u.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(v6) ||
               (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
    default:
        return false;
    }
}
