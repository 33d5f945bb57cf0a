/*
 * fuzz-config.c - configuration files, their values and lists.
 */
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/quote.h"
#include "base/text.h"
#include "fuzz.h"

/* A list that was read, and written down by its items, is read again as the same list. */
static void
check_list(const char *raw)
{
    hf_autotext struct hf_text again;
    const char *at = raw;
    const char *second;
    char *word;
    char *same;

    hf_text_init(&again);
    while (hf_quote_word(&at, &word)) {
        FUZZ_CHECK(word);
        hf_text_add(&again, "\"");
        hf_quote_add(&again, word, true);
        hf_text_add(&again, "\" ");
        free(word);
    }
    at = raw;
    second = hf_text_str(&again);
    while (hf_quote_word(&at, &word)) {
        FUZZ_CHECK(hf_quote_word(&second, &same));
        FUZZ_CHECK(strcmp(word, same) == 0);
        free(word);
        free(same);
    }
    FUZZ_CHECK(!hf_quote_word(&second, &same));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_config *config = NULL;
    struct hf_err err = HF_ERR_INIT;
    const struct hf_config_section *section;
    const struct hf_config_value *value;

    if (hf_config_parse((const char *)data, size, "/nonexistent/fuzz.ini", &config, &err) < 0) {
        FUZZ_CHECK(*hf_err_message(&err));
        return 0;
    }
    HF_LIST_FOR (section, hf_config_sections(config), node) {
        HF_LIST_FOR (value, &section->values, node) {
            FUZZ_CHECK(value->text && value->key && value->line > 0);
            check_list(value->raw);
        }
    }
    hf_config_free(config);
    return 0;
}
