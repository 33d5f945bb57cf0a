/*
 * line.c - a line between two nodes that a test can cut; for end-to-end tests.
 *
 * It passes on what comes to each address LISTEN to the address TARGET behind it.  A test cuts the
 * line with SIGSTOP: nothing passes any more, nobody is told, and what was sent meanwhile arrives
 * after SIGCONT, as it does in a network that loses all packets for a while.
 *
 * usage: line LISTEN TARGET [LISTEN TARGET]...     (each HOST:PORT, of IPv4)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_SIZE 65536
#define STACK_SIZE 262144

struct end {
    int listener;
    struct sockaddr_in target;
};

/* One connection; each direction has a thread, and the last one to end closes it. */
struct joint {
    int fd[2];
    atomic_int users;
};

struct direction {
    struct joint *joint;
    int from; /* 0 or 1 */
};

static void
die(const char *what)
{
    fprintf(stderr, "line: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in
address(char *text)
{
    struct sockaddr_in found = { .sin_family = AF_INET };
    char *colon = strrchr(text, ':');

    if (!colon) {
        fprintf(stderr, "line: '%s' is not HOST:PORT\n", text);
        exit(2);
    }
    *colon = '\0';
    found.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, text, &found.sin_addr) != 1) {
        fprintf(stderr, "line: '%s' is not an IPv4 address\n", text);
        exit(2);
    }
    return found;
}

static void
begin_thread(void *(*run)(void *), void *arg)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    errno = pthread_create(&thread, &attributes, run, arg);
    if (errno != 0) {
        die("thread");
    }
    pthread_attr_destroy(&attributes);
}

static int
send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0) {
            return -1;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The end of one direction is the end of the connection: HTTP/2 never closes only half of it. */
static void *
pass_on(void *arg)
{
    struct direction *direction = arg;
    struct joint *joint = direction->joint;
    int from = joint->fd[direction->from], to = joint->fd[!direction->from];
    char chunk[CHUNK_SIZE];
    ssize_t n;

    free(direction);
    while ((n = recv(from, chunk, sizeof chunk, 0)) > 0 && send_all(to, chunk, (size_t)n) == 0) {
    }
    shutdown(from, SHUT_RDWR);
    shutdown(to, SHUT_RDWR);
    if (atomic_fetch_sub(&joint->users, 1) == 1) {
        close(from);
        close(to);
        free(joint);
    }
    return NULL;
}

static void
begin_direction(struct joint *joint, int from)
{
    struct direction *direction = malloc(sizeof *direction);

    if (!direction) {
        die("memory");
    }
    *direction = (struct direction){ joint, from };
    begin_thread(pass_on, direction);
}

/* A target that is not there resets the connection. */
static void
begin_connection(const struct end *end, int fd)
{
    const struct linger reset = { .l_onoff = 1 };
    int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct joint *joint = malloc(sizeof *joint);

    if (out < 0 || !joint) {
        die("socket");
    }
    if (connect(out, (const struct sockaddr *)&end->target, sizeof end->target) < 0) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        close(out);
        free(joint);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    *joint = (struct joint){ .fd = { fd, out }, .users = 2 };
    begin_direction(joint, 0);
    begin_direction(joint, 1);
}

static void *
serve(void *arg)
{
    const struct end *end = arg;

    int fd;

    while ((fd = accept(end->listener, NULL, NULL)) >= 0 || errno == ECONNABORTED) {
        if (fd >= 0) {
            begin_connection(end, fd);
        }
    }
    die("accept");
    return NULL;
}

static void
open_end(struct end *end, char *listen_text, char *target_text)
{
    struct sockaddr_in at = address(listen_text);

    end->target = address(target_text);
    end->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end->listener < 0) {
        die("socket");
    }
    setsockopt(end->listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(end->listener, (const struct sockaddr *)&at, sizeof at) < 0 ||
        listen(end->listener, SOMAXCONN) < 0) {
        die(listen_text);
    }
}

int
main(int argc, char **argv)
{
    size_t n = (size_t)(argc - 1) / 2;
    struct end *ends = calloc(n, sizeof *ends);

    if (!ends || argc < 3 || argc % 2 == 0) {
        fprintf(stderr, "usage: line LISTEN TARGET [LISTEN TARGET]...\n");
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        open_end(&ends[i], argv[1 + 2 * i], argv[2 + 2 * i]);
        begin_thread(serve, &ends[i]);
    }
    for (;;) {
        pause();
    }
}
