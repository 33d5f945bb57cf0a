/*
 * verify.h - whether a policy keeps the contract of its kind: a module in, verdicts out.
 *
 * Each check runs in a process of its own (isolate.h), in which the module is driven through a
 * world that a seed invents (drive.h).  A verdict says what was seen, which question led to it and
 * what to do.  The same checks serve `hyperfaas plugin check` and our own unit tests.
 */
#ifndef HF_VERIFY_VERIFY_H
#define HF_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_err;
struct hf_json;
struct hf_module;
struct hf_text;

struct hf_verdict {
    const char *check;
    bool ok;
    uint64_t ns;    /* how long the check took */
    char *observed; /* what was wrong; of a check that passed, what is worth knowing, or "" */
    char *input;    /* the question that led to it, and those before; "" if it passed */
    char *fix;      /* what to do; "" if it passed */
};

struct hf_verify_settings {
    const char *const *set; /* options of the module, "key=value" each */
    size_t set_count;
    uint64_t cpu_ns; /* that a check may use, with a sanitizer more; 0: 5 s.  It may take far longer
                      * where the processor is busy with others */

    /* Called for each verdict when it is there; NULL: nobody waits for it. */
    void (*on_verdict)(void *arg, const struct hf_verdict *verdict);
    void *arg;
};

struct hf_verify_report {
    struct hf_verdict *verdicts;
    size_t n;
    size_t failed;
};

/* Checks a policy.  Fails if it is none, if an option is wrong, or if no process can be started;
 * what the module does wrong is in the report, which the caller ends with hf_verify_fini(). */
int hf_verify(const struct hf_module *module, const struct hf_verify_settings *settings,
              struct hf_verify_report *ret, struct hf_err *err);
void hf_verify_fini(struct hf_verify_report *report);

/* --- report.c --------------------------------------------------------------------------------- */

void hf_verdict_write(const struct hf_verdict *verdict, struct hf_text *out);

/* "12 checks, 1 failed" */
void hf_verify_write_sum(const struct hf_verify_report *report, struct hf_text *out);

/* Members of an object that is open. */
void hf_verify_write_json(const struct hf_verify_report *report, struct hf_json *json);

/* A whole document in the form of JUnit. */
void hf_verify_write_junit(const struct hf_module *module, const struct hf_verify_report *report,
                           struct hf_text *out);

#endif
