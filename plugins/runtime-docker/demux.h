/*
 * demux.h - takes a log of the engine apart.
 *
 * Without a terminal, standard output and error come in frames: one byte that tells which,
 * three zeros, the length (big-endian), and so many bytes.
 */
#ifndef HF_RUNTIME_DOCKER_DEMUX_H
#define HF_RUNTIME_DOCKER_DEMUX_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD 8

struct demux {
    uint8_t head[FRAME_HEAD];
    size_t head_len;
    size_t left; /* of the present frame */
};

/* Calls `fn` with what was written, in the order in which it comes. */
void demux_add(struct demux *, const void *data, size_t len,
               void (*fn)(void *arg, const void *data, size_t len), void *arg);

#endif
