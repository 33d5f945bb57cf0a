/*
 * hello.h - how two sides of an SPOP connection meet and part.
 *
 * HAProxy says which versions it speaks, how long its frames may be and what it can do;
 * the agent answers with its choice.  Whoever ends the connection says why.
 */
#ifndef HF_SPOP_HELLO_H
#define HF_SPOP_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "spop/frame.h"

/* The version that this side speaks; it understands whoever offers any 2.x. */
#define HF_SPOP_VERSION "2.0"

/* What HAProxy says, or this side answers. */
struct hf_spop_hello {
    uint32_t max_frame;
    bool pipelining;    /* several NOTIFY may be under way, answered in any order */
    bool fragmentation; /* whoever says so accepts payloads in several frames */
    bool healthcheck;   /* HAProxy only wants to know whether somebody answers */
};

/* Reads HAPROXY-HELLO. */
enum hf_spop_status hf_spop_hello_read(const struct hf_spop_frame *frame,
                                       struct hf_spop_hello *ret);

/* Writes AGENT-HELLO, a whole frame. */
void hf_spop_hello_write(struct hf_spop_writer *writer, const struct hf_spop_hello *hello);

/* The end of a connection, as HAProxy gives it. */
struct hf_spop_disconnect {
    uint64_t status;
    struct hf_spop_string message; /* borrowed */
};

/* Reads HAPROXY-DISCONNECT. */
enum hf_spop_status hf_spop_disconnect_read(const struct hf_spop_frame *frame,
                                            struct hf_spop_disconnect *ret);

/* Writes AGENT-DISCONNECT, a whole frame. */
void hf_spop_disconnect_write(struct hf_spop_writer *writer, enum hf_spop_status status);

#endif
