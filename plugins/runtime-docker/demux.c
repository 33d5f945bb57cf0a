/*
 * demux.c - takes a log of the engine apart.
 */
#include "demux.h"

#include <string.h>

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void
demux_add(struct demux *demux, const void *data, size_t len,
          void (*fn)(void *arg, const void *data, size_t len), void *arg)
{
    const uint8_t *rest = data;

    while (len > 0) {
        size_t n;

        if (demux->left > 0) {
            n = smaller(demux->left, len);
            fn(arg, rest, n);
            demux->left -= n;
        } else {
            n = smaller(FRAME_HEAD - demux->head_len, len);
            memcpy(demux->head + demux->head_len, rest, n);
            demux->head_len += n;
            if (demux->head_len == FRAME_HEAD) {
                demux->left = (size_t)demux->head[4] << 24 | (size_t)demux->head[5] << 16 |
                              (size_t)demux->head[6] << 8 | demux->head[7];
                demux->head_len = 0;
            }
        }
        rest += n;
        len -= n;
    }
}
