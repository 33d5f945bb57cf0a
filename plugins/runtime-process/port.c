/*
 * port.c - reserves ports.
 */
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* The platform's own ports lie in Linux's range for chosen ports: an
     * instance must not take one from a node that starts later. */
    PLATFORM_FIRST = 50050,
    PLATFORM_LAST = 50053,
    ATTEMPTS = 16
};

bool
port_check_address(const char *address, bool *ret_any)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, address, &v4) == 1) {
        *ret_any = v4.s_addr == htonl(INADDR_ANY);
        return true;
    }
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        *ret_any = IN6_IS_ADDR_UNSPECIFIED(&v6);
        return true;
    }
    return false;
}

/* Binds a socket to a port that is free on all addresses of the family. */
static int
bind_any(int family, uint16_t *ret_port)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof bound;
    bool is_v6 = family == AF_INET6;
    int one = 1, error;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
             is_v6 ? sizeof v6 : sizeof v4) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound, &len) == 0) {
        /* NOLINTNEXTLINE: getsockname has filled it */
        *ret_port = ntohs(is_v6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                : ((struct sockaddr_in *)(void *)&bound)->sin_port);
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int
port_reserve(const char *address, uint16_t *ret_port)
{
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;

    for (int i = 0; i < ATTEMPTS; i++) {
        uint16_t port;
        int fd = bind_any(family, &port);

        if (fd < 0) {
            return -1;
        }
        if (port < PLATFORM_FIRST || port > PLATFORM_LAST) {
            *ret_port = port;
            return fd;
        }
        close(fd);
    }
    errno = EADDRINUSE;
    return -1;
}
