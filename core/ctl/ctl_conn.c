/*
 * ctl_conn.c - one connection to the control socket: lines in, answers out.
 *
 * A connection handles one request at a time: it reads on when the answer to the
 * last one has gone out, so that it holds at most one line and one answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "ctl/ctl_private.h"
#include "loop/timer.h"
#include "loop/watch.h"

#define CONNS_MAX 64

/* A connection without a request, or whose answer is not read, is closed. */
#define IDLE_LIMIT_NS (600 * HF_SEC)

struct ctl_conn {
    struct hf_list node;
    struct hf_ctl *ctl;
    struct hf_ctl_call *call; /* the request being handled, or NULL */
    struct hf_watch watch;
    struct hf_timer idle;
    struct hf_text in;
    struct hf_text out;
    size_t sent; /* of `out` */
    bool busy;   /* in `run_lines`: keep the memory */
    bool at_end; /* the peer has sent its last byte */
    bool gone;
};

void
hf_ctl_conn_free(struct ctl_conn *conn)
{
    if (!conn->gone) {
        conn->gone = true;
        if (conn->call) {
            conn->call->conn = NULL;
        }
        hf_list_remove(&conn->node);
        conn->ctl->conn_count--;
        hf_timer_fini(&conn->idle);
        hf_watch_fini(&conn->watch);
        close(conn->watch.fd);
        hf_text_fini(&conn->in);
        hf_text_fini(&conn->out);
    }
    if (!conn->busy) {
        free(conn);
    }
}

struct ctl_conn *
hf_ctl_first_conn(const struct hf_ctl *ctl)
{
    return hf_list_first(&ctl->conns, struct ctl_conn, node);
}

bool
hf_ctl_conns_answered(void *arg)
{
    const struct hf_ctl *ctl = arg;
    const struct ctl_conn *conn;

    HF_LIST_FOR (conn, &ctl->conns, node) {
        if (conn->call || conn->out.len > 0) {
            return false;
        }
    }
    return true;
}

void
hf_ctl_conn_set_call(struct ctl_conn *conn, struct hf_ctl_call *call)
{
    conn->call = call;
}

/* --- answers ------------------------------------------------------------------------------- */

/* Sends what can be sent. */
static int
send_out(struct ctl_conn *conn)
{
    while (conn->sent < conn->out.len) {
        ssize_t n = send(conn->watch.fd, conn->out.data + conn->sent, conn->out.len - conn->sent,
                         MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? 0 : HF_EIO;
        }
        conn->sent += (size_t)n;
    }
    hf_text_clear(&conn->out);
    conn->sent = 0;
    return 0;
}

static void run_lines(struct ctl_conn *conn);

/* Waits for what the connection is waiting for. */
static void
wait_on(struct ctl_conn *conn)
{
    uint32_t events = 0;

    if (conn->out.len > 0) {
        events = HF_WRITABLE;
    } else if (!conn->call && !conn->at_end) {
        events = HF_READABLE;
    } else if (!conn->call) {
        hf_ctl_conn_free(conn);
        return;
    }
    hf_timer_set(&conn->idle, IDLE_LIMIT_NS);
    if (hf_watch_set(&conn->watch, events) < 0) {
        hf_ctl_conn_free(conn);
    }
}

void
hf_ctl_conn_answer(struct ctl_conn *conn, int code, const char *body, size_t len)
{
    if (code < 0) {
        hf_text_printf(&conn->out, "error %s %zu\n", hf_error_name(code), len);
    } else {
        hf_text_printf(&conn->out, "ok %zu\n", len);
    }
    hf_text_add_mem(&conn->out, body, len);
    if (!conn->busy) {
        run_lines(conn);
    }
}

/* --- requests ------------------------------------------------------------------------------ */

/* Takes the first whole line out of what came; NULL: there is none. */
static char *
take_line(struct ctl_conn *conn)
{
    char *end = conn->in.len ? memchr(conn->in.data, '\n', conn->in.len) : NULL;
    size_t len;
    char *line;

    if (!end) {
        return NULL;
    }
    len = (size_t)(end - conn->in.data);
    line = strndup(conn->in.data, len);
    conn->in.len -= len + 1;
    memmove(conn->in.data, end + 1, conn->in.len);
    return line;
}

/* Handles requests until one must wait, or there is none. */
static void
run_lines(struct ctl_conn *conn)
{
    char *line;
    int r = 0;

    conn->busy = true;
    for (;;) {
        r = send_out(conn);
        if (r < 0 || conn->call || conn->out.len > 0 || !(line = take_line(conn))) {
            break;
        }
        hf_ctl_dispatch(conn->ctl, conn, line);
        if (conn->gone) {
            break;
        }
    }
    conn->busy = false;
    if (r < 0 || conn->gone) {
        hf_ctl_conn_free(conn);
        return;
    }
    wait_on(conn);
}

static int
read_in(struct ctl_conn *conn)
{
    char buffer[4096];
    ssize_t n = read(conn->watch.fd, buffer, sizeof buffer);

    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : HF_EIO;
    }
    conn->at_end = n == 0;
    hf_text_add_mem(&conn->in, buffer, (size_t)n);
    return conn->in.truncated ? HF_EFULL : 0;
}

static void
on_ready(struct hf_watch *watch, uint32_t events)
{
    struct ctl_conn *conn = hf_container_of(watch, struct ctl_conn, watch);

    if (events == HF_READABLE && read_in(conn) < 0) {
        hf_ctl_conn_free(conn);
        return;
    }
    run_lines(conn);
}

static void
on_idle(struct hf_timer *timer)
{
    struct ctl_conn *conn = hf_container_of(timer, struct ctl_conn, idle);

    if (!conn->call) {
        hf_ctl_conn_free(conn);
    }
}

void
hf_ctl_conn_new(struct hf_ctl *ctl, int fd)
{
    struct ctl_conn *conn = ctl->conn_count < CONNS_MAX ? calloc(1, sizeof *conn) : NULL;

    if (!conn) {
        close(fd);
        return;
    }
    conn->ctl = ctl;
    hf_text_init(&conn->in);
    conn->in.limit = HF_CTL_LINE_MAX;
    hf_text_init(&conn->out);
    hf_watch_init(&conn->watch, ctl->loop, fd, on_ready);
    hf_timer_init(&conn->idle, ctl->loop, HF_TIMER_REAL, on_idle);
    hf_list_append(&ctl->conns, &conn->node);
    ctl->conn_count++;
    wait_on(conn);
}
