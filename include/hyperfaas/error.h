/*
 * error.h - the codes with which every fallible function answers.
 *
 * A function returns 0 (or a value above 0 where it says so) on success and a
 * negative HF_E code on failure.  Functions that can explain themselves also
 * take a `struct hf_err *` and fill it with one message for an operator: what
 * failed, where, what was found and what was expected.  Plugins fill it with
 * the host's `fail` (host.h).
 *
 * The table is the single place where codes, names and their gRPC status
 * (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) meet.
 */
#ifndef HYPERFAAS_ERROR_H
#define HYPERFAAS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*  code               value  name                   gRPC status            */
#define HF_ERROR_CODES(CODE)                                                                       \
    CODE(HF_EINVALID, -1, "invalid", 3 /* INVALID_ARGUMENT */)                                     \
    CODE(HF_ENOTFOUND, -2, "not-found", 5 /* NOT_FOUND */)                                         \
    CODE(HF_EEXISTS, -3, "exists", 6 /* ALREADY_EXISTS */)                                         \
    CODE(HF_EDENIED, -4, "denied", 7 /* PERMISSION_DENIED */)                                      \
    CODE(HF_EFULL, -5, "full", 8 /* RESOURCE_EXHAUSTED */)                                         \
    CODE(HF_ECONFLICT, -6, "conflict", 10 /* ABORTED */)                                           \
    CODE(HF_ESTATE, -7, "wrong-state", 9 /* FAILED_PRECONDITION */)                                \
    CODE(HF_EUNSUPPORTED, -8, "unsupported", 12 /* UNIMPLEMENTED */)                               \
    CODE(HF_EUNAVAILABLE, -9, "unavailable", 14 /* UNAVAILABLE */)                                 \
    CODE(HF_ETIMEOUT, -10, "timeout", 4 /* DEADLINE_EXCEEDED */)                                   \
    CODE(HF_ECANCELLED, -11, "cancelled", 1 /* CANCELLED */)                                       \
    CODE(HF_ENOMEM, -12, "out-of-memory", 8 /* RESOURCE_EXHAUSTED */)                              \
    CODE(HF_EIO, -13, "io", 14 /* UNAVAILABLE */)                                                  \
    CODE(HF_EINTERNAL, -14, "internal", 13 /* INTERNAL */)

enum hf_error {
#define HF_ERROR_ENUM(code, value, name, grpc) code = value,
    HF_ERROR_CODES(HF_ERROR_ENUM)
#undef HF_ERROR_ENUM
};

/* A message being passed up; opaque, owned by whoever first asked. */
struct hf_err;

#ifdef __cplusplus
}
#endif

#endif
