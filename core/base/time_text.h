/*
 * time_text.h - points in time and durations, as JSON writes google.protobuf.Timestamp and
 * Duration.
 */
#ifndef HF_BASE_TIME_TEXT_H
#define HF_BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct hf_time {
    int64_t seconds;
    int32_t nanos; /* of a duration with the sign of the whole */
};

/* "2024-02-29T12:00:00.5Z", "2024-02-29T13:00:00+01:00".  Whether it is one. */
bool hf_timestamp_parse(const char *text, struct hf_time *ret);

/* "1.5s", "-3s".  Whether it is one. */
bool hf_duration_parse(const char *text, struct hf_time *ret);

/* Append the text, without quotes.  False, and nothing: it is out of range. */
bool hf_timestamp_format(const struct hf_time *time, struct hf_text *out);
bool hf_duration_format(const struct hf_time *time, struct hf_text *out);

#endif
