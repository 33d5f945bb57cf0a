/*
 * shrink.h - a JPEG image in, a smaller one out.
 */
#ifndef HF_THUMBNAILER_SHRINK_H
#define HF_THUMBNAILER_SHRINK_H

#include <stddef.h>
#include <stdint.h>

/* Pixels along a side of the result, and in all of an original: a progressive image takes
 * 6 bytes for each while it is decoded. */
#define SHRINK_SIDE_MAX   2048
#define SHRINK_PIXELS_MAX 25000000

#define SHRINK_PROBLEM_MAX 200 /* what libjpeg calls JMSG_LENGTH_MAX */

/* Numbered as gRPC numbers them. */
enum shrink_status {
    SHRINK_OK = 0,
    SHRINK_BAD_IMAGE = 3, /* INVALID_ARGUMENT */
    SHRINK_NO_MEMORY = 8  /* RESOURCE_EXHAUSTED */
};

/* Makes the image in `jpeg` `width` by `height` pixels, both from 1 to SHRINK_SIDE_MAX.  Sets
 * `ret`, which is the caller's to free, and its length; or writes to `problem` why not. */
enum shrink_status shrink(const uint8_t *jpeg, size_t len, uint32_t width, uint32_t height,
                          uint8_t **ret, size_t *ret_len, char problem[static SHRINK_PROBLEM_MAX]);

#endif
