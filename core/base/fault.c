/* fault.c - setting and deciding faults; see fault.h. */
#include "base/fault.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "base/random.h"
#include "base/text.h"

struct setting {
    char text[40];      /* as it was set */
    double probability; /* 0: never */
    uint64_t skip;      /* occasions to let pass */
    uint64_t count;     /* occasions to fail after that; UINT64_MAX: all */
};

static const struct {
    const char *name;
    const char *help;
} faults[] = {
#define FAULT_ROW(id, name, help) { name, help },
    HF_FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

atomic_uint hf_faults_set;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct setting settings[hf_countof(faults)];
static uint64_t failed[hf_countof(faults)];
static struct hf_random generator = { .s = { 1, 2, 3, 4 } };

bool
hf_fault_decide(enum hf_fault fault)
{
    struct setting *setting = &settings[fault];
    bool fail = false;

    pthread_mutex_lock(&mutex);
    if (setting->skip > 0) {
        setting->skip--;
    } else if (setting->count > 0) { /* else another thread took the last occasion */
        fail = setting->probability >= 1.0 || hf_random_double(&generator) < setting->probability;
    }
    if (fail) {
        failed[fault]++;
        if (setting->count != UINT64_MAX && --setting->count == 0) {
            atomic_fetch_and(&hf_faults_set, ~(1U << fault));
        }
    }
    pthread_mutex_unlock(&mutex);
    return fail;
}

/* --- setting ------------------------------------------------------------------------------- */

/* "N" or "N,M". */
static int
parse_skip(const char *text, struct setting *ret, struct hf_err *err)
{
    size_t len = strcspn(text, ",");
    char first[24];
    int r;

    snprintf(first, sizeof first, "%.*s", (int)len, text);
    r = hf_parse_u64(first, &ret->skip, err);
    return r < 0 || !text[len]
               ? r
               : hf_parse_u64_range(text + len + 1, 1, UINT64_MAX, &ret->count, err);
}

static int
parse_setting(const char *what, struct setting *ret, struct hf_err *err)
{
    const char *space = strchr(what, ' ');
    const char *value = space ? space + 1 : "";
    size_t len = (size_t)(value - what);

    *ret = (struct setting){ .probability = 1.0, .count = UINT64_MAX };
    snprintf(ret->text, sizeof ret->text, "%s", what);
    if (strcmp(what, "always") == 0) {
        return 0;
    }
    if (strcmp(what, "off") == 0) {
        ret->count = 0;
        return 0;
    }
    if (space && strncmp(what, "count ", len) == 0) {
        return hf_parse_u64_range(value, 1, UINT64_MAX, &ret->count, err);
    }
    if (space && strncmp(what, "skip ", len) == 0) {
        return parse_skip(value, ret, err);
    }
    if (space && strncmp(what, "probability ", len) == 0 &&
        hf_parse_double(value, &ret->probability, err) == 0 && ret->probability >= 0 &&
        ret->probability <= 1) {
        return 0;
    }
    return hf_fail(err, HF_EINVALID,
                   "'%s' is no setting of a fault; it is one of: off, always, probability P "
                   "(between 0 and 1), count N, skip N, skip N,M",
                   what);
}

static int
find(const char *name, unsigned *ret, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    for (unsigned i = 0; i < hf_countof(faults); i++) {
        if (strcmp(faults[i].name, name) == 0) {
            *ret = i;
            return 0;
        }
        hf_text_printf(&names, "%s%s", i > 0 ? ", " : "", faults[i].name);
    }
    return hf_fail(err, HF_ENOTFOUND, "there is no fault '%s'; there are: %s", name,
                   hf_text_str(&names));
}

int
hf_fault_set(const char *name, const char *what, struct hf_err *err)
{
    struct setting setting = { .count = 0 };
    unsigned fault;
    int r = find(name, &fault, err);

    if (r < 0) {
        return r;
    }
    r = parse_setting(what, &setting, err);
    if (r < 0) {
        return hf_err_wrap(err, r, "fault '%s'", name);
    }
    pthread_mutex_lock(&mutex);
    settings[fault] = setting;
    if (setting.count > 0) {
        atomic_fetch_or(&hf_faults_set, 1U << fault);
    } else {
        atomic_fetch_and(&hf_faults_set, ~(1U << fault));
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

void
hf_fault_clear(void)
{
    atomic_store(&hf_faults_set, 0);
}

void
hf_fault_show(struct hf_text *out)
{
    unsigned set = atomic_load(&hf_faults_set);

    pthread_mutex_lock(&mutex);
    for (unsigned i = 0; i < hf_countof(faults); i++) {
        hf_text_printf(out, "%s: %s, failed %" PRIu64 " times  (%s)\n", faults[i].name,
                       (set & 1U << i) ? settings[i].text : "off", failed[i], faults[i].help);
    }
    pthread_mutex_unlock(&mutex);
}
