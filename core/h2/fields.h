/*
 * fields.h - a block of header fields, received or to be sent.
 *
 * Fields that were received refer to the decoder's own copies, so a block is
 * forwarded without copying a name or a value; what is added is copied into
 * the block.  Names that the layers above ask for carry a token, so nobody
 * compares strings twice.
 *
 * A block belongs to one thread.  It is counted: whoever is handed one owns a
 * reference, and passing it to a submitting function passes the reference on.
 * A block that has been submitted may be changed or submitted again only for
 * another attempt, after the stream of the first has closed.
 *
 * Changes never fail visibly: out of memory is remembered in the block, and
 * submitting it then fails with HF_ENOMEM.
 */
#ifndef HF_H2_FIELDS_H
#define HF_H2_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names with a token.  Pseudo-header fields come first. */
#define HF_H2_NAMES(NAME)                                                                          \
    NAME(AUTHORITY, ":authority")                                                                  \
    NAME(METHOD, ":method")                                                                        \
    NAME(PATH, ":path")                                                                            \
    NAME(SCHEME, ":scheme")                                                                        \
    NAME(STATUS, ":status")                                                                        \
    NAME(CONTENT_LENGTH, "content-length")                                                         \
    NAME(CONTENT_TYPE, "content-type")                                                             \
    NAME(GRPC_ACCEPT_ENCODING, "grpc-accept-encoding")                                             \
    NAME(GRPC_ENCODING, "grpc-encoding")                                                           \
    NAME(GRPC_MESSAGE, "grpc-message")                                                             \
    NAME(GRPC_PREVIOUS_RPC_ATTEMPTS, "grpc-previous-rpc-attempts")                                 \
    NAME(GRPC_RETRY_PUSHBACK_MS, "grpc-retry-pushback-ms")                                         \
    NAME(GRPC_STATUS, "grpc-status")                                                               \
    NAME(GRPC_STATUS_DETAILS_BIN, "grpc-status-details-bin")                                       \
    NAME(GRPC_TIMEOUT, "grpc-timeout")                                                             \
    NAME(HOST, "host")                                                                             \
    NAME(HYPERFAAS_ABOVE, "hyperfaas-above")                                                       \
    NAME(HYPERFAAS_DISPATCHED, "hyperfaas-dispatched")                                             \
    NAME(HYPERFAAS_HOPS, "hyperfaas-hops")                                                         \
    NAME(HYPERFAAS_LEAF, "hyperfaas-leaf")                                                         \
    NAME(HYPERFAAS_REASON, "hyperfaas-reason")                                                     \
    NAME(HYPERFAAS_RETRIES, "hyperfaas-retries")                                                   \
    NAME(HYPERFAAS_REVISION, "hyperfaas-revision")                                                 \
    NAME(HYPERFAAS_START_ID, "hyperfaas-start-id")                                                 \
    NAME(TE, "te")                                                                                 \
    NAME(TRACEPARENT, "traceparent")                                                               \
    NAME(USER_AGENT, "user-agent")                                                                 \
    NAME(X_REQUEST_ID, "x-request-id")

enum hf_h2_token {
    HF_H2_OTHER, /* any name without a token */
#define HF_H2_TOKEN(id, text) HF_H2_##id,
    HF_H2_NAMES(HF_H2_TOKEN)
#undef HF_H2_TOKEN
        HF_H2_N_TOKENS
};

/* A field that no hop may put into its compression table (RFC 7541 6.2.3): it is
 * secret.  Kept when the field is forwarded. */
#define HF_H2_NEVER_INDEX 0x01u

struct hf_h2_field {
    const char *name; /* lower case; followed by a zero byte */
    const char
        *value; /* followed by a zero byte; may contain others only in theory (RFC 9113 8.2) */
    uint32_t name_len;
    uint32_t value_len;
    uint8_t token;  /* enum hf_h2_token */
    uint8_t flags;  /* HF_H2_NEVER_INDEX */
    void *name_ref; /* of the decoder; private */
    void *value_ref;
};

struct hf_h2_fields;

/* An empty block with one reference, or NULL.  Pooled per thread. */
struct hf_h2_fields *hf_h2_fields_new(void);
struct hf_h2_fields *hf_h2_fields_ref(struct hf_h2_fields *);
void hf_h2_fields_unref(struct hf_h2_fields *); /* NULL is ignored */

size_t hf_h2_fields_count(const struct hf_h2_fields *);
/* The `i`th field in wire order; valid until the block changes. */
const struct hf_h2_field *hf_h2_fields_at(const struct hf_h2_fields *, size_t i);
/* The first field of that name, or NULL. */
const struct hf_h2_field *hf_h2_fields_get(const struct hf_h2_fields *, enum hf_h2_token);
/* The same for any name (lower case); slower. */
const struct hf_h2_field *hf_h2_fields_find(const struct hf_h2_fields *, const char *name);

/* What a received block took on the wire before compression, as RFC 9113 6.5.2 counts it. */
size_t hf_h2_fields_bytes(const struct hf_h2_fields *);

/* The peer sent more than the connection's limits allow (bytes or number of
 * fields): the block holds what fitted.  Answer with an error or reset. */
bool hf_h2_fields_truncated(const struct hf_h2_fields *);

/* As RFC 9113 6.5.2 counts it: names, values and 32 bytes for each field. */
size_t hf_h2_fields_size(const struct hf_h2_fields *);

/* Replaces the first field of that name, or adds it; copies `value`.  Pseudo
 * fields are placed before the others, as RFC 9113 8.3 demands. */
void hf_h2_fields_set(struct hf_h2_fields *, enum hf_h2_token, const char *value, size_t len);
/* The same for a value that lives as long as the program. */
void hf_h2_fields_set_static(struct hf_h2_fields *, enum hf_h2_token, const char *value);
/* Appends a field whose name has no token or may repeat; copies both. */
void hf_h2_fields_add(struct hf_h2_fields *, const struct hf_h2_field *);
/* Removes all fields of that name. */
void hf_h2_fields_remove(struct hf_h2_fields *, enum hf_h2_token);
/* Removes all fields whose name begins with `prefix` (lower case). */
void hf_h2_fields_remove_prefix(struct hf_h2_fields *, const char *prefix, size_t len);
/* The token of a lower-case name; HF_H2_OTHER if it has none. */
enum hf_h2_token hf_h2_token(const char *name, size_t len);

#endif
