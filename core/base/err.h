/*
 * err.h - the message that travels up with an error code.
 *
 * Whoever wants an explanation puts a `struct hf_err` on its stack and passes
 * it down.  There is one way for it to come back:
 *
 *   - Who fails says what is wrong, and what would be right, with `hf_fail` or
 *     `hf_fail_errno`.  It does not name itself: those above know whom they called.
 *   - Who passes an error up and knows what the one below did not (which file,
 *     section, function, peer) puts that before it, and returns:
 *     `return hf_err_wrap(err, r, "function '%s'", id)`.  Otherwise it only returns the code.
 *     `hf_fail` instead replaces the message: for one that would say nothing to the reader.
 *   - The text is read where the chain ends: in one line of the log, by the role; in the
 *     status that a caller gets; in what a program prints before it exits.  It is not
 *     printed into another error.
 *
 * So a message reads from the outside to the inside, with ": " between, like
 * "/etc/hyperfaas.ini:12: [leaf] workers: 'x:y' is not an address: ...".
 *
 *     struct hf_err err = HF_ERR_INIT;
 *     int r = hf_config_load(path, &config, &err);
 *     if (r < 0) {
 *         hf_log(HF_LOG_ERROR, "cannot start", HF_KV_ERR(&err));
 *     }
 *
 * An explanation is optional everywhere: `err` may be NULL.  Nothing here
 * allocates; a message that is too long ends in "...".
 */
#ifndef HF_BASE_ERR_H
#define HF_BASE_ERR_H

#include <stdarg.h>
#include <stdint.h>

#include <hyperfaas/error.h>

#define HF_ERR_MESSAGE_MAX 512

struct hf_err {
    int code; /* 0, or a negative HF_E code */
    char message[HF_ERR_MESSAGE_MAX];
};

/* clang-format off */
#define HF_ERR_INIT { .code = 0, .message = "" }
/* clang-format on */

/* Forgets the code and the message. */
void hf_err_clear(struct hf_err *err);

/* Sets code and message, replacing earlier ones; returns `code`. */
int hf_fail(struct hf_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int hf_failv(struct hf_err *err, int code, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same for a failed system call: maps `errnum` to a code and appends
 * ": No such file or directory" or whatever fits. */
int hf_fail_errno(struct hf_err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message that came with `code`; returns `code`. */
int hf_err_wrap(struct hf_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* 0 if nothing failed. */
int hf_err_code(const struct hf_err *err);

/* The message; if nobody gave one, the name of the code. */
const char *hf_err_message(const struct hf_err *err);

/* "not-found" for HF_ENOTFOUND; "ok" for 0 and above; "unknown" for a strange number. */
const char *hf_error_name(int code);

/* The gRPC status that a caller should see: 0 (OK) for 0 and above, 2 (UNKNOWN)
 * for a strange number. */
uint32_t hf_error_to_grpc(int code);

#endif
