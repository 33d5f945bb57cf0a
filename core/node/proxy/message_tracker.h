/*
 * message_tracker.h - where in a byte stream gRPC messages begin and end.
 *
 * A proxy forwards bytes as they come and never assembles messages; it only has
 * to know whether a response that breaks off stands at a boundary, where trailers
 * may still follow (gRPC's doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
 */
#ifndef HF_PROXY_MESSAGE_TRACKER_H
#define HF_PROXY_MESSAGE_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is the beginning. */
struct hf_message_tracker {
    uint64_t remaining;  /* bytes of the current message still to come */
    uint8_t prefix[4];   /* its length, big-endian, as far as seen */
    uint8_t prefix_seen; /* bytes of the 5-byte prefix seen: 0..4 */
};

/* The next bytes of the stream. */
void hf_message_tracker_feed(struct hf_message_tracker *, const uint8_t *data, size_t len);

/* Whether what was fed ends with a whole message. */
static inline bool
hf_message_tracker_at_boundary(const struct hf_message_tracker *tracker)
{
    return tracker->remaining == 0 && tracker->prefix_seen == 0;
}

#endif
