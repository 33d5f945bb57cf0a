/*
 * names.c - what containers and images are called.
 */
#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "hyperfaas-"
#define LATEST ":latest"

/* What remains for the image between the prefix and the eight digits. */
#define IMAGE_ROOM (NAME_SIZE - sizeof PREFIX - sizeof "-01234567" + 1)

void
name_container(const char *image, uint64_t unique, char ret[static NAME_SIZE])
{
    char part[IMAGE_ROOM + 1];
    size_t len = strlen(image);
    size_t n = 0;

    if (strncmp(image, PREFIX, strlen(PREFIX)) == 0) {
        image += strlen(PREFIX);
        len -= strlen(PREFIX);
    }
    if (len > strlen(LATEST) && strcmp(image + len - strlen(LATEST), LATEST) == 0) {
        len -= strlen(LATEST);
    }
    for (size_t i = 0; i < len && n < IMAGE_ROOM; i++) {
        if (isalnum((unsigned char)image[i]) || strchr("_.-", image[i])) {
            part[n++] = image[i];
        }
    }
    part[n] = '\0';
    snprintf(ret, NAME_SIZE, PREFIX "%s-%08x", part, (unsigned)(unique & UINT32_MAX));
}

char *
name_repository(const char *image, const char **ret_tag)
{
    const char *slash = strrchr(image, '/');
    const char *tag = strchr(image, '@');
    char *repository;

    if (!tag) { /* a colon before the last slash belongs to a registry's port */
        tag = strchr(slash ? slash : image, ':');
    }
    repository = tag ? strndup(image, (size_t)(tag - image)) : strdup(image);
    *ret_tag = tag && tag[1] ? tag + 1 : "latest";
    return repository;
}

const char *
name_plain(const char *image)
{
    static const char *const prefixes[] = { "docker.io/library/", "docker.io/", "localhost/" };

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]);

        if (strncmp(image, prefixes[i], len) == 0) {
            return image + len;
        }
    }
    return image;
}

bool
name_instance(const char *container_id, char ret[static INSTANCE_ID_SIZE])
{
    size_t n = strspn(container_id, "0123456789abcdef");

    if (n < INSTANCE_ID_SIZE - 1 || container_id[n] != '\0') {
        return false;
    }
    memcpy(ret, container_id, INSTANCE_ID_SIZE - 1);
    ret[INSTANCE_ID_SIZE - 1] = '\0';
    return true;
}

char *
name_escape(const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = malloc(3 * strlen(text) + 1);
    char *end = escaped;

    for (; escaped && *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text)) {
            *end++ = *text;
        } else {
            *end++ = '%';
            *end++ = digits[(unsigned char)*text >> 4];
            *end++ = digits[(unsigned char)*text & 15];
        }
    }
    if (escaped) {
        *end = '\0';
    }
    return escaped;
}
