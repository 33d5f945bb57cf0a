/*
 * reply.h - blocks of fields that end a gRPC call, and what is no gRPC at all.
 *
 * For the server (server.h), and for a proxy that answers on a bare stream itself.
 * Whoever gets a block owns the reference; NULL means out of memory.
 */
#ifndef HF_GRPC_REPLY_H
#define HF_GRPC_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grpc/status.h"
#include "h2/fields.h"

struct hf_h2_stream;

/* Longest message put into a grpc-message field, in bytes before encoding. */
#define HF_GRPC_MESSAGE_MAX 1024

/* A whole response in one block ("Trailers-Only"): :status 200, content-type,
 * grpc-status, grpc-message.  Fields may be added before it is sent with
 * hf_h2_stream_respond(stream, fields, true).  `message` is plain text, may be NULL. */
struct hf_h2_fields *hf_grpc_reply_fields(uint32_t code, const char *message);

/* The block after the messages of a response: grpc-status, grpc-message. */
struct hf_h2_fields *hf_grpc_trailer_fields(uint32_t code, const char *message);

/* What the two above are made of: adds to a block that may hold metadata already. */
void hf_grpc_set_status(struct hf_h2_fields *fields, uint32_t code, const char *message);
void hf_grpc_set_headers(struct hf_h2_fields *fields);

/* Answers at once with a status, Trailers-Only. */
int hf_grpc_reply(struct hf_h2_stream *stream, uint32_t code, const char *message);

/* Answers with a bare HTTP status, for what is not gRPC: 405, 415. */
int hf_grpc_reply_http(struct hf_h2_stream *stream, unsigned http_status);

/* Whether the content-type is application/grpc, with or without "+proto" or the like. */
bool hf_grpc_is_grpc(const struct hf_h2_fields *fields);

/* The HTTP status with which a request that cannot be a gRPC call is refused: 405 if
 * the method is not POST, 415 for another content-type; 0: it is gRPC. */
unsigned hf_grpc_refuse_http(const struct hf_h2_fields *request);

/* --- metadata --------------------------------------------------------------------------------
 *
 * The first value of a name (lower case); NULL if there is none.  Text. */
const char *hf_grpc_metadata(const struct hf_h2_fields *fields, const char *name);

/* Adds a field; names that end in "-bin" take bytes, which are encoded, others text of
 * visible ASCII.  HF_EINVALID: not a name or a value that metadata may have, or one
 * that gRPC keeps to itself (":...", "te", "content-type", "grpc-..." except
 * grpc-status-details-bin).  HF_ENOMEM.  Then nothing was added. */
int hf_grpc_metadata_add(struct hf_h2_fields *fields, const char *name, const void *value,
                         size_t len);

#endif
