/*
 * names.c - escapes ids for the file system and reads them back.
 */
#include "names.h"

#include <stddef.h>
#include <string.h>

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
