/*
 * time_text.c - points in time and durations, as JSON writes google.protobuf.Timestamp and
 * Duration.
 */
#include "base/time_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NANOS 1000000000

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define TIMESTAMP_MIN INT64_C(-62135596800)
#define TIMESTAMP_MAX INT64_C(253402300799)

/* Ten thousand years. */
#define DURATION_MAX INT64_C(315576000000)

/* --- reading ------------------------------------------------------------------------------ */

/* Takes exactly `digits` digits. */
static bool
take_number(const char **text, unsigned int digits, int *ret)
{
    *ret = 0;
    for (unsigned int i = 0; i < digits; i++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        *ret = 10 * *ret + (*(*text)++ - '0');
    }
    return true;
}

static bool
take_char(const char **text, char c)
{
    return *(*text)++ == c;
}

/* Takes a point and up to nine digits, if there is a point. */
static bool
take_fraction(const char **text, int32_t *ret)
{
    int32_t unit = NANOS / 10;

    *ret = 0;
    if (**text != '.') {
        return true;
    }
    for (++*text; **text >= '0' && **text <= '9' && unit > 0; unit /= 10) {
        *ret += (*(*text)++ - '0') * unit;
    }
    return unit < NANOS / 10 && (**text < '0' || **text > '9');
}

/* Takes "Z", "+01:00" or "-01:00", in seconds, up to the end. */
static bool
take_zone(const char *text, int64_t *ret)
{
    int sign = *text == '-' ? -1 : 1;
    int hours;
    int minutes;

    *ret = 0;
    if (*text == 'Z') {
        return text[1] == '\0';
    }
    if (*text != '+' && *text != '-') {
        return false;
    }
    text++;
    if (!take_number(&text, 2, &hours) || !take_char(&text, ':') ||
        !take_number(&text, 2, &minutes)) {
        return false;
    }
    *ret = (int64_t)sign * (hours * 3600 + minutes * 60);
    return *text == '\0' && hours < 24 && minutes < 60;
}

/* Takes "2024-02-29T12:00:00"; refuses what no calendar or clock has. */
static bool
take_date(const char **text, int64_t *ret)
{
    struct tm given = { .tm_isdst = 0 };
    struct tm made;

    if (!take_number(text, 4, &given.tm_year) || !take_char(text, '-') ||
        !take_number(text, 2, &given.tm_mon) || !take_char(text, '-') ||
        !take_number(text, 2, &given.tm_mday) || !take_char(text, 'T') ||
        !take_number(text, 2, &given.tm_hour) || !take_char(text, ':') ||
        !take_number(text, 2, &given.tm_min) || !take_char(text, ':') ||
        !take_number(text, 2, &given.tm_sec)) {
        return false;
    }
    given.tm_year -= 1900;
    given.tm_mon -= 1;
    made = given;
    *ret = timegm(&made); /* makes March of the 30th of February */
    return made.tm_year == given.tm_year && made.tm_mon == given.tm_mon &&
           made.tm_mday == given.tm_mday && made.tm_hour == given.tm_hour &&
           made.tm_min == given.tm_min && made.tm_sec == given.tm_sec;
}

bool
hf_timestamp_parse(const char *text, struct hf_time *ret)
{
    int64_t zone;

    if (!take_date(&text, &ret->seconds) || !take_fraction(&text, &ret->nanos) ||
        !take_zone(text, &zone)) {
        return false;
    }
    ret->seconds -= zone;
    return ret->seconds >= TIMESTAMP_MIN && ret->seconds <= TIMESTAMP_MAX;
}

bool
hf_duration_parse(const char *text, struct hf_time *ret)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    char *end;

    if (*digits < '0' || *digits > '9' || strspn(digits, "0123456789") > 12) {
        return false;
    }
    ret->seconds = strtoll(digits, &end, 10);
    text = end;
    if (!take_fraction(&text, &ret->nanos) || strcmp(text, "s") != 0 ||
        ret->seconds > DURATION_MAX) {
        return false;
    }
    if (negative) {
        ret->seconds = -ret->seconds;
        ret->nanos = -ret->nanos;
    }
    return true;
}

/* --- writing ------------------------------------------------------------------------------ */

/* In groups of three digits, as many as it takes. */
static void
put_fraction(int32_t nanos, struct hf_text *out)
{
    if (nanos % 1000000 == 0 && nanos > 0) {
        hf_text_printf(out, ".%03" PRId32, nanos / 1000000);
    } else if (nanos % 1000 == 0 && nanos > 0) {
        hf_text_printf(out, ".%06" PRId32, nanos / 1000);
    } else if (nanos > 0) {
        hf_text_printf(out, ".%09" PRId32, nanos);
    }
}

bool
hf_timestamp_format(const struct hf_time *time, struct hf_text *out)
{
    time_t seconds = (time_t)time->seconds;
    struct tm parts;

    if (time->seconds < TIMESTAMP_MIN || time->seconds > TIMESTAMP_MAX || time->nanos < 0 ||
        time->nanos >= NANOS || !gmtime_r(&seconds, &parts)) {
        return false;
    }
    hf_text_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    put_fraction(time->nanos, out);
    hf_text_add_char(out, 'Z');
    return true;
}

bool
hf_duration_format(const struct hf_time *time, struct hf_text *out)
{
    bool negative = time->seconds < 0 || time->nanos < 0;

    if (time->seconds < -DURATION_MAX || time->seconds > DURATION_MAX || time->nanos <= -NANOS ||
        time->nanos >= NANOS || (negative && (time->seconds > 0 || time->nanos > 0))) {
        return false;
    }
    hf_text_printf(out, "%s%" PRId64, negative ? "-" : "",
                   negative ? -time->seconds : time->seconds);
    put_fraction(negative ? -time->nanos : time->nanos, out);
    hf_text_add_char(out, 's');
    return true;
}
