/*
 * config_file.c - reading configuration files, line by line; see config.h.
 */
#include "base/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/quote.h"
#include "base/text.h"

/* Longest name of a section or a key. */
#define NAME_MAX_LEN 48

/* Files in one configuration, so that includes of includes end. */
#define FILES_MAX 64

/* Characters of a faulty line that a message shows. */
#define SHOWN 60

/* What all files of one reading share. */
struct reading {
    struct hf_config *config;
    unsigned files;
};

/* One file being read. */
struct source {
    struct reading *reading;
    const struct source *parent; /* the file that includes this one */
    const char *name;            /* kept by the configuration */
    dev_t dev;                   /* 0, 0 if it is not a file */
    ino_t ino;
    const char *text; /* the line being read, and its end */
    const char *end;
    unsigned line;                     /* its number */
    struct hf_config_section *section; /* the one it stands in, or NULL */
    struct hf_config_value *last;      /* what an indented line continues, or NULL */
    bool included;                     /* an indented line names another file to include */
    int code;                          /* why reading stopped, or 0 */
    struct hf_err *err;
};

static int read_file(struct reading *reading, const struct source *parent, const char *path,
                     struct hf_err *err);

/* Stops reading with "file:line: message". */
__attribute__((format(printf, 3, 4))) static void
stop(struct source *source, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    hf_failv(source->err, code, fmt, args);
    va_end(args);
    source->code = hf_err_wrap(source->err, code, "%s:%u", source->name, source->line);
}

static const char *
skip_blanks(const char *s, const char *end)
{
    while (s < end && isspace((unsigned char)*s)) {
        s++;
    }
    return s;
}

/* Whether only a comment or nothing follows. */
static bool
is_blank(const char *s, const char *end)
{
    s = skip_blanks(s, end);
    return s == end || *s == ';' || *s == '#';
}

/* --- values -------------------------------------------------------------------------------- */

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

/* Appends a value as written with each ${NAME} replaced by the environment, as quote.h reads it. */
static int
expand(const char *raw, struct hf_text *out, struct hf_err *err)
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

static void
continue_value(struct source *source, const char *raw)
{
    hf_autofree char *joined =
        hf_strdup_printf("%s%s%s", source->last->raw, *source->last->raw ? " " : "", raw);

    if (!joined || hf_config_value_set(source->last, joined) < 0) {
        stop(source, HF_ENOMEM, "no memory for the value");
    }
}

static void
add_value(struct source *source, const char *key, const char *raw)
{
    if (!source->section) {
        stop(source, HF_EINVALID, "'%s' stands before the first section; write [name] above it",
             key);
        return;
    }
    source->code = hf_config_add(source->section, key, raw, &source->last, source->err);
    if (source->code == 0) {
        source->last->file = source->name;
        source->last->line = source->line;
    }
}

/* Reads another file where "include" stands; its name is relative to this one's folder. */
static void
include(struct source *source, const char *raw)
{
    const char *slash = strrchr(source->name, '/');
    hf_autofree char *name = hf_quote_plain(raw);
    int folder = name && *name != '/' && slash ? (int)(slash - source->name) + 1 : 0;
    hf_autofree char *path = name ? hf_strdup_printf("%.*s%s", folder, source->name, name) : NULL;

    if (!path) {
        stop(source, HF_ENOMEM, "no memory for a file name");
        return;
    }
    source->last = NULL;
    source->included = true;
    source->code = read_file(source->reading, source, path, source->err);
    if (source->code < 0) {
        hf_err_wrap(source->err, source->code, "%s:%u: include", source->name, source->line);
    }
}

/* Takes the value, or the part of one, that begins at `begin` and ends with the line. */
static void
take_value(struct source *source, const char *key, const char *begin, bool continued)
{
    hf_autofree char *written = NULL;
    hf_autotext struct hf_text raw;
    int r;

    hf_text_init(&raw);
    begin = skip_blanks(begin, source->end);
    written = strndup(begin, (size_t)(source->end - begin));
    if (!written) {
        stop(source, HF_ENOMEM, "no memory for the value");
        return;
    }
    written[hf_quote_value_len(written)] = '\0';
    r = hf_quote_check(written, true, source->err);
    if (r == 0) {
        r = expand(written, &raw, source->err);
    }
    if (r < 0) {
        source->code = hf_err_wrap(source->err, r, "%s:%u: %s", source->name, source->line, key);
    } else if (continued && source->last) {
        continue_value(source, hf_text_str(&raw));
    } else if (strcmp(key, "include") == 0) {
        include(source, hf_text_str(&raw));
    } else {
        add_value(source, key, hf_text_str(&raw));
    }
}

/* --- lines --------------------------------------------------------------------------------- */

/* The first of the signs before a comment, or NULL. */
static const char *
find_sign(const char *begin, const char *end, const char *signs)
{
    for (const char *s = begin; s < end; s++) {
        if (strchr(signs, *s)) {
            return s;
        }
        if (*s == ';' && s > begin && isspace((unsigned char)s[-1])) {
            return NULL;
        }
    }
    return NULL;
}

static void
read_section_line(struct source *source, const char *begin)
{
    const char *close = find_sign(begin, source->end, "]");
    size_t len = close ? (size_t)(close - begin) - 1 : 0;
    char name[NAME_MAX_LEN + 1];

    source->last = NULL;
    if (!close) {
        stop(source, HF_EINVALID, "the section's name does not end; write [name]");
    } else if (len == 0) {
        stop(source, HF_EINVALID, "the section has no name; write [name]");
    } else if (len > NAME_MAX_LEN) {
        stop(source, HF_EINVALID, "the section's name has more than %d bytes", NAME_MAX_LEN);
    } else if (!is_blank(close + 1, source->end)) {
        stop(source, HF_EINVALID, "nothing may follow [%.*s] in its line", (int)len, begin + 1);
    } else {
        memcpy(name, begin + 1, len);
        name[len] = '\0';
        source->code = hf_config_open_section(source->reading->config, name, source->name,
                                              source->line, &source->section, source->err);
    }
}

static void
read_key_line(struct source *source, const char *begin)
{
    const char *sign = find_sign(begin, source->end, "=:");
    const char *last = sign ? sign : begin;
    char key[NAME_MAX_LEN + 1];
    size_t len;

    while (last > begin && isspace((unsigned char)last[-1])) {
        last--;
    }
    len = (size_t)(last - begin);
    if (!sign) {
        stop(source, HF_EINVALID, "'%.*s' is neither [section], key = value nor a comment",
             hf_min(SHOWN, (int)(source->end - source->text)), source->text);
    } else if (len == 0) {
        stop(source, HF_EINVALID, "the key is missing; write key = value");
    } else if (len > NAME_MAX_LEN) {
        stop(source, HF_EINVALID, "the key has more than %d bytes", NAME_MAX_LEN);
    } else {
        memcpy(key, begin, len);
        key[len] = '\0';
        take_value(source, key, sign + 1, false);
    }
}

/* An indented line is a part of the value before it, which somebody who indents keys does not
 * mean. */
static void
read_indented_line(struct source *source, const char *begin)
{
    const char *s = begin;

    while (s < source->end && (isalnum((unsigned char)*s) || *s == '_')) {
        s++;
    }
    if (source->last && s > begin && s + 1 < source->end && isspace((unsigned char)*s) &&
        s[1] == '=') {
        stop(
            source, HF_EINVALID,
            "the line is indented, so it continues the value of '%s'; begin it in the first column",
            source->last->key);
    } else {
        take_value(source, source->last ? source->last->key : "include", begin, true);
    }
}

static void
read_line(struct source *source)
{
    const char *begin = source->text;

    if (source->end - begin > HF_CONFIG_LINE_MAX) {
        stop(source, HF_EINVALID, "the line has more than %d bytes", HF_CONFIG_LINE_MAX);
        return;
    }
    if (memchr(begin, '\0', (size_t)(source->end - begin))) {
        stop(source, HF_EINVALID, "there is a NUL byte; this is no text file");
        return;
    }
    if (source->line == 1 && source->end - begin >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0) {
        begin += 3; /* the byte order mark of some editors */
    }
    begin = skip_blanks(begin, source->end);
    if (is_blank(begin, source->end)) {
        return;
    }
    if (isspace((unsigned char)*source->text) && (source->last || source->included)) {
        read_indented_line(source, begin);
        return;
    }
    source->included = false;
    if (*begin == '[') {
        read_section_line(source, begin);
    } else {
        read_key_line(source, begin);
    }
}

/* --- files --------------------------------------------------------------------------------- */

static int
parse_source(struct source *source, const char *text, size_t len)
{
    const char *end = text + len;

    while (source->code == 0 && text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        source->line++;
        source->text = text;
        source->end = newline ? newline : end;
        text = newline ? newline + 1 : end;
        read_line(source);
    }
    return source->code;
}

/* Reads at most HF_CONFIG_FILE_MAX bytes. */
static int
read_all(int fd, const char *path, char **ret, size_t *ret_len, struct hf_err *err)
{
    hf_autofree char *text = malloc(HF_CONFIG_FILE_MAX + 1);
    size_t len = 0;
    ssize_t n;

    if (!text) {
        return hf_fail(err, HF_ENOMEM, "no memory for reading '%s'", path);
    }
    do {
        n = read(fd, text + len, HF_CONFIG_FILE_MAX + 1 - len);
        if (n < 0 && errno != EINTR) {
            return hf_fail_errno(err, errno, "cannot read configuration file '%s'", path);
        }
        len += n > 0 ? (size_t)n : 0;
    } while (n != 0 && len <= HF_CONFIG_FILE_MAX);
    if (len > HF_CONFIG_FILE_MAX) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is larger than 1 MiB; is it really a configuration file?", path);
    }
    *ret = hf_steal(text);
    *ret_len = len;
    return 0;
}

/* Whether this file may be included by `parent`. */
static int
check_nesting(const struct source *source, const char *path, struct hf_err *err)
{
    unsigned depth = 0;

    for (const struct source *s = source->parent; s; s = s->parent) {
        if (s->dev == source->dev && s->ino == source->ino) {
            return hf_fail(err, HF_EINVALID, "'%s' includes itself", path);
        }
        depth++;
    }
    if (depth > HF_CONFIG_DEPTH_MAX) {
        return hf_fail(err, HF_EINVALID, "includes are nested more than %d deep",
                       HF_CONFIG_DEPTH_MAX);
    }
    if (++source->reading->files > FILES_MAX) {
        return hf_fail(err, HF_EINVALID, "more than %d files are included", FILES_MAX);
    }
    return 0;
}

static int
read_open_file(struct source *source, int fd, const char *path, struct hf_err *err)
{
    hf_autofree char *text = NULL;
    struct stat st;
    size_t len = 0;
    int r;

    if (fstat(fd, &st) < 0) {
        return hf_fail_errno(err, errno, "cannot read configuration file '%s'", path);
    }
    if (S_ISDIR(st.st_mode)) {
        return hf_fail(err, HF_EINVALID, "configuration file '%s' is a folder", path);
    }
    source->dev = st.st_dev;
    source->ino = st.st_ino;
    r = check_nesting(source, path, err);
    if (r == 0) {
        r = read_all(fd, path, &text, &len, err);
    }
    return r < 0 ? r : parse_source(source, text, len);
}

static int
read_file(struct reading *reading, const struct source *parent, const char *path,
          struct hf_err *err)
{
    struct source source = { .reading = reading, .parent = parent, .err = err };
    int fd;
    int r;

    source.name = hf_config_keep_file(reading->config, path, err);
    if (!source.name) {
        return HF_ENOMEM;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return hf_fail_errno(err, errno, "cannot open configuration file '%s'", path);
    }
    r = read_open_file(&source, fd, path, err);
    close(fd);
    return r;
}

int
hf_config_load(const char *path, struct hf_config **ret, struct hf_err *err)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct reading reading = { 0 };
    int r = hf_config_new(&config, err);

    if (r == 0) {
        reading.config = config;
        r = read_file(&reading, NULL, path, err);
    }
    if (r == 0) {
        *ret = hf_steal(config);
    }
    return r;
}

int
hf_config_parse(const char *text, size_t len, const char *name, struct hf_config **ret,
                struct hf_err *err)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct reading reading = { 0 };
    struct source source = { .reading = &reading, .err = err };
    int r = hf_config_new(&config, err);

    if (r < 0) {
        return r;
    }
    if (len > HF_CONFIG_FILE_MAX) {
        return hf_fail(err, HF_EINVALID, "'%s' is larger than 1 MiB", name);
    }
    reading.config = config;
    source.name = hf_config_keep_file(config, name, err);
    r = source.name ? parse_source(&source, text, len) : HF_ENOMEM;
    if (r == 0) {
        *ret = hf_steal(config);
    }
    return r;
}
