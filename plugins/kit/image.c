/*
 * image.c - the tags of images.
 */
#include "image.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "hyperfaas-";
static const char latest[] = ":latest";

const char *
image_stem(const char *tag, size_t *ret_len)
{
    const char *stem = strncmp(tag, prefix, sizeof prefix - 1) == 0 ? tag + sizeof prefix - 1 : tag;
    size_t len = strlen(stem);

    if (len >= sizeof latest && strcmp(stem + len - (sizeof latest - 1), latest) == 0) {
        len -= sizeof latest - 1;
    }
    *ret_len = len;
    return stem;
}

void
image_instance_name(const char *tag, const char *suffix, char *ret, size_t size)
{
    size_t len, n = sizeof prefix - 1, room = size - strlen(suffix) - 2; /* the dash and the NUL */
    const char *stem = image_stem(tag, &len);

    memcpy(ret, prefix, n);
    for (size_t i = 0; i < len && n < room; i++) {
        if (isalnum((unsigned char)stem[i]) || strchr("_.-", stem[i])) {
            ret[n++] = stem[i];
        }
    }
    snprintf(ret + n, size - n, "-%s", suffix);
}
