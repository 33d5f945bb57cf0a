/*
 * message_tracker.c - where in a byte stream gRPC messages begin and end.
 */
#include "node/proxy/message_tracker.h"

#define PREFIX_LEN 5 /* a flag byte, then the length in four */

/* Takes the next bytes of a prefix; returns how many. */
static size_t
feed_prefix(struct hf_message_tracker *tracker, const uint8_t *data, size_t len)
{
    size_t used = 0;

    while (used < len && tracker->prefix_seen < PREFIX_LEN) {
        if (tracker->prefix_seen > 0) {
            tracker->prefix[tracker->prefix_seen - 1] = data[used];
        }
        tracker->prefix_seen++;
        used++;
    }
    if (tracker->prefix_seen == PREFIX_LEN) {
        const uint8_t *p = tracker->prefix;

        tracker->remaining =
            (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
        tracker->prefix_seen = 0;
    }
    return used;
}

void
hf_message_tracker_feed(struct hf_message_tracker *tracker, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t used;

        if (tracker->remaining > 0) {
            used = tracker->remaining < len ? (size_t)tracker->remaining : len;
            tracker->remaining -= used;
        } else {
            used = feed_prefix(tracker, data, len);
        }
        data += used;
        len -= used;
    }
}
