/*
 * actions.h - what the agent wants done, in the ACK that answers a NOTIFY.
 */
#ifndef HF_SPOP_ACTIONS_H
#define HF_SPOP_ACTIONS_H

#include "spop/frame.h"

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
