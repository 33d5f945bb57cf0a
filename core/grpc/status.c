/*
 * status.c - see status.h.
 */
#include "grpc/status.h"

#include <hyperfaas/error.h>

const char *
hf_grpc_code_name(uint32_t code)
{
    switch (code) {
#define NAME(id, value, name)                                                                      \
    case value:                                                                                    \
        return name;
        HF_GRPC_CODES(NAME)
#undef NAME
    default:
        return "UNKNOWN";
    }
}

int
hf_grpc_code_parse(const char *text, size_t len, uint32_t *ret)
{
    uint32_t code = 0;

    if (len == 0 || len > 9) {
        return HF_EINVALID;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return HF_EINVALID;
        }
        code = code * 10 + (uint32_t)(text[i] - '0');
    }
    *ret = code;
    return 0;
}

int
hf_grpc_code_to_error(uint32_t code)
{
    switch (code) {
    case HF_GRPC_OK:
        return 0;
    case HF_GRPC_CANCELLED:
        return HF_ECANCELLED;
    case HF_GRPC_INVALID_ARGUMENT:
    case HF_GRPC_OUT_OF_RANGE:
        return HF_EINVALID;
    case HF_GRPC_DEADLINE_EXCEEDED:
        return HF_ETIMEOUT;
    case HF_GRPC_NOT_FOUND:
        return HF_ENOTFOUND;
    case HF_GRPC_ALREADY_EXISTS:
        return HF_EEXISTS;
    case HF_GRPC_PERMISSION_DENIED:
    case HF_GRPC_UNAUTHENTICATED:
        return HF_EDENIED;
    case HF_GRPC_RESOURCE_EXHAUSTED:
        return HF_EFULL;
    case HF_GRPC_FAILED_PRECONDITION:
        return HF_ESTATE;
    case HF_GRPC_ABORTED:
        return HF_ECONFLICT;
    case HF_GRPC_UNIMPLEMENTED:
        return HF_EUNSUPPORTED;
    case HF_GRPC_UNAVAILABLE:
        return HF_EUNAVAILABLE;
    default:
        return HF_EINTERNAL;
    }
}

uint32_t
hf_grpc_code_of_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return HF_GRPC_INTERNAL;
    case 401:
        return HF_GRPC_UNAUTHENTICATED;
    case 403:
        return HF_GRPC_PERMISSION_DENIED;
    case 404:
        return HF_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return HF_GRPC_UNAVAILABLE;
    default:
        return HF_GRPC_UNKNOWN;
    }
}

uint32_t
hf_grpc_code_of_reset(uint32_t h2_error)
{
    switch (h2_error) {
    case 0x7: /* REFUSED_STREAM */
        return HF_GRPC_UNAVAILABLE;
    case 0x8: /* CANCEL */
        return HF_GRPC_CANCELLED;
    case 0xb: /* ENHANCE_YOUR_CALM */
        return HF_GRPC_RESOURCE_EXHAUSTED;
    case 0xc: /* INADEQUATE_SECURITY */
        return HF_GRPC_PERMISSION_DENIED;
    default:
        return h2_error <= 0xd ? HF_GRPC_INTERNAL : HF_GRPC_UNKNOWN;
    }
}

size_t
hf_grpc_message_encode(const char *message, size_t len, char *ret, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)message[i];

        if (c >= 0x20 && c <= 0x7e && c != '%') {
            if (at + 1 >= size) {
                break;
            }
            ret[at++] = (char)c;
        } else {
            if (at + 3 >= size) {
                break;
            }
            ret[at++] = '%';
            ret[at++] = hex[c >> 4];
            ret[at++] = hex[c & 0xf];
        }
    }
    ret[at] = '\0';
    return at;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

size_t
hf_grpc_message_decode(const char *text, size_t len, char *ret, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < len && at + 1 < size; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

        if (low >= 0) {
            ret[at++] = (char)(high * 16 + low);
            i += 2;
        } else {
            ret[at++] = text[i];
        }
    }
    ret[at] = '\0';
    return at;
}
