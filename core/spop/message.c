/*
 * message.c - the messages of a NOTIFY and their arguments.
 */
#include "spop/message.h"

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
