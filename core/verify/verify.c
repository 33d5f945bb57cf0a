/* verify.c - running the checks, and judging how they ended; see verify.h. */
#include "verify/verify.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "verify/checks.h"
#include "verify/imports.h"
#include "verify/isolate.h"

#define CPU_NS       (5 * HF_SEC)
#define SANITIZED    6  /* times slower with a sanitizer */
#define WAITING      20 /* times the processor's time, on a machine that is busy */
#define MEMORY_BYTES (UINT64_C(512) << 20)

static const struct hf_kind_drive *const kinds[] = { &hf_drive_lb, &hf_drive_scheduler,
                                                     &hf_drive_scaler };

/* One module being checked. */
struct run {
    struct hf_trial trial;
    struct hf_isolation limits;
    struct hf_probe *probe;
    struct hf_probe *again; /* of a second run */
    const struct hf_verify_settings *settings;
    struct hf_verify_report *report;
    struct hf_err *err;
};

/* --- verdicts --------------------------------------------------------------------------------- */

/* What went wrong, in the words of a verdict. */
struct words {
    bool failed;
    struct hf_text observed;
    struct hf_text input;
    struct hf_text fix;
};

static void
words_init(struct words *words)
{
    words->failed = false;
    hf_text_init(&words->observed);
    hf_text_init(&words->input);
    hf_text_init(&words->fix);
}

static int
add_verdict(struct run *run, const char *check, uint64_t ns, struct words *words)
{
    struct hf_verify_report *report = run->report;
    struct hf_verdict *verdicts =
        reallocarray(report->verdicts, report->n + 1, sizeof *report->verdicts);
    struct hf_verdict *verdict;

    if (!verdicts) {
        return hf_fail(run->err, HF_ENOMEM, "no memory for a verdict");
    }
    report->verdicts = verdicts;
    verdict = &verdicts[report->n++];
    hf_text_add(&words->observed, ""); /* texts that are empty are texts */
    hf_text_add(&words->input, "");
    hf_text_add(&words->fix, "");
    *verdict = (struct hf_verdict){
        .check = check,
        .ok = !words->failed,
        .ns = ns,
        .observed = hf_text_steal(&words->observed),
        .input = hf_text_steal(&words->input),
        .fix = hf_text_steal(&words->fix),
    };
    report->failed += words->failed;
    if (run->settings->on_verdict) {
        run->settings->on_verdict(run->settings->arg, verdict);
    }
    return 0;
}

void
hf_verify_fini(struct hf_verify_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        free(report->verdicts[i].observed);
        free(report->verdicts[i].input);
        free(report->verdicts[i].fix);
    }
    free(report->verdicts);
    *report = (struct hf_verify_report){ 0 };
}

/* --- judging ---------------------------------------------------------------------------------- */

/* The line of a sanitizer's report that says what it found; NULL: there is none. */
static const char *
find_report(const char *output)
{
    const char *found = strstr(output, "ERROR: ");

    return found ? found : strstr(output, "runtime error: ");
}

static void
judge_signal(const struct hf_probe *probe, const char *operation, struct words *words)
{
    if (!probe->in_module) {
        hf_text_printf(&words->observed, "the check itself crashed after %s (signal %d)", operation,
                       probe->signal);
        hf_text_add(&words->fix,
                    "if the module wrote where it must not, that is why; else report it");
    } else if (probe->trespass == HF_TRESPASS_ROOM) {
        hf_text_printf(&words->observed,
                       "%s touched memory beside its room, or that of something that has left",
                       operation);
        hf_text_add(&words->fix,
                    "let the size in the table of operations be that of your structure, "
                    "and keep no pointer to what was removed");
    } else if (probe->trespass == HF_TRESPASS_LIST) {
        hf_text_printf(&words->observed, "%s read or wrote behind the end of a list in its view",
                       operation);
        hf_text_add(&words->fix, "stay below the count that stands beside the list");
    } else if (probe->signal == SIGFPE) {
        hf_text_printf(&words->observed, "%s divided by zero (SIGFPE)", operation);
        hf_text_add(&words->fix, "counts, capacities and times may be 0: look before dividing");
    } else {
        hf_text_printf(&words->observed, "%s crashed (SIG%s", operation,
                       sigabbrev_np(probe->signal) ? sigabbrev_np(probe->signal) : "?");
        if (probe->signal == SIGSEGV || probe->signal == SIGBUS) {
            hf_text_printf(&words->observed, ", address 0x%llx",
                           (unsigned long long)probe->address);
        }
        hf_text_add_char(&words->observed, ')');
        hf_text_add(&words->fix, "build it with -g and run this in a debugger: gdb -ex 'set "
                                 "follow-fork-mode child' --args hyperfaas plugin check FILE");
    }
}

static void
judge_slow(const struct hf_probe *probe, const char *operation, const struct hf_isolation *limits,
           struct words *words)
{
    double seconds = (double)limits->cpu_ns / 1e9;

    if (probe->in_module) {
        hf_text_printf(&words->observed, "%s did not return within %.3g s of processor time",
                       operation, seconds);
        hf_text_add(&words->fix,
                    "look for a loop that has no end with this input, or for something "
                    "that waits");
    } else {
        hf_text_printf(&words->observed, "the check took more than %.3g s; it was at %s", seconds,
                       operation);
        hf_text_add(&words->fix, "do less for each decision, or allow more time with --limit");
    }
}

/* Says what a check's process came to. */
static void
judge(const struct hf_probe *probe, enum hf_ending ending, const struct hf_isolation *limits,
      const struct hf_text *output, struct words *words)
{
    const char *report = find_report(hf_text_str(output));
    const char *operation = probe->asked > 0 ? hf_probe_operation(probe) : "the check itself";

    words->failed = ending != HF_ENDING_DONE || probe->failed || report;
    if (!words->failed) {
        hf_text_add(&words->observed, probe->detail);
        return;
    }
    if (probe->failed) {
        hf_text_add(&words->observed, probe->observed);
        hf_text_add(&words->fix, probe->fix);
    } else if (report) {
        hf_text_printf(&words->observed, "a sanitizer reports in %s:", operation);
        hf_text_add(&words->fix,
                    "its whole report is on stderr when a test of yours runs the same");
    } else if (ending == HF_ENDING_SIGNAL) {
        judge_signal(probe, operation, words);
    } else if (ending == HF_ENDING_SLOW) {
        judge_slow(probe, operation, limits, words);
    } else {
        hf_text_printf(&words->observed, "%s ended the process", operation);
        hf_text_add(&words->fix, "the process is the node's: report failures with host->fail");
    }
    hf_probe_write_input(probe, &words->input);
    if (output->len > 0) {
        const char *line = report ? report : hf_text_str(output);

        hf_text_printf(&words->observed, "%s%.*s",
                       report ? " " : "; it wrote: ", (int)hf_min(strcspn(line, "\n"), (size_t)300),
                       line);
    }
}

/* Two runs with the same inputs must have decided the same. */
static void
compare(const struct hf_probe *a, const struct hf_probe *b, struct words *words)
{
    uint32_t i = 0;

    while (i < a->answer_count && i < b->answer_count &&
           a->answers[i].value == b->answers[i].value) {
        i++;
    }
    if (i == a->answer_count && i == b->answer_count) {
        hf_text_printf(&words->observed, "%u decisions were the same twice", i);
        return;
    }
    words->failed = true;
    hf_text_printf(
        &words->observed,
        "of two runs with the same inputs the first answered %llu and the second %llu, in "
        "%s",
        (unsigned long long)a->answers[i].value, (unsigned long long)b->answers[i].value,
        i < a->answer_count ? a->answers[i].operation : "an operation that one lacks");
    hf_text_printf(&words->input,
                   "decision %u, call %llu; the second run had another instance beside "
                   "it, and other bytes in fresh memory",
                   i + 1, (unsigned long long)a->answers[i].question);
    hf_text_add(&words->fix,
                "decide by the views, the options and the instance's own state alone: no "
                "globals, no addresses, no memory that was not written, no clock");
}

/* --- running ---------------------------------------------------------------------------------- */

struct job {
    struct hf_trial *trial;
    void (*run)(struct hf_trial *trial);
};

static void
run_job(void *arg)
{
    const struct job *job = arg;

    hf_allocations_watch(job->trial->drive.module);
    job->run(job->trial);
}

static void
run_script(struct hf_trial *trial)
{
    trial->script->run(&trial->drive);
}

/* One process, and what it came to. */
static int
run_once(struct run *run, struct hf_probe *probe, void (*fn)(struct hf_trial *trial),
         struct words *words)
{
    struct job job = { &run->trial, fn };
    enum hf_ending ending = HF_ENDING_DONE;
    hf_autotext struct hf_text output;
    int r;

    hf_text_init(&output);
    run->trial.drive.probe = probe;
    r = hf_isolate(run_job, &job, &run->limits, probe, &ending, &output, run->err);
    if (r == 0) {
        judge(probe, ending, &run->limits, &output, words);
    }
    return r;
}

static int
run_check(struct run *run, const char *name, void (*fn)(struct hf_trial *trial), bool twice)
{
    uint64_t begin = hf_now();
    struct words words;
    int r;

    words_init(&words);
    run->trial.again = false;
    r = run_once(run, run->probe, fn, &words);
    if (r == 0 && twice && !words.failed) {
        run->trial.again = true;
        r = run_once(run, run->again, fn, &words);
        if (r == 0 && !words.failed) {
            compare(run->probe, run->again, &words);
        }
    }
    if (r == 0) {
        r = add_verdict(run, name, hf_now() - begin, &words);
    }
    hf_text_fini(&words.observed);
    hf_text_fini(&words.input);
    hf_text_fini(&words.fix);
    return r;
}

static int
run_all(struct run *run)
{
    int r = 0;

    for (const struct hf_check *check = hf_checks; r == 0 && check->name; check++) {
        r = run_check(run, check->name, check->run, check->twice);
    }
    for (const struct hf_script *script = run->trial.kind->scripts; r == 0 && script->name;
         script++) {
        run->trial.script = script;
        r = run_check(run, script->name, run_script, false);
    }
    return r;
}

/* The options that were given, in a section of their own. */
static int
read_options(struct run *run, struct hf_config **ret_config, struct hf_options **ret)
{
    int r = hf_config_new(ret_config, run->err);

    for (size_t i = 0; r == 0 && i < run->settings->set_count; i++) {
        hf_autofree char *text = hf_strdup_printf("module.%s", run->settings->set[i]);

        r = text ? hf_config_set(*ret_config, text, run->err)
                 : hf_fail(run->err, HF_ENOMEM, "no memory for an option");
    }
    return r < 0 ? r : hf_trial_options(run->trial.drive.module, *ret_config, NULL, ret, run->err);
}

static const struct hf_kind_drive *
find_kind(uint32_t kind)
{
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (kinds[i]->kind == kind) {
            return kinds[i];
        }
    }
    return NULL;
}

int
hf_verify(const struct hf_module *module, const struct hf_verify_settings *settings,
          struct hf_verify_report *ret, struct hf_err *err)
{
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct run run = { .settings = settings, .report = ret, .err = err };
    int r;

    *ret = (struct hf_verify_report){ 0 };
    run.trial.kind = find_kind(module->kind);
    run.trial.drive.module = module;
    if (!run.trial.kind) {
        return hf_fail(err, HF_EUNSUPPORTED,
                       "%s-%s is a driver: only policies (lb, scheduler, scaler) can be checked",
                       hf_plugin_kind_name(module->kind), module->name);
    }
    r = read_options(&run, &config, &options);
    if (r < 0) {
        return r;
    }
    run.trial.drive.options = options;
    run.trial.config = config;
    run.limits.cpu_ns =
        (settings->cpu_ns ? settings->cpu_ns : CPU_NS) * (hf_is_sanitized() ? SANITIZED : 1);
    run.limits.wall_ns = run.limits.cpu_ns * WAITING;
    run.limits.memory_bytes = MEMORY_BYTES;
    run.probe = hf_probe_new();
    run.again = hf_probe_new();
    r = run.probe && run.again ? run_all(&run)
                               : hf_fail(err, HF_ENOMEM, "no memory for the checks");
    hf_probe_free(run.again);
    hf_probe_free(run.probe);
    return r;
}
