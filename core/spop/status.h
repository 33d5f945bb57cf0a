/*
 * status.h - SPOP's words for what went wrong, as both sides say them when they part.
 */
#ifndef HF_SPOP_STATUS_H
#define HF_SPOP_STATUS_H

#include <stdint.h>

/*  status                 number  message                                             */
#define HF_SPOP_STATUSES(STATUS)                                                                   \
    STATUS(HF_SPOP_NORMAL, 0, "normal")                                                            \
    STATUS(HF_SPOP_IO, 1, "I/O error")                                                             \
    STATUS(HF_SPOP_TIMEOUT, 2, "a timeout occurred")                                               \
    STATUS(HF_SPOP_TOO_BIG, 3, "frame is too big")                                                 \
    STATUS(HF_SPOP_INVALID, 4, "invalid frame received")                                           \
    STATUS(HF_SPOP_NO_VERSION, 5, "version value not found")                                       \
    STATUS(HF_SPOP_NO_FRAME_SIZE, 6, "max-frame-size value not found")                             \
    STATUS(HF_SPOP_NO_CAPABILITIES, 7, "capabilities value not found")                             \
    STATUS(HF_SPOP_BAD_VERSION, 8, "unsupported version")                                          \
    STATUS(HF_SPOP_BAD_FRAME_SIZE, 9, "max-frame-size too big or too small")                       \
    STATUS(HF_SPOP_NO_FRAGMENTS, 10, "payload fragmentation is not supported")                     \
    STATUS(HF_SPOP_INTERLACED, 11, "invalid interlaced frames")                                    \
    STATUS(HF_SPOP_NO_FRAME_ID, 12, "frame-id not found")                                          \
    STATUS(HF_SPOP_NO_RESOURCES, 13, "resource allocation error")                                  \
    STATUS(HF_SPOP_UNKNOWN, 99, "an unknown error occurred")

enum hf_spop_status {
#define HF_SPOP_STATUS_ENUM(id, number, message) id = number,
    HF_SPOP_STATUSES(HF_SPOP_STATUS_ENUM)
#undef HF_SPOP_STATUS_ENUM
};

/* The message of a number; that of HF_SPOP_UNKNOWN for a strange one. */
const char *hf_spop_status_text(uint64_t status);

#endif
