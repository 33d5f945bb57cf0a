/*
 * config_file.c - reading configuration files with libinih; see config.h.
 *
 * libinih asks for lines and answers with section and key.  The lines come from
 * here, so that their number, length and bytes are known; what it would cut or
 * ignore silently (long names, text behind a section) is refused before it sees
 * it.  The value is taken from the line itself, because libinih knows no quotes.
 */
#include "base/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/quote.h"
#include "base/text.h"

/* libinih keeps names in buffers of 50 bytes. */
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
    const char *next; /* the rest of the text */
    const char *end;
    unsigned line;    /* number of the line given last */
    const char *text; /* that line and its length */
    size_t len;
    struct hf_config_value *last; /* what an indented line continues, or NULL */
    bool included;                /* an indented line names another file to include */
    int code;                     /* why reading stopped, or 0 */
    struct hf_err *err;
};

static int read_file(struct reading *reading, const struct source *parent, const char *path,
                     struct hf_err *err);

/* Stops reading with "file:line: message". */
__attribute__((format(printf, 3, 4))) static void
stop(struct source *source, int code, const char *fmt, ...)
{
    struct hf_err err = HF_ERR_INIT;
    va_list args;

    va_start(args, fmt);
    hf_failv(&err, code, fmt, args);
    va_end(args);
    source->code = hf_fail(source->err, code, "%s:%u: %s", source->name, source->line, err.message);
}

/* --- lines --------------------------------------------------------------------------------- */

/* Whether only a comment or nothing follows. */
static bool
is_blank(const char *s, const char *end)
{
    while (s < end && isspace((unsigned char)*s)) {
        s++;
    }
    return s == end || *s == ';' || *s == '#';
}

/* Opens the section here, because libinih would not tell of one without keys. */
static void
check_section_line(struct source *source, const char *begin)
{
    const char *end = source->text + source->len;
    const char *close = memchr(begin, ']', (size_t)(end - begin));
    struct hf_config_section *section;
    char name[NAME_MAX_LEN + 1];
    size_t len = close ? (size_t)(close - begin) - 1 : 0;

    source->last = NULL;
    if (!close) {
        stop(source, HF_EINVALID, "the section's name does not end; write [name]");
    } else if (len == 0) {
        stop(source, HF_EINVALID, "the section has no name; write [name]");
    } else if (len > NAME_MAX_LEN) {
        stop(source, HF_EINVALID, "the section's name has more than %d bytes", NAME_MAX_LEN);
    } else if (!is_blank(close + 1, end)) {
        stop(source, HF_EINVALID, "nothing may follow [%.*s] in its line", (int)len, begin + 1);
    } else {
        memcpy(name, begin + 1, len);
        name[len] = '\0';
        source->code = hf_config_open_section(source->reading->config, name, source->name,
                                              source->line, &section, source->err);
    }
}

static void
check_key_line(struct source *source, const char *begin)
{
    const char *end = source->text + source->len;
    const char *s = begin;

    while (s < end && *s != '=' && *s != ':') {
        s++;
    }
    while (s > begin && isspace((unsigned char)s[-1])) {
        s--;
    }
    if (s == begin) {
        stop(source, HF_EINVALID, "the key is missing; write key = value");
    } else if (s < end && s - begin > NAME_MAX_LEN) {
        stop(source, HF_EINVALID, "the key has more than %d bytes", NAME_MAX_LEN);
    }
}

/* An indented line is a part of the value before it, which somebody who indents keys does not
 * mean. */
static void
check_continuation(struct source *source, const char *begin)
{
    const char *end = source->text + source->len;
    const char *s = begin;

    while (s < end && (isalnum((unsigned char)*s) || *s == '_')) {
        s++;
    }
    if (s > begin && s + 1 < end && isspace((unsigned char)*s) && s[1] == '=') {
        stop(
            source, HF_EINVALID,
            "the line is indented, so it continues the value of '%s'; begin it in the first column",
            source->last->key);
    }
}

/* Refuses what libinih would misread. */
static void
check_line(struct source *source)
{
    const char *begin = source->text;
    const char *end = begin + source->len;

    if (memchr(begin, '\0', source->len)) {
        stop(source, HF_EINVALID, "there is a NUL byte; this is no text file");
        return;
    }
    if (source->line == 1 && source->len >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0) {
        begin += 3; /* the byte order mark of some editors */
    }
    if (is_blank(begin, end)) {
        return;
    }
    while (isspace((unsigned char)*begin)) {
        begin++;
    }
    if (begin > source->text && source->last) {
        check_continuation(source, begin);
        return;
    }
    if (begin > source->text && source->included) {
        return; /* another file to include */
    }
    source->included = false;
    if (*begin == '[') {
        check_section_line(source, begin);
    } else {
        check_key_line(source, begin);
    }
}

/* Gives libinih the next line, like fgets. */
static char *
next_line(char *buf, int size, void *arg)
{
    struct source *source = arg;
    const char *newline;

    if (source->code < 0 || source->next == source->end) {
        return NULL;
    }
    newline = memchr(source->next, '\n', (size_t)(source->end - source->next));
    source->text = source->next;
    source->len = (size_t)((newline ? newline : source->end) - source->next);
    source->next = newline ? newline + 1 : source->end;
    source->line++;
    if (source->len > HF_CONFIG_LINE_MAX || source->len + 2 > (size_t)size) {
        stop(source, HF_EINVALID, "the line has more than %d bytes", HF_CONFIG_LINE_MAX);
        return NULL;
    }
    check_line(source);
    if (source->code < 0) {
        return NULL;
    }
    memcpy(buf, source->text, source->len);
    memcpy(buf + source->len, "\n", 2);
    return buf;
}

/* --- values -------------------------------------------------------------------------------- */

/* The value of the line, or the part of one that it is if it continues another, as written. */
static char *
written_value(const struct source *source, bool continued)
{
    const char *begin = source->text;
    const char *end = begin + source->len;
    char *value;

    while (!continued && begin < end && *begin != '=' && *begin != ':') {
        begin++;
    }
    begin += !continued && begin < end;
    while (begin < end && isspace((unsigned char)*begin)) {
        begin++;
    }
    value = strndup(begin, (size_t)(end - begin));
    if (value) {
        value[hf_quote_value_len(value)] = '\0';
    }
    return value;
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
add_value(struct source *source, const char *section_name, const char *key, const char *raw)
{
    struct hf_config *config = source->reading->config;
    struct hf_config_section *section;

    if (!*section_name) {
        stop(source, HF_EINVALID, "'%s' stands before the first section; write [name] above it",
             key);
        return;
    }
    source->code = hf_config_open_section(config, section_name, source->name, source->line,
                                          &section, source->err);
    if (source->code == 0) {
        source->code = hf_config_add(section, key, raw, &source->last, source->err);
    }
    if (source->code == 0) {
        source->last->file = source->name;
        source->last->line = source->line;
    }
}

/* Reads another file where "include" stands; its name is relative to this one's folder. */
static void
include(struct source *source, const char *name)
{
    const char *slash = strrchr(source->name, '/');
    int folder = *name != '/' && slash ? (int)(slash - source->name) + 1 : 0;
    hf_autofree char *path = hf_strdup_printf("%.*s%s", folder, source->name, name);

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

static void
take_value(struct source *source, const char *section, const char *key, const char *raw)
{
    if (source->last && isspace((unsigned char)source->text[0])) {
        continue_value(source, raw);
    } else if (strcmp(key, "include") == 0) {
        hf_autofree char *name = hf_quote_plain(raw);

        if (!name) {
            stop(source, HF_ENOMEM, "no memory for a file name");
        } else {
            include(source, name);
        }
    } else {
        add_value(source, section, key, raw);
    }
}

/* Takes a key from libinih, and its value from the line.  0 stops it. */
static int
on_value(void *arg, const char *section, const char *key, const char *text)
{
    struct source *source = arg;
    bool continued = (source->last || source->included) && isspace((unsigned char)source->text[0]);
    hf_autofree char *written = written_value(source, continued);
    struct hf_err why = HF_ERR_INIT;
    hf_autotext struct hf_text raw;

    (void)text;
    hf_text_init(&raw);
    if (!written) {
        stop(source, HF_ENOMEM, "no memory for the value");
    } else if (hf_quote_check(written, true, &why) < 0) {
        stop(source, HF_EINVALID, "%s: %s", key, hf_err_message(&why));
    } else if (hf_config_expand(written, &raw, &why) < 0) {
        stop(source, why.code, "%s: %s", key, hf_err_message(&why));
    } else {
        take_value(source, section, key, hf_text_str(&raw));
    }
    return source->code == 0;
}

/* --- files --------------------------------------------------------------------------------- */

static int
parse_source(struct source *source, const char *text, size_t len)
{
    int r;

    source->next = text;
    source->end = text + len;
    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = HF_CONFIG_LINE_MAX + 3;
    ini_stop_on_first_error = true;
    r = ini_parse_stream(next_line, source, on_value, source);
    if (source->code == 0 && r > 0) {
        stop(source, HF_EINVALID, "'%.*s' is neither [section], key = value nor a comment",
             source->len > SHOWN ? SHOWN : (int)source->len, source->text);
    } else if (source->code == 0 && r < 0) {
        stop(source, HF_ENOMEM, "no memory for reading the file");
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
