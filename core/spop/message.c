/*
 * message.c - the messages of a NOTIFY and their arguments, and the actions of the ACK.
 */
#include "spop/message.h"

#include <string.h>

#include <hyperfaas/error.h>

/* The action's number, and that of its arguments: scope, name, value. */
#define SET_VAR      1
#define SET_VAR_ARGS 3

enum hf_spop_status
hf_spop_message_read(struct hf_spop_reader *payload, struct hf_spop_message *ret)
{
    struct hf_spop_string name;
    struct hf_spop_data value;
    uint8_t count;

    if (!hf_spop_read_string(payload, &ret->name) || !hf_spop_read_byte(payload, &count)) {
        return HF_SPOP_INVALID;
    }
    ret->args.at = payload->at;
    for (unsigned int i = 0; i < count; i++) {
        if (!hf_spop_read_string(payload, &name) || !hf_spop_read_data(payload, &value)) {
            return HF_SPOP_INVALID;
        }
    }
    ret->args.end = payload->at;
    return HF_SPOP_NORMAL;
}

bool
hf_spop_message_string(const struct hf_spop_message *message, const char *name,
                       struct hf_spop_string *ret)
{
    struct hf_spop_reader args = message->args;
    struct hf_spop_string found;
    struct hf_spop_data value;

    while (hf_spop_read_string(&args, &found) && hf_spop_read_data(&args, &value)) {
        if (hf_spop_string_is(found, name)) {
            *ret = value.bytes;
            return value.type == HF_SPOP_STRING;
        }
    }
    return false;
}

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
