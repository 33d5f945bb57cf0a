/*
 * grpc.h - a gRPC server with a method of every kind, and a bare HTTP/2 client that can
 * send it anything.  For the tests of the server.
 */
#ifndef HF_UNIT_GRPC_H
#define HF_UNIT_GRPC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "grpc/server.h"
#include "h2/conn.h"
#include "loop/loop.h"

/* No test waits so long for anything that comes. */
#define WAIT_NS UINT64_C(10000000000)

/* --- the server, from `begin` to `end` ----------------------------------------------------- */

extern struct hf_loop *loop;
extern struct hf_grpc_server *server;
extern struct hf_grpc_call *kept; /* the last call of /t.T/Keep, which answers nothing */
extern unsigned cancellations;    /* of its calls */
extern unsigned to_send;          /* blocks of 10,000 bytes that /t.T/Many sends */
extern unsigned writables;        /* how often it had to wait */

void begin(void);
void begin_with(const struct hf_grpc_server_options *options);
void end(void);

/* --- the client ---------------------------------------------------------------------------- */

/* One call, and everything that came back. */
struct probe {
    struct hf_h2_conn *conn;
    struct hf_h2_stream *stream;
    char http_status[8];
    char grpc_status[8];
    char grpc_message[128];
    char accept_encoding[32];
    char note[32];
    char note_bin[32];
    struct hf_text data;
    size_t received;
    unsigned blocks; /* of fields */
    bool closed;
    struct hf_h2_close how;
};

/* The header block of a call. */
struct hf_h2_fields *request_fields(const char *path);

void probe_connect(struct probe *probe);

/* Opens a stream and sends a body on it, in one piece. */
void probe_start(struct probe *probe, struct hf_h2_fields *fields, const void *body, size_t len);
void probe_finish(struct probe *probe);

/* Makes a whole call with that body, on a connection of its own, and waits for its end. */
void call(struct probe *probe, struct hf_h2_fields *fields, const void *body, size_t len);

/* For waiting; `probe` is a struct probe. */
bool is_closed(void *probe);

#endif
