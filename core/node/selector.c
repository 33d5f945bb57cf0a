/*
 * selector.c - reads selectors and applies them.
 */
#include "node/selector.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"

static const char discover[] = "discover";

const char *
hf_label_split(const char *word, size_t *ret_key_len)
{
    const char *equals = strchr(word, '=');

    if (!equals || equals == word) {
        return NULL;
    }
    *ret_key_len = (size_t)(equals - word);
    return equals + 1;
}

bool
hf_selector_is_word(const char *item)
{
    return strcmp(item, discover) == 0 || strchr(item, '=');
}

static int
take_word(struct hf_selector *selector, const char *word, struct hf_err *err)
{
    size_t len;
    const char *value = hf_label_split(word, &len);

    if (!value) {
        return hf_fail(err, HF_EINVALID, "found '%s', expected an address, 'discover' or KEY=VALUE",
                       word);
    }
    if (len == strlen("role") && strncmp(word, "role", len) == 0) {
        selector->role = value;
        return 0;
    }
    if (selector->count == hf_countof(selector->words)) {
        return hf_fail(err, HF_EINVALID, "more than %zu conditions", selector->count);
    }
    selector->words[selector->count++] = word;
    return 0;
}

int
hf_selector_read(const struct hf_options *options, const char *key, const char *role,
                 struct hf_selector *ret, struct hf_err *err)
{
    struct hf_selector selector = { .role = role };
    const char *item;

    for (size_t i = 0; (item = hf_options_item(options, key, i)); i++) {
        int r = 0;

        if (strcmp(item, discover) == 0) {
            selector.discover = true;
        } else if (hf_selector_is_word(item)) {
            r = take_word(&selector, item, err);
        }
        if (r < 0) {
            return r;
        }
    }
    if (selector.count > 0 && !selector.discover) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' says which nodes to discover, but the word 'discover' is missing",
                       selector.words[0]);
    }
    *ret = selector;
    return 0;
}

bool
hf_selector_matches(const struct hf_selector *selector, const struct hf_node_document *document)
{
    if (!hf_node_document_has_role(document, selector->role) ||
        !hf_node_document_address(document, selector->role, "api")) {
        return false;
    }
    for (size_t i = 0; i < selector->count; i++) {
        size_t len = 0;
        const char *wanted = hf_label_split(selector->words[i], &len);
        bool zone = len == strlen("zone") && strncmp(selector->words[i], "zone", len) == 0;
        const char *found =
            zone ? document->info.zone : hf_node_document_label(document, selector->words[i], len);

        if (!found || !wanted || strcmp(found, wanted) != 0) {
            return false;
        }
    }
    return true;
}
