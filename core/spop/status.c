/*
 * status.c - the messages of SPOP's statuses.
 */
#include "spop/status.h"

const char *
hf_spop_status_text(uint64_t status)
{
    switch (status) {
#define STATUS_CASE(id, number, message)                                                           \
    case number:                                                                                   \
        return message;
        HF_SPOP_STATUSES(STATUS_CASE)
#undef STATUS_CASE
    default:
        return hf_spop_status_text(HF_SPOP_UNKNOWN);
    }
}
