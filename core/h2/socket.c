/*
 * socket.c - the transport without encryption: a connected socket.
 */
#include "h2/conn_private.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"

static int
socket_of(void *arg)
{
    return (int)(intptr_t)arg;
}

static ssize_t
socket_recv(void *arg, void *data, size_t len)
{
    return recv(socket_of(arg), data, len, 0);
}

static ssize_t
socket_send(void *arg, const struct iovec *pieces, int n)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)pieces,
        .msg_iovlen = (size_t)n,
    };

    if (hf_fault(HF_FAULT_WRITE)) {
        errno = EPIPE;
        return -1;
    }
    if (n == 1) {
        return send(socket_of(arg), pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
    }
    return sendmsg(socket_of(arg), &message, MSG_NOSIGNAL);
}

static void
socket_shut(void *arg)
{
    shutdown(socket_of(arg), SHUT_WR);
}

static void
socket_close(void *arg)
{
    close(socket_of(arg));
}

struct hf_h2_transport
hf_h2_socket_transport(int fd)
{
    return (struct hf_h2_transport){
        .recv = socket_recv,
        .send = socket_send,
        .shut = socket_shut,
        .close = socket_close,
        .arg = (void *)(intptr_t)fd,
    };
}
