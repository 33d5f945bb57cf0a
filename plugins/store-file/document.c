/*
 * document.c - reads documents and refuses what is none.
 */
#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include <hyperfaas/error.h>

uint64_t
document_revision(hash_fn *hash, const struct timespec *changed, const void *data, size_t len)
{
    uint64_t ns = (uint64_t)changed->tv_sec * 1000000000u + (uint64_t)changed->tv_nsec;
    uint64_t revision = ns / REVISION_STEP * REVISION_STEP | hash(data, len) % REVISION_STEP;

    return revision > REVISION_UNREADABLE ? revision : REVISION_UNREADABLE + 1;
}

int
document_check(const char *data, size_t len, char message[MESSAGE_SIZE])
{
    struct json_tokener *tokener;
    struct json_object *value;
    enum json_tokener_error error;

    if (len == 0 || len > DOCUMENT_MAX) {
        snprintf(message, MESSAGE_SIZE, "has %zu bytes, expected 1 to %u", len, DOCUMENT_MAX);
        return HF_EINVALID;
    }
    tokener = json_tokener_new();
    if (!tokener) {
        snprintf(message, MESSAGE_SIZE, "out of memory");
        return HF_ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(tokener, data, (int)len);
    error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) {
        /* A number may go on; an end of text says that it does not. */
        value = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
    }
    json_object_put(value);
    if (error != json_tokener_success) {
        snprintf(message, MESSAGE_SIZE, "is not JSON: %s at byte %zu of %zu",
                 json_tokener_error_desc(error), json_tokener_get_parse_end(tokener), len);
    }
    json_tokener_free(tokener);
    return error == json_tokener_success ? 0 : HF_EINVALID;
}

/* Reads up to `size` bytes; the number read or -1 with errno. */
static ssize_t
read_all(int fd, char *data, size_t size)
{
    size_t n = 0;

    while (n < size) {
        ssize_t r = read(fd, data + n, size - n);

        if (r < 0 && errno != EINTR) {
            return -1;
        }
        if (r == 0) {
            break;
        }
        n += r > 0 ? (size_t)r : 0;
    }
    return (ssize_t)n;
}

/* Reads the content of an open file and checks it. */
static int
read_open(int fd, hash_fn *hash, struct document *ret, char message[MESSAGE_SIZE])
{
    struct stat st;
    ssize_t n;
    char *data;
    int r;

    if (fstat(fd, &st) != 0) {
        snprintf(message, MESSAGE_SIZE, "cannot be examined: %s", strerror(errno));
        return HF_EIO;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > DOCUMENT_MAX) {
        snprintf(message, MESSAGE_SIZE, "is not a regular file of up to %u bytes", DOCUMENT_MAX);
        ret->revision = document_revision(hash, &st.st_mtim, "", 0);
        return HF_EINVALID;
    }
    data = malloc((size_t)st.st_size + 1);
    if (!data) {
        snprintf(message, MESSAGE_SIZE, "out of memory");
        return HF_ENOMEM;
    }
    n = read_all(fd, data, (size_t)st.st_size);
    if (n < 0) {
        snprintf(message, MESSAGE_SIZE, "cannot be read: %s", strerror(errno));
        free(data);
        return HF_EIO;
    }
    ret->revision = document_revision(hash, &st.st_mtim, data, (size_t)n);
    r = document_check(data, (size_t)n, message);
    if (r < 0) {
        free(data);
        return r;
    }
    ret->data = data;
    ret->len = (size_t)n;
    return 0;
}

int
document_read(int folder, const char *name, hash_fn *hash, struct document *ret,
              char message[MESSAGE_SIZE])
{
    struct document document = { .revision = REVISION_UNREADABLE };
    int fd, r;

    /* Not blocking, so that a pipe put there cannot hold us. */
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        snprintf(message, MESSAGE_SIZE, "is not there");
        return HF_ENOTFOUND;
    }
    if (fd < 0) {
        snprintf(message, MESSAGE_SIZE, "cannot be opened: %s", strerror(errno));
        *ret = document;
        return errno == ELOOP || errno == EACCES || errno == ENXIO ? HF_EINVALID : HF_EIO;
    }
    r = read_open(fd, hash, &document, message);
    close(fd);
    if (r == 0) {
        *ret = document;
    } else if (r == HF_EINVALID) {
        *ret = (struct document){ .revision = document.revision };
    }
    return r;
}
