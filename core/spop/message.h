/*
 * message.h - what HAProxy asks in a NOTIFY: messages, each a name with arguments; and what is to
 * be done, in the ACK that answers.
 */
#ifndef HF_SPOP_MESSAGE_H
#define HF_SPOP_MESSAGE_H

#include <stdbool.h>

#include "spop/data.h"
#include "spop/frame.h"
#include "spop/status.h"

/* One message, borrowed from its frame. */
struct hf_spop_message {
    struct hf_spop_string name;
    struct hf_spop_reader args; /* known to be well-formed */
};

/* Reads the next message of a payload that has not come to its end. */
enum hf_spop_status hf_spop_message_read(struct hf_spop_reader *payload,
                                         struct hf_spop_message *ret);

/* The bytes of its string argument `name`, the first of that name.  False: it has none, or
 * HAProxy had no value for it. */
bool hf_spop_message_string(const struct hf_spop_message *message, const char *name,
                            struct hf_spop_string *ret);

enum hf_spop_scope {
    HF_SPOP_SCOPE_PROCESS = 0,
    HF_SPOP_SCOPE_SESSION = 1,
    HF_SPOP_SCOPE_TRANSACTION = 2,
    HF_SPOP_SCOPE_REQUEST = 3,
    HF_SPOP_SCOPE_RESPONSE = 4
};

/* Sets a variable, to whose name HAProxy puts its own prefix.  HF_EFULL: there is no room in
 * the frame, and nothing was written. */
int hf_spop_set_var(struct hf_spop_writer *actions, enum hf_spop_scope scope, const char *name,
                    const char *value);

#endif
