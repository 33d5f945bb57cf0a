/*
 * fake-json.c - the part of the fake host that judges JSON, as the real one does; a file of its
 * own, since the fake host's errors are not the host's.
 */
#include "fake-json.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json_check.h"

int
fake_json_check(const char *text, size_t len, char *reason, size_t size)
{
    struct hf_err err = HF_ERR_INIT;
    int r = hf_json_check_document(text, len, &err);

    if (r < 0) {
        snprintf(reason, size, "%s", hf_err_message(&err));
    }
    return r;
}
