/*
 * actions.c - actions as they are written into an ACK.
 */
#include "spop/actions.h"

#include <string.h>

#include <hyperfaas/error.h>

/* The action's number, and that of its arguments: scope, name, value. */
#define SET_VAR      1
#define SET_VAR_ARGS 3

int
hf_spop_set_var(struct hf_spop_writer *actions, enum hf_spop_scope scope, const char *name,
                const char *value)
{
    struct hf_spop_writer whole = *actions;

    hf_spop_write_byte(&whole, SET_VAR);
    hf_spop_write_byte(&whole, SET_VAR_ARGS);
    hf_spop_write_byte(&whole, (uint8_t)scope);
    hf_spop_write_string(&whole, name, strlen(name));
    hf_spop_write_string_data(&whole, value);
    if (whole.full) {
        return HF_EFULL;
    }
    *actions = whole;
    return 0;
}
