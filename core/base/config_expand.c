/* config_expand.c - ${NAME} in values; see config_file.h. */
#include <stdlib.h>
#include <string.h>

#include "base/config_file.h"
#include "base/err.h"
#include "base/quote.h"
#include "base/text.h"

/* Bytes of a name without an end that a message shows. */
#define SHOWN 60

/* Replaces "${NAME" at `s`, behind which `*ret_end` points then. */
static int
expand_one(const char *s, bool quoted, struct hf_text *out, const char **ret_end,
           struct hf_err *err)
{
    const char *close = strchr(s, '}');
    hf_autofree char *name = close ? strndup(s + 2, (size_t)(close - s - 2)) : NULL;
    const char *value;

    if (!close) {
        return hf_fail(err, HF_EINVALID,
                       "'%.*s' does not end; write ${NAME}, or $${ for the text ${", SHOWN, s);
    }
    value = name ? getenv(name) : NULL;
    if (!value) {
        return hf_fail(err, HF_EINVALID, "the environment variable '%s' is not set",
                       name ? name : "?");
    }
    hf_quote_add(out, value, quoted);
    *ret_end = close + 1;
    return 0;
}

int
hf_config_expand(const char *raw, struct hf_text *out, struct hf_err *err)
{
    bool quoted = false;

    while (*raw) {
        const char *begin = raw;
        int r = 0;

        if (strncmp(raw, "$${", 3) == 0) {
            hf_text_add(out, "${");
            raw += 3;
        } else if (strncmp(raw, "${", 2) == 0) {
            r = expand_one(raw, quoted, out, &raw, err);
        } else {
            hf_quote_next(&raw, &quoted);
            hf_text_add_mem(out, begin, (size_t)(raw - begin));
        }
        if (r < 0) {
            return r;
        }
    }
    return out->truncated ? hf_fail(err, HF_ENOMEM, "no memory for the value") : 0;
}
