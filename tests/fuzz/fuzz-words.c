/*
 * fuzz-words.c - short texts of all kinds: requests of the control socket, numbers, durations,
 * sizes, addresses.
 */
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "base/text.h"
#include "ctl/words.h"
#include "fuzz.h"

/* Words that were read, and written down, are read again as the same. */
static void
check_words(char *line)
{
    char *words[HF_CTL_WORDS_MAX];
    char *again[HF_CTL_WORDS_MAX];
    hf_autotext struct hf_text written;
    char *copy;
    int n = hf_ctl_words_split(line, words, NULL);

    hf_text_init(&written);
    for (int i = 0; i < n; i++) {
        if (hf_ctl_words_add(&written, words[i], NULL) < 0) {
            return;
        }
    }
    if (n <= 0) {
        return;
    }
    copy = strdup(hf_text_str(&written));
    FUZZ_CHECK(copy && hf_ctl_words_split(copy, again, NULL) == n);
    for (int i = 0; i < n; i++) {
        FUZZ_CHECK(strcmp(words[i], again[i]) == 0);
    }
    free(copy);
}

static void
check_numbers(const char *text)
{
    char buffer[HF_FORMAT_MAX];
    char host[256];
    uint64_t value;
    uint64_t again;
    uint16_t port;
    double number;
    bool truth;

    if (hf_parse_duration(text, &value, NULL) == 0) {
        FUZZ_CHECK(hf_parse_duration(hf_format_duration(value, buffer), &again, NULL) == 0);
        FUZZ_CHECK(again == value);
    }
    if (hf_parse_size(text, &value, NULL) == 0) {
        FUZZ_CHECK(hf_parse_size(hf_format_size(value, buffer), &again, NULL) == 0);
        FUZZ_CHECK(again == value);
    }
    hf_parse_u64(text, &value, NULL);
    hf_parse_double(text, &number, NULL);
    hf_parse_bool(text, &truth, NULL);
    hf_parse_host_port(text, host, sizeof host, &port, NULL);
    hf_parse_address_check(text, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    FUZZ_CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    check_numbers(text);
    check_words(text);
    free(text);
    return 0;
}
