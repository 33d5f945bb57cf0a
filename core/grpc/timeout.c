/*
 * timeout.c - see timeout.h.
 */
#include "grpc/timeout.h"

#include <hyperfaas/error.h>

#include "base/macros.h"
#include "base/parse.h"

#define DIGITS_MAX    8
#define VALUE_MAX     UINT64_C(99999999)
#define NS_PER_SECOND UINT64_C(1000000000)

/* From fine to coarse. */
static const struct unit {
    uint64_t ns;
    char letter;
} units[] = {
    { 1, 'n' },
    { 1000, 'u' },
    { 1000000, 'm' },
    { NS_PER_SECOND, 'S' },
    { 60 * NS_PER_SECOND, 'M' },
    { 3600 * NS_PER_SECOND, 'H' },
};

#define UNIT_COUNT (sizeof units / sizeof units[0])

int
hf_grpc_timeout_parse(const char *text, size_t len, uint64_t *ret_ns)
{
    uint64_t value = 0;

    if (len < 2 || len > DIGITS_MAX + 1) {
        return HF_EINVALID;
    }
    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return HF_EINVALID;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (text[len - 1] == units[i].letter) {
            *ret_ns = value > HF_GRPC_TIMEOUT_MAX_NS / units[i].ns ? HF_GRPC_TIMEOUT_MAX_NS
                                                                   : value * units[i].ns;
            return 0;
        }
    }
    return HF_EINVALID;
}

size_t
hf_grpc_timeout_format(uint64_t ns, char ret[static HF_GRPC_TIMEOUT_SIZE])
{
    size_t i = 0;
    size_t len;
    uint64_t value = ns;

    while (value > VALUE_MAX && i + 1 < UNIT_COUNT) {
        i++;
        value = ns / units[i].ns + (ns % units[i].ns != 0);
    }
    len = hf_write_u64(hf_min(value, VALUE_MAX), ret);
    ret[len++] = units[i].letter;
    ret[len] = '\0';
    return len;
}
