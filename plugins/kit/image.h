/*
 * image.h - the tags of images, and what instances are called after them.
 */
#ifndef HF_KIT_IMAGE_H
#define HF_KIT_IMAGE_H

#include <stddef.h>

/* The part of a tag without "hyperfaas-" in front and ":latest" behind; its length in `*ret_len`.
 */
const char *image_stem(const char *tag, size_t *ret_len);

/* Writes "hyperfaas-<stem>-<suffix>", the stem without what a container's name must not have, and
 * cut so that the whole fits. */
void image_instance_name(const char *tag, const char *suffix, char *ret, size_t size);

#endif
