/*
 * timeout.h - the grpc-timeout field: one to eight digits and a unit.
 *
 * grpc's doc/PROTOCOL-HTTP2.md, "Timeout".  Used by server and client, and by the
 * proxy, which forwards what is left of a caller's time.
 */
#ifndef HF_GRPC_TIMEOUT_H
#define HF_GRPC_TIMEOUT_H

#include <stddef.h>
#include <stdint.h>

/* Room for any value, with its NUL. */
#define HF_GRPC_TIMEOUT_SIZE 10

/* What hours too many to count in nanoseconds become: 146 years, which can still be
 * added to any clock of ours. */
#define HF_GRPC_TIMEOUT_MAX_NS (UINT64_MAX / 4)

/* Reads a value into nanoseconds, at most HF_GRPC_TIMEOUT_MAX_NS.  HF_EINVALID: refuse
 * the call; a bad value never means "no limit". */
int hf_grpc_timeout_parse(const char *text, size_t len, uint64_t *ret_ns);

/* Writes nanoseconds in the finest unit that takes eight digits, rounded up, so that a
 * callee never gives up before its caller.  Returns the length. */
size_t hf_grpc_timeout_format(uint64_t ns, char ret[static HF_GRPC_TIMEOUT_SIZE]);

#endif
