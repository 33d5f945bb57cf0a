/*
 * words.c - blanks separate words, double quotes hold them together.
 */
#include "ctl/words.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Reads one word from `*from`, writing it, unquoted, to `*to`, which is not ahead. */
static int
take_word(char **from, char **to, struct hf_err *err)
{
    bool quoted = false;

    for (; **from && (quoted || !is_blank(**from)); (*from)++) {
        if (**from == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && **from == '\\' && ((*from)[1] == '"' || (*from)[1] == '\\')) {
            (*from)++;
        }
        *(*to)++ = **from;
    }
    if (quoted) {
        return hf_fail(err, HF_EINVALID, "a quoted word has no closing \"");
    }
    return 0;
}

int
hf_ctl_words_split(char *line, char *ret[static HF_CTL_WORDS_MAX], struct hf_err *err)
{
    char *from = line;
    char *to = line;
    int count = 0;

    for (;;) {
        int r;

        while (is_blank(*from)) {
            from++;
        }
        if (!*from) {
            return count;
        }
        if (count == HF_CTL_WORDS_MAX) {
            return hf_fail(err, HF_EINVALID, "more than %d words", HF_CTL_WORDS_MAX);
        }
        ret[count++] = to;
        r = take_word(&from, &to, err);
        if (r < 0) {
            return r;
        }
        if (*from) {
            from++; /* the blank, before its place is overwritten */
        }
        *to++ = '\0';
    }
}

int
hf_ctl_words_add(struct hf_text *line, const char *word, struct hf_err *err)
{
    if (strpbrk(word, "\r\n")) {
        return hf_fail(err, HF_EINVALID, "a word of a command cannot have a line break");
    }
    if (line->len > 0) {
        hf_text_add_char(line, ' ');
    }
    if (*word && !strpbrk(word, " \t\"\\")) {
        hf_text_add(line, word);
        return 0;
    }
    hf_text_add_char(line, '"');
    for (; *word; word++) {
        if (*word == '"' || *word == '\\') {
            hf_text_add_char(line, '\\');
        }
        hf_text_add_char(line, *word);
    }
    hf_text_add_char(line, '"');
    return 0;
}
