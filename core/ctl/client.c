/*
 * client.c - one request over the control socket, for tools that may wait.
 */
#include "ctl/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"
#include "ctl/words.h"
#include "loop/address.h"

/* Longest first line of an answer. */
#define HEAD_MAX 128

struct ask {
    int fd;
    const char *path;
    uint64_t deadline_ns;
};

/* What is left of the time becomes the limit of the next system call. */
static int
limit_call(const struct ask *ask, struct hf_err *err)
{
    uint64_t rest = hf_sub_saturated(ask->deadline_ns, hf_now());
    struct timeval limit = { .tv_sec = (time_t)(rest / HF_SEC),
                             .tv_usec = (suseconds_t)(rest % HF_SEC / HF_USEC) };

    if (rest < HF_USEC) {
        return hf_fail(err, HF_ETIMEOUT, "%s: no answer in time", ask->path);
    }
    setsockopt(ask->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(ask->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return 0;
}

static int
fail_io(const struct ask *ask, const char *what, struct hf_err *err)
{
    if (errno == EAGAIN || errno == EINPROGRESS) {
        return hf_fail(err, HF_ETIMEOUT, "%s: no answer in time", ask->path);
    }
    hf_fail_errno(err, errno, "%s: cannot %s", ask->path, what);
    return HF_EUNAVAILABLE;
}

static int
connect_to(struct ask *ask, struct hf_err *err)
{
    hf_autofree char *text = hf_strdup_printf("unix:%s", ask->path);
    struct hf_address address;
    int r;

    if (!text) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    r = hf_address_parse(text, &address, err);
    if (r < 0) {
        return r;
    }
    ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ask->fd < 0) {
        return fail_io(ask, "open a socket", err);
    }
    r = limit_call(ask, err);
    if (r < 0) {
        return r;
    }
    if (connect(ask->fd, &address.u.any, address.len) < 0) {
        return fail_io(ask, "reach the node", err);
    }
    return 0;
}

static int
send_all(const struct ask *ask, const char *data, size_t len, struct hf_err *err)
{
    while (len > 0) {
        ssize_t n;
        int r = limit_call(ask, err);

        if (r < 0) {
            return r;
        }
        n = send(ask->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return fail_io(ask, "send", err);
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Appends at most `max` bytes of what comes. */
static int
receive_some(const struct ask *ask, size_t max, struct hf_text *in, struct hf_err *err)
{
    char buffer[16384];
    ssize_t n;
    int r = limit_call(ask, err);

    if (r < 0) {
        return r;
    }
    do {
        n = recv(ask->fd, buffer, hf_min(max, sizeof buffer), 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return fail_io(ask, "receive", err);
    }
    if (n == 0) {
        return hf_fail(err, HF_EUNAVAILABLE, "%s: the node closed the connection", ask->path);
    }
    hf_text_add_mem(in, buffer, (size_t)n);
    return 0;
}

/* The code that a name stands for; HF_EINTERNAL if we do not know it. */
static int
code_of_name(const char *name)
{
#define CODE_OF_NAME(code, value, text, grpc)                                                      \
    if (strcmp(name, text) == 0) {                                                                 \
        return code;                                                                               \
    }
    HF_ERROR_CODES(CODE_OF_NAME)
#undef CODE_OF_NAME
    return HF_EINTERNAL;
}

/* Reads "ok LENGTH" or "error CODE LENGTH". */
static int
parse_head(char *head, int *ret_code, uint64_t *ret_len, struct hf_err *err)
{
    char *save = NULL;
    const char *kind = strtok_r(head, " ", &save);
    const char *name = kind && strcmp(kind, "error") == 0 ? strtok_r(NULL, " ", &save) : "";
    const char *len = strtok_r(NULL, " ", &save);

    if (!kind || !name || !len || hf_parse_u64(len, ret_len, NULL) < 0 ||
        (!*name && strcmp(kind, "ok") != 0)) {
        return hf_fail(err, HF_EIO, "the answer is not one of a node");
    }
    *ret_code = *name ? code_of_name(name) : 0;
    return 0;
}

static int
receive_answer(const struct ask *ask, struct hf_text *ret, struct hf_err *err)
{
    hf_autotext struct hf_text head;
    uint64_t len = 0;
    int code = 0;
    int r;

    hf_text_init(&head);
    while (head.len == 0 || head.data[head.len - 1] != '\n') {
        r = head.len < HEAD_MAX ? receive_some(ask, 1, &head, err)
                                : hf_fail(err, HF_EIO, "the answer is not one of a node");
        if (r < 0) {
            return r;
        }
    }
    head.data[head.len - 1] = '\0';
    r = parse_head(head.data, &code, &len, err);
    while (r == 0 && ret->len < len && !ret->truncated) {
        r = receive_some(ask, len - ret->len, ret, err);
    }
    if (r < 0 || code == 0) {
        return r;
    }
    hf_fail(err, code, "%s", hf_text_str(ret));
    hf_text_clear(ret);
    return code;
}

int
hf_ctl_ask(const char *socket_path, const char *const *words, size_t count, uint64_t timeout_ns,
           struct hf_text *ret, struct hf_err *err)
{
    struct ask ask = { .fd = -1,
                       .path = socket_path,
                       .deadline_ns = hf_add_saturated(hf_now(), timeout_ns) };
    hf_autotext struct hf_text line;
    int r = 0;

    hf_text_init(&line);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = hf_ctl_words_add(&line, words[i], err);
    }
    hf_text_add_char(&line, '\n');
    if (r == 0) {
        r = connect_to(&ask, err);
    }
    if (r == 0) {
        r = send_all(&ask, hf_text_str(&line), line.len, err);
    }
    if (r == 0) {
        r = receive_answer(&ask, ret, err);
    }
    if (ask.fd >= 0) {
        close(ask.fd);
    }
    return r;
}
