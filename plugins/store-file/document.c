/*
 * document.c - reads documents and refuses what is none; which file holds which id.
 */
#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

struct stamp
stamp_of(const struct stat *st)
{
    return (struct stamp){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = st->st_size,
        .modified = st->st_mtim,
        .changed = st->st_ctim,
    };
}

static bool
is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
stamp_equals(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->modified, &b->modified) && is_same_time(&a->changed, &b->changed);
}

static uint64_t
nanoseconds(const struct timespec *time)
{
    return time->tv_sec < 0 ? 0 : (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

uint64_t
document_revision(const struct stamp *stamp, uint64_t hash)
{
    uint64_t modified = nanoseconds(&stamp->modified), changed = nanoseconds(&stamp->changed);
    uint64_t ns = modified > changed ? modified : changed;
    uint64_t revision = ns / REVISION_STEP * REVISION_STEP | hash % REVISION_STEP;

    return revision > REVISION_UNREADABLE ? revision : REVISION_UNREADABLE + 1;
}

int
document_check(const struct hf_host *host, const char *data, size_t len, char message[MESSAGE_SIZE])
{
    char reason[MESSAGE_SIZE - 8];
    int r;

    if (len == 0 || len > HF_STORE_DOCUMENT_MAX) {
        snprintf(message, MESSAGE_SIZE, "has %zu bytes, expected 1 to %u", len,
                 HF_STORE_DOCUMENT_MAX);
        return HF_EINVALID;
    }
    r = host->json_check(data, len, reason, sizeof reason);
    if (r < 0) {
        snprintf(message, MESSAGE_SIZE, "is %s", reason);
    }
    return r;
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
read_open(const struct hf_host *host, int fd, struct document *ret, char message[MESSAGE_SIZE])
{
    struct stat st;
    ssize_t n;
    char *data;
    int r;

    if (fstat(fd, &st) != 0) {
        snprintf(message, MESSAGE_SIZE, "cannot be examined: %s", strerror(errno));
        return HF_EIO;
    }
    ret->stamp = stamp_of(&st);
    if (!S_ISREG(st.st_mode) || st.st_size > HF_STORE_DOCUMENT_MAX) {
        snprintf(message, MESSAGE_SIZE, "is not a regular file of up to %u bytes",
                 HF_STORE_DOCUMENT_MAX);
        ret->revision = document_revision(&ret->stamp, 0);
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
    ret->hash = host->hash(data, (size_t)n);
    ret->revision = document_revision(&ret->stamp, ret->hash);
    r = document_check(host, data, (size_t)n, message);
    if (r < 0) {
        free(data);
        return r;
    }
    ret->data = data;
    ret->len = (size_t)n;
    return 0;
}

int
document_read(const struct hf_host *host, int folder, const char *name, struct document *ret,
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
    r = read_open(host, fd, &document, message);
    close(fd);
    if (r == 0 || r == HF_EINVALID) {
        *ret = document;
    }
    return r;
}

/* --- names ------------------------------------------------------------------------- */

static const char suffix[] = ".json";
static const char digits[] = "0123456789ABCDEF";

static bool
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool
name_from_id(const char *id, char name[NAME_SIZE])
{
    size_t n = 0;

    if (!*id) {
        return false;
    }
    for (const char *p = id; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (n + 3 + sizeof suffix > NAME_SIZE) {
            return false;
        }
        if (is_plain(c) || (c == '.' && p != id)) {
            name[n++] = *p;
        } else {
            name[n++] = '%';
            name[n++] = digits[c >> 4];
            name[n++] = digits[c & 0xf];
        }
    }
    memcpy(name + n, suffix, sizeof suffix);
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static int
digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

enum name_kind
name_to_id(const char *name, char id[NAME_SIZE])
{
    size_t len = strlen(name), stem = len - (sizeof suffix - 1), n = 0;
    char canonical[NAME_SIZE];

    if (len < sizeof suffix || len >= NAME_SIZE || name[0] == '.' || name[0] == '#' ||
        strcmp(name + stem, suffix) != 0) {
        return NAME_FOREIGN;
    }
    for (size_t i = 0; i < stem; i++) {
        int high = -1, low = -1;

        if (name[i] == '%' && i + 2 < stem) {
            high = digit_value(name[i + 1]);
            low = digit_value(name[i + 2]);
        }
        if (high >= 0 && low >= 0 && (high | low) != 0) {
            id[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            id[n++] = name[i];
        }
    }
    id[n] = '\0';
    return name_from_id(id, canonical) && strcmp(canonical, name) == 0 ? NAME_DOCUMENT
                                                                       : NAME_MISSPELT;
}
