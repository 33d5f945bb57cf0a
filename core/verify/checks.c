/* checks.c - see checks.h. */
#include "verify/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "verify/imports.h"
#include "verify/isolate.h"

#define SECTION "module"

#define LIVES         1000
#define LIFE_STEPS    40
#define HISTORIES     5
#define HISTORY_STEPS 6000
#define OPTION_STEPS  200
#define STATE_MAX     65536u

/* Nanoseconds that a decision may take, which are generous. */
#define FEW_LIMIT  HF_MSEC
#define MANY       10000
#define MANY_LIMIT (20 * HF_MSEC)

/* A world from the beginning to the end; false: the module refused to be made, as it may. */
static bool
live(struct hf_trial *trial, uint64_t seed, uint32_t steps)
{
    void *world = trial->kind->open(&trial->drive, seed);

    for (uint32_t i = 0; world && i < steps; i++) {
        trial->kind->step(world);
    }
    if (world) {
        trial->kind->close(world);
    }
    return world != NULL;
}

/* --- what it says of itself ------------------------------------------------------------------- */

static void
check_options(struct hf_trial *trial)
{
    for (const struct hf_option *row = trial->drive.module->options; row && row->key; row++) {
        if (!row->help || !*row->help) {
            hf_probe_fail(trial->drive.probe, "write one or two sentences into its member `help`",
                          "the option '%s' has no help", row->key);
        }
        if (!row->fallback && !(row->flags & HF_OPT_REQUIRED) &&
            (row->type == HF_OPT_UINT || row->type == HF_OPT_DURATION || row->type == HF_OPT_SIZE ||
             row->type == HF_OPT_DOUBLE)) {
            hf_probe_fail(trial->drive.probe, "give it a `fallback`, or the flag HF_OPT_REQUIRED",
                          "the option '%s' is a number without a default", row->key);
        }
    }
}

static void
descriptor(struct hf_trial *trial)
{
    const struct hf_module *module = trial->drive.module;
    uint32_t size = trial->kind->state_size(module);
    const char *slash = strrchr(module->path, '/');
    hf_autofree char *file =
        hf_strdup_printf("%s-%s.so", hf_plugin_kind_name(module->kind), module->name);

    hf_assert(file);
    if (strcmp(slash ? slash + 1 : module->path, file) != 0) {
        hf_probe_fail(trial->drive.probe,
                      "name the file so, or it is found by its path only; the name is the first "
                      "argument of the macro at the end of the source",
                      "the file of the module '%s' should be %s", module->name, file);
    }
    if (!*module->summary || module->summary[strlen(module->summary) - 1] != '.') {
        hf_probe_fail(
            trial->drive.probe,
            "write one sentence as the second argument of the macro at the end of the source",
            "the summary \"%s\" is no sentence", module->summary);
    }
    if (size > STATE_MAX) {
        hf_probe_fail(trial->drive.probe, "keep in the room what is small, and allocate the rest",
                      "it wants a room of %u bytes for each, more than %u", size, STATE_MAX);
    }
    check_options(trial);
    hf_probe_detail(trial->drive.probe, "interface %u.%u, a room of %u bytes", module->abi_major,
                    module->abi_minor, size);
}

static void
imports(struct hf_trial *trial)
{
    const char *why;
    const char *name = hf_imports_forbidden(trial->drive.module, &why);

    if (name) {
        hf_probe_fail(trial->drive.probe, why, "the module calls %s(), which no policy may", name);
    }
}

/* --- lives ------------------------------------------------------------------------------------ */

/* Fails if memory grew over so many lives. */
static void
expect_no_leak(struct hf_trial *trial, size_t before, uint32_t lives, const char *what)
{
    size_t now = hf_heap_in_use();
    size_t more = now > before ? now - before : 0;

    if (more >= lives * sizeof(void *)) {
        hf_probe_fail(
            trial->drive.probe,
            "free in `destroy` what `create` made, and with each that is removed what was "
            "allocated when it was added",
            "%zu bytes were not freed after %u %s, about %zu each", more, lives, what,
            more / lives);
    }
}

static void
lives(struct hf_trial *trial)
{
    size_t before = 0;

    trial->kind->destroy_nothing(&trial->drive);
    for (uint32_t i = 0; i < LIVES + LIVES / 10; i++) {
        if (i == LIVES / 10) { /* what is allocated once has been */
            before = hf_heap_in_use();
        }
        live(trial, i % 10, LIFE_STEPS);
    }
    expect_no_leak(trial, before, LIVES, "lives");
}

/* Each allocation of a life fails once, and all behind it; how many there are. */
static uint32_t
fail_each_allocation(struct hf_trial *trial)
{
    uint32_t n = 0;
    bool failed = true;

    while (failed && n < LIVES / 10) {
        hf_probe_context(trial->drive.probe, "allocation %u and all behind it failing", ++n);
        hf_allocations_fail_at(n);
        live(trial, 1, LIFE_STEPS);
        failed = hf_allocations_failed() > 0;
        hf_allocations_fail_at(0);
    }
    return n - 1;
}

static void
lack_of_memory(struct hf_trial *trial)
{
    uint32_t allocations = 0;
    uint32_t measured = 0;
    size_t before;

    trial->drive.may_refuse = true;
    for (uint32_t n = 0; n < LIVES / 10; n += allocations + 1) {
        allocations = fail_each_allocation(trial);
    }
    before = hf_heap_in_use();
    for (; measured < LIVES / 2; measured += allocations + 1) {
        fail_each_allocation(trial);
    }
    expect_no_leak(trial, before, measured, "lives in which an allocation failed");
    hf_probe_detail(trial->drive.probe, "each of %u allocations failed", allocations);
}

static void
histories(struct hf_trial *trial)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        hf_probe_context(trial->drive.probe, "the random history of seed %llu",
                         (unsigned long long)seed);
        live(trial, seed, HISTORY_STEPS);
    }
}

static void
wild_numbers(struct hf_trial *trial)
{
    trial->drive.wild = true;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        hf_probe_context(trial->drive.probe, "zeros and huge numbers of seed %llu",
                         (unsigned long long)seed);
        live(trial, seed, HISTORY_STEPS);
    }
}

/* --- options ---------------------------------------------------------------------------------- */

int
hf_trial_options(const struct hf_module *module, const struct hf_config *config, const char *more,
                 struct hf_options **ret, struct hf_err *err)
{
    const struct hf_config_section *sections[] = { hf_config_section(config, SECTION), NULL };
    const struct hf_option *const tables[] = { module->options };
    hf_autofree char *assignment = more ? hf_strdup_printf(SECTION ".%s", more) : NULL;
    struct hf_config *other = NULL;
    int r = hf_config_new(&other, err);

    if (r == 0 && assignment) {
        r = hf_config_set(other, assignment, err);
        sections[1] = hf_config_section(other, SECTION);
    }
    for (size_t i = 0; r == 0 && i < hf_countof(sections); i++) {
        r = hf_options_check_keys(sections[i], tables, 1, err);
    }
    if (r == 0) {
        /* The last one counts. */
        r = hf_options_new_from(SECTION, sections, hf_countof(sections), module->options, ret, err);
    }
    hf_config_free(other);
    return r;
}

/* The `i`th value to be tried for an option; NULL: there are no more.  The host refuses those that
 * are no values of its type. */
static const char *
value_to_try(const struct hf_option *row, size_t i, char *room, size_t size)
{
    static const char *const values[] = {
        "0",          "1",          "2",
        "7",          "1000",       "65536",
        "4294967295", "4294967296", "18446744073709551615",
        "1us",        "1s",         "1h",
        "100000h",    "1GiB",       "-1",
        "0.5",        "1e-300",     "1e300",
        "yes",        "no",         "",
        "x",
    };
    const char *const own[] = { row->fallback, row->min, row->max };
    const char *choice = row->choices ? row->choices : "";

    if (i < hf_countof(own)) {
        return own[i] ? own[i] : "";
    }
    i -= hf_countof(own);
    if (i < hf_countof(values)) {
        return values[i];
    }
    for (i -= hf_countof(values); i > 0 && *choice; i--) {
        choice += strcspn(choice, "|");
        choice += *choice == '|';
    }
    snprintf(room, size, "%.*s", (int)strcspn(choice, "|"), choice);
    return *choice ? room : NULL;
}

/* Runs the module with one more value, if the host takes it; false: it does not. */
static bool
try_value(struct hf_trial *trial, const char *assignment)
{
    const struct hf_options *given = trial->drive.options;
    struct hf_options *options = NULL;

    if (hf_trial_options(trial->drive.module, trial->config, assignment, &options, NULL) < 0) {
        return false;
    }
    hf_probe_context(trial->drive.probe, "%s", assignment);
    trial->drive.options = options;
    live(trial, 1, OPTION_STEPS);
    trial->drive.options = given;
    hf_options_free(options);
    return true;
}

static void
options_at_bounds(struct hf_trial *trial)
{
    uint32_t taken = 0;
    uint32_t refused = 0;
    char room[128];

    trial->drive.may_refuse = true;
    for (const struct hf_option *row = trial->drive.module->options; row && row->key; row++) {
        const char *value;

        for (size_t i = 0; (value = value_to_try(row, i, room, sizeof room)); i++) {
            hf_autofree char *assignment = hf_strdup_printf("%s=%s", row->key, value);
            bool ok = assignment && try_value(trial, assignment);

            taken += ok;
            refused += !ok;
        }
    }
    hf_probe_detail(trial->drive.probe, "%u values, and %u that the table of options refuses",
                    taken, refused);
}

/* --- determinism ------------------------------------------------------------------------------ */

/* The second run has another heap, and lives beside another instance: neither may matter. */
static void
determinism(struct hf_trial *trial)
{
    struct hf_trial other = *trial;
    void *beside = NULL;
    void *world;

    other.drive.quiet = true;
    hf_allocations_fill(trial->again ? 0xA5 : 0x5A);
    if (trial->again) {
        beside = other.kind->open(&other.drive, 99);
    }
    world = trial->kind->open(&trial->drive, 1);
    for (uint32_t i = 0; i < HISTORY_STEPS; i++) {
        trial->kind->step(world);
        if (beside) {
            other.kind->step(beside);
        }
    }
    trial->kind->close(world);
    if (beside) {
        other.kind->close(beside);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void
time_per_decision(struct hf_trial *trial)
{
    const uint64_t slower = hf_is_sanitized() ? 20 : 1;
    const char *what;
    uint64_t few = trial->kind->crowd(&trial->drive, 10, &what);
    uint64_t many = trial->kind->crowd(&trial->drive, MANY, &what);

    if (few > FEW_LIMIT * slower || many > MANY_LIMIT * slower) {
        hf_probe_fail(trial->drive.probe,
                      "do less for each decision: calls wait for it, and others behind them",
                      "%s takes %llu ns among 10 and %llu ns among 10,000", what,
                      (unsigned long long)few, (unsigned long long)many);
    }
    hf_probe_detail(trial->drive.probe, "%s: %llu ns among 10, %llu ns among 10,000", what,
                    (unsigned long long)few, (unsigned long long)many);
}

const struct hf_check hf_checks[] = {
    { "descriptor and options", descriptor, false },
    { "imports", imports, false },
    { "made and destroyed 1,000 times", lives, false },
    { "lack of memory", lack_of_memory, false },
    { "options at their bounds and beyond", options_at_bounds, false },
    { "random histories", histories, false },
    { "zeros, huge numbers, jumps of the clock", wild_numbers, false },
    { "determinism", determinism, true },
    { "time per decision", time_per_decision, false },
    { NULL, NULL, false },
};
