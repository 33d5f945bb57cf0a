/*
 * address.h - where to listen and to connect: text and socket addresses.
 *
 * The text is "IP:PORT", "[V6]:PORT", "unix:PATH" or, for connecting, "NAME:PORT".
 */
#ifndef HF_LOOP_ADDRESS_H
#define HF_LOOP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

struct hf_err;

/* Room for any address as text, with its NUL. */
#define HF_ADDRESS_TEXT_MAX 128

struct hf_address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } u;
};

/* Reads an address that needs no name service ("localhost" is 127.0.0.1).
 * HF_EINVALID: it is no address; HF_ENOTFOUND: its host is a name. */
int hf_address_parse(const char *text, struct hf_address *ret, struct hf_err *err);

/* Writes it as `hf_address_parse` reads it. */
void hf_address_format(const struct hf_address *address, char ret[static HF_ADDRESS_TEXT_MAX]);

/* 0 for a unix socket. */
uint16_t hf_address_port(const struct hf_address *address);
void hf_address_set_port(struct hf_address *address, uint16_t port);

/* The address that a connected or listening socket has on this side, and on the other. */
int hf_address_of_socket(int fd, struct hf_address *ret);
int hf_address_of_peer(int fd, struct hf_address *ret);

/* Whether it is this machine's own: 127.0.0.0/8, ::1 or a unix socket. */
bool hf_address_is_loopback(const struct hf_address *address);

#endif
