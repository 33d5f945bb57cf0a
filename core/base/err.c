/* err.c - filling and mapping errors; see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

/* Says that a message was cut, where `len` bytes were wanted. */
static void
mark_cut(char *message, int len)
{
    if (len >= HF_ERR_MESSAGE_MAX) {
        memcpy(message + HF_ERR_MESSAGE_MAX - 4, "...", 4);
    }
}

/* Appends ": text" to a message. */
static void
append(struct hf_err *err, const char *text)
{
    size_t len = strlen(err->message);
    int n = snprintf(err->message + len, HF_ERR_MESSAGE_MAX - len, "%s%s", len ? ": " : "", text);

    mark_cut(err->message, n < 0 ? 0 : (int)len + n);
}

void
hf_err_clear(struct hf_err *err)
{
    err->code = 0;
    err->message[0] = '\0';
}

int
hf_failv(struct hf_err *err, int code, const char *fmt, va_list args)
{
    char message[HF_ERR_MESSAGE_MAX]; /* the arguments may point into `err` */

    if (err) {
        mark_cut(message, vsnprintf(message, sizeof message, fmt, args));
        err->code = code;
        memcpy(err->message, message, strlen(message) + 1);
    }
    return code;
}

int
hf_fail(struct hf_err *err, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    hf_failv(err, code, fmt, args);
    va_end(args);
    return code;
}

/* The code that fits best, HF_EIO if none does. */
static int
code_of_errno(int errnum)
{
    static const struct {
        int errnum;
        int code;
    } map[] = {
        { EINVAL, HF_EINVALID },
        { ENAMETOOLONG, HF_EINVALID },
        { EISDIR, HF_EINVALID },
        { ENOTDIR, HF_EINVALID },
        { EDOM, HF_EINVALID },
        { ERANGE, HF_EINVALID },
        { ENOENT, HF_ENOTFOUND },
        { ESRCH, HF_ENOTFOUND },
        { ENODEV, HF_ENOTFOUND },
        { EEXIST, HF_EEXISTS },
        { EADDRINUSE, HF_EEXISTS },
        { EACCES, HF_EDENIED },
        { EPERM, HF_EDENIED },
        { EROFS, HF_EDENIED },
        { EMFILE, HF_EFULL },
        { ENFILE, HF_EFULL },
        { ENOSPC, HF_EFULL },
        { EDQUOT, HF_EFULL },
        { EAGAIN, HF_EUNAVAILABLE },
        { ECONNREFUSED, HF_EUNAVAILABLE },
        { ECONNRESET, HF_EUNAVAILABLE },
        { ECONNABORTED, HF_EUNAVAILABLE },
        { EPIPE, HF_EUNAVAILABLE },
        { EHOSTUNREACH, HF_EUNAVAILABLE },
        { ENETUNREACH, HF_EUNAVAILABLE },
        { EADDRNOTAVAIL, HF_EUNAVAILABLE },
        { ETIMEDOUT, HF_ETIMEOUT },
        { ECANCELED, HF_ECANCELLED },
        { ENOMEM, HF_ENOMEM },
        { ENOBUFS, HF_ENOMEM },
        { ENOTSUP, HF_EUNSUPPORTED },
        { ENOSYS, HF_EUNSUPPORTED },
        { ENOEXEC, HF_EINVALID },
        { EBUSY, HF_ESTATE },
    };

    for (size_t i = 0; i < hf_countof(map); i++) {
        if (map[i].errnum == errnum) {
            return map[i].code;
        }
    }
    return HF_EIO;
}

int
hf_fail_errno(struct hf_err *err, int errnum, const char *fmt, ...)
{
    int code = code_of_errno(errnum);
    char buf[128];
    va_list args;

    va_start(args, fmt);
    hf_failv(err, code, fmt, args);
    va_end(args);
    if (err) {
        append(err, strerror_r(errnum, buf, sizeof buf));
    }
    return code;
}

int
hf_err_wrap(struct hf_err *err, int code, const char *fmt, ...)
{
    char message[HF_ERR_MESSAGE_MAX];
    va_list args;

    if (!err) {
        return code;
    }
    if (!err->message[0]) {
        hf_fail(err, code, "%s", hf_error_name(code));
    }
    memcpy(message, err->message, strlen(err->message) + 1);
    va_start(args, fmt);
    hf_failv(err, code, fmt, args);
    va_end(args);
    append(err, message);
    return code;
}

int
hf_err_code(const struct hf_err *err)
{
    return err->code;
}

const char *
hf_err_message(const struct hf_err *err)
{
    return err->message[0] ? err->message : hf_error_name(err->code);
}

const char *
hf_error_name(int code)
{
    if (code >= 0) {
        return "ok";
    }
    switch (code) {
#define HF_ERROR_NAME(code, value, name, grpc)                                                     \
    case code:                                                                                     \
        return name;
        HF_ERROR_CODES(HF_ERROR_NAME)
#undef HF_ERROR_NAME
    default:
        return "unknown";
    }
}

uint32_t
hf_error_to_grpc(int code)
{
    if (code >= 0) {
        return 0;
    }
    switch (code) {
#define HF_ERROR_GRPC(code, value, name, grpc)                                                     \
    case code:                                                                                     \
        return grpc;
        HF_ERROR_CODES(HF_ERROR_GRPC)
#undef HF_ERROR_GRPC
    default:
        return 2;
    }
}
