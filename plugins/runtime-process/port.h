/*
 * port.h - a port of its own for each instance, without a race.
 *
 * The kernel chooses a free port for a socket that we keep bound, but not
 * listening, as long as the instance lives.  Meanwhile nobody else is given the
 * port, neither by chance nor as the source of an outgoing connection, and
 * connecting to it is refused until the instance listens.  The instance itself
 * may bind it because both sockets have SO_REUSEADDR, as servers set it for
 * the sake of restarts (gRPC's, Go's, libevent's and Python's do).
 */
#ifndef HF_RUNTIME_PROCESS_PORT_H
#define HF_RUNTIME_PROCESS_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `address` is an IP address without port; `*ret_any` tells whether it
 * stands for all addresses. */
bool port_check_address(const char *address, bool *ret_any);

/* Reserves a port for instances that listen on `address` or on all; a
 * descriptor to be closed when the instance has gone, or -1 with errno. */
int port_reserve(const char *address, uint16_t *ret_port);

#endif
