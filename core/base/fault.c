/* fault.c - setting and deciding fault points; see fault.h. */
#include "base/fault.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "base/random.h"
#include "base/text.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hf_fault_point *points; /* sorted by name */
static struct hf_random generator = { .s = { 1, 2, 3, 4 } };

void
hf_fault_register(struct hf_fault_point *point)
{
    struct hf_fault_point **at = &points;

    pthread_mutex_lock(&mutex);
    while (*at && strcmp((*at)->name, point->name) < 0) {
        at = &(*at)->next;
    }
    point->next = *at;
    *at = point;
    pthread_mutex_unlock(&mutex);
}

bool
hf_fault_decide(struct hf_fault_point *point)
{
    bool fail = false;

    pthread_mutex_lock(&mutex);
    if (!atomic_load_explicit(&point->armed, memory_order_relaxed)) {
        fail = false; /* another thread took the last occasion */
    } else if (point->skip > 0) {
        point->skip--;
    } else {
        fail = point->probability >= 1.0 || hf_random_double(&generator) < point->probability;
    }
    if (fail) {
        point->hits++;
        if (point->count != UINT64_MAX && --point->count == 0) {
            atomic_store_explicit(&point->armed, false, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&mutex);
    return fail;
}

/* --- setting ------------------------------------------------------------------------------- */

struct setting {
    bool armed;
    double probability;
    uint64_t skip;
    uint64_t count;
};

static int
parse_probability(const char *text, struct setting *ret, struct hf_err *err)
{
    int r = hf_parse_double(text, &ret->probability, err);

    if (r == 0 && !(ret->probability >= 0 && ret->probability <= 1)) {
        r = hf_fail(err, HF_EINVALID, "'%s' is no probability; it is between 0 and 1", text);
    }
    return r;
}

/* "N" or "N,M". */
static int
parse_skip(const char *text, struct setting *ret, struct hf_err *err)
{
    const char *comma = strchr(text, ',');
    hf_autofree char *first = comma ? strndup(text, (size_t)(comma - text)) : strdup(text);
    int r;

    if (!first) {
        return hf_fail(err, HF_ENOMEM, "no memory for a fault setting");
    }
    r = hf_parse_u64(first, &ret->skip, err);
    return r < 0 || !comma ? r : hf_parse_u64_range(comma + 1, 1, UINT64_MAX, &ret->count, err);
}

static int
parse_setting(const char *what, struct setting *ret, struct hf_err *err)
{
    size_t len = strcspn(what, " ");
    const char *value = what + len + strspn(what + len, " ");

    *ret = (struct setting){ .armed = true, .probability = 1.0, .count = UINT64_MAX };
    if (strcmp(what, "off") == 0) {
        ret->armed = false;
        return 0;
    }
    if (strcmp(what, "always") == 0) {
        return 0;
    }
    if (strncmp(what, "probability", len) == 0 && len == strlen("probability")) {
        return parse_probability(value, ret, err);
    }
    if (strncmp(what, "count", len) == 0 && len == strlen("count")) {
        return hf_parse_u64_range(value, 1, UINT64_MAX, &ret->count, err);
    }
    if (strncmp(what, "skip", len) == 0 && len == strlen("skip")) {
        return parse_skip(value, ret, err);
    }
    return hf_fail(err, HF_EINVALID,
                   "'%s' is no setting of a fault point; it is one of: off, always, "
                   "probability P, count N, skip N, skip N,M",
                   what);
}

/* Mutex held. */
static struct hf_fault_point *
find(const char *name)
{
    struct hf_fault_point *point = points;

    while (point && strcmp(point->name, name) != 0) {
        point = point->next;
    }
    return point;
}

static int
fail_no_point(const char *name, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    pthread_mutex_lock(&mutex);
    for (struct hf_fault_point *point = points; point; point = point->next) {
        hf_text_printf(&names, "%s%s", names.len ? ", " : "", point->name);
    }
    pthread_mutex_unlock(&mutex);
    return hf_fail(err, HF_ENOTFOUND, "there is no fault point '%s'; there are: %s", name,
                   hf_text_str(&names));
}

int
hf_fault_set(const char *name, const char *what, struct hf_err *err)
{
    struct setting setting;
    struct hf_fault_point *point;
    int r = parse_setting(what, &setting, err);

    if (r < 0) {
        return hf_err_wrap(err, r, "fault point '%s'", name);
    }
    pthread_mutex_lock(&mutex);
    point = find(name);
    if (point) {
        point->probability = setting.probability;
        point->skip = setting.skip;
        point->count = setting.count;
        atomic_store_explicit(&point->armed, setting.armed, memory_order_relaxed);
    }
    pthread_mutex_unlock(&mutex);
    return point ? 0 : fail_no_point(name, err);
}

void
hf_fault_clear(void)
{
    pthread_mutex_lock(&mutex);
    for (struct hf_fault_point *point = points; point; point = point->next) {
        atomic_store_explicit(&point->armed, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&mutex);
}

void
hf_fault_seed(uint64_t seed)
{
    pthread_mutex_lock(&mutex);
    hf_random_init(&generator, seed);
    pthread_mutex_unlock(&mutex);
}

static void
show_setting(const struct hf_fault_point *point, struct hf_text *out)
{
    if (!atomic_load_explicit(&point->armed, memory_order_relaxed)) {
        hf_text_add(out, "off");
    } else if (point->probability < 1.0) {
        hf_text_printf(out, "probability %g", point->probability);
    } else if (point->skip > 0 && point->count != UINT64_MAX) {
        hf_text_printf(out, "skip %" PRIu64 ",%" PRIu64, point->skip, point->count);
    } else if (point->skip > 0) {
        hf_text_printf(out, "skip %" PRIu64, point->skip);
    } else if (point->count != UINT64_MAX) {
        hf_text_printf(out, "count %" PRIu64, point->count);
    } else {
        hf_text_add(out, "always");
    }
}

void
hf_fault_show(struct hf_text *out)
{
    pthread_mutex_lock(&mutex);
    for (struct hf_fault_point *point = points; point; point = point->next) {
        hf_text_printf(out, "%s: ", point->name);
        show_setting(point, out);
        hf_text_printf(out, ", failed %" PRIu64 " times  (%s)\n", point->hits, point->help);
    }
    pthread_mutex_unlock(&mutex);
}
