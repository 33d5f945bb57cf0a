/*
 * status.h - gRPC's status codes, and how other protocols' failures map to them.
 *
 * Codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html.  The percent
 * encoding of grpc-message and the table for RST_STREAM are those of grpc's
 * doc/PROTOCOL-HTTP2.md, the table for HTTP statuses that of its
 * doc/http-grpc-status-mapping.md.  Pure functions, any thread.
 */
#ifndef HF_GRPC_STATUS_H
#define HF_GRPC_STATUS_H

#include <stddef.h>
#include <stdint.h>

/*  name in code                 value  name on screen */
#define HF_GRPC_CODES(CODE)                                                                        \
    CODE(HF_GRPC_OK, 0, "OK")                                                                      \
    CODE(HF_GRPC_CANCELLED, 1, "CANCELLED")                                                        \
    CODE(HF_GRPC_UNKNOWN, 2, "UNKNOWN")                                                            \
    CODE(HF_GRPC_INVALID_ARGUMENT, 3, "INVALID_ARGUMENT")                                          \
    CODE(HF_GRPC_DEADLINE_EXCEEDED, 4, "DEADLINE_EXCEEDED")                                        \
    CODE(HF_GRPC_NOT_FOUND, 5, "NOT_FOUND")                                                        \
    CODE(HF_GRPC_ALREADY_EXISTS, 6, "ALREADY_EXISTS")                                              \
    CODE(HF_GRPC_PERMISSION_DENIED, 7, "PERMISSION_DENIED")                                        \
    CODE(HF_GRPC_RESOURCE_EXHAUSTED, 8, "RESOURCE_EXHAUSTED")                                      \
    CODE(HF_GRPC_FAILED_PRECONDITION, 9, "FAILED_PRECONDITION")                                    \
    CODE(HF_GRPC_ABORTED, 10, "ABORTED")                                                           \
    CODE(HF_GRPC_OUT_OF_RANGE, 11, "OUT_OF_RANGE")                                                 \
    CODE(HF_GRPC_UNIMPLEMENTED, 12, "UNIMPLEMENTED")                                               \
    CODE(HF_GRPC_INTERNAL, 13, "INTERNAL")                                                         \
    CODE(HF_GRPC_UNAVAILABLE, 14, "UNAVAILABLE")                                                   \
    CODE(HF_GRPC_DATA_LOSS, 15, "DATA_LOSS")                                                       \
    CODE(HF_GRPC_UNAUTHENTICATED, 16, "UNAUTHENTICATED")

/* Kept as uint32_t wherever a peer chose it: peers may send other numbers. */
enum hf_grpc_code {
#define HF_GRPC_CODE_ENUM(code, value, name) code = value,
    HF_GRPC_CODES(HF_GRPC_CODE_ENUM)
#undef HF_GRPC_CODE_ENUM
};

/* Its name, such as "UNAVAILABLE"; "UNKNOWN" for a number outside the table. */
const char *hf_grpc_code_name(uint32_t code);

/* Reads the value of a grpc-status field.  HF_EINVALID: it is not a decimal number
 * that fits; the caller then takes HF_GRPC_UNKNOWN. */
int hf_grpc_code_parse(const char *text, size_t len, uint32_t *ret);

/* The HF_E code that tells local code of a status; 0 for OK.  The other way:
 * hf_error_to_grpc (base/err.h). */
int hf_grpc_code_to_error(uint32_t code);

/* The status of a response without grpc-status, from its HTTP status.  Clients only:
 * a proxy passes such a response on as it is. */
uint32_t hf_grpc_code_of_http(unsigned http_status);

/* The status of a stream that ended by RST_STREAM with this HTTP/2 error code.  The
 * caller turns CANCELLED into DEADLINE_EXCEEDED if its own deadline has passed. */
uint32_t hf_grpc_code_of_reset(uint32_t h2_error);

/* Percent-encodes a message for grpc-message: whatever is outside 0x20 to 0x7E, and
 * '%'.  Writes at most `size` bytes with the NUL, cutting between characters of the
 * output, and returns the length written.  `size` > 0; 3 * len + 1 always suffices. */
size_t hf_grpc_message_encode(const char *message, size_t len, char *ret, size_t size);

/* Decodes a grpc-message.  Never fails: what is no escape stays as it is.  Writes at
 * most `size` bytes with the NUL and returns the length written.  `size` > 0;
 * len + 1 always suffices.  `ret` may be `text` itself. */
size_t hf_grpc_message_decode(const char *text, size_t len, char *ret, size_t size);

#endif
