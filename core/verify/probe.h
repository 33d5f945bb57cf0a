/*
 * probe.h - what a process that checks a module leaves behind, however it ends.
 *
 * It lies in memory that the checking process shares with the one that started it (isolate.h). Each
 * call of the module is a question, noted before it is asked: whoever finds the process dead, or
 * ends it because it takes too long, reads from here what the module was doing.
 */
#ifndef HF_VERIFY_PROBE_H
#define HF_VERIFY_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct hf_text;

#define HF_PROBE_FACTS     8
#define HF_PROBE_QUESTIONS 6 /* the last ones are kept */
#define HF_PROBE_ANSWERS   65536

/* A number of a question; `name` is a literal. */
struct hf_fact {
    const char *name;
    uint64_t value;
};

struct hf_question {
    const char *operation; /* a literal */
    struct hf_fact facts[HF_PROBE_FACTS];
};

/* What a module answered, as one number. */
struct hf_answer {
    const char *operation;
    uint64_t question; /* which one it was, counted from 1 */
    uint64_t value;
};

/* How memory was touched that is not the module's. */
enum hf_trespass {
    HF_TRESPASS_NONE,
    HF_TRESPASS_ROOM, /* beside the policy's room, or in that of something that has left */
    HF_TRESPASS_LIST  /* behind the end of a list that it was given */
};

struct hf_probe {
    char context[256]; /* in which circumstances: options, seed */
    uint64_t asked;    /* questions; the last is at `(asked - 1) % HF_PROBE_QUESTIONS` */
    struct hf_question questions[HF_PROBE_QUESTIONS];
    bool in_module; /* the last question has not been answered */
    bool done;      /* the check came to its end */
    bool failed;    /* it found a fault, told in the texts below */
    char observed[512];
    char fix[384];
    char detail[256]; /* what is worth knowing of a check that passed */
    int signal;       /* that ended the process; 0: none was caught */
    uint64_t address; /* of a bad access */
    enum hf_trespass trespass;
    uint32_t answer_count;
    struct hf_answer answers[HF_PROBE_ANSWERS];
};

/* Notes a question: hf_probe_ask(probe, "pick", { "usable", 3 }, { "now_ns", now }). */
#define hf_probe_ask(probe, operation, ...)                                                        \
    hf_probe_note((probe), (operation), (const struct hf_fact[]){ __VA_ARGS__, { NULL, 0 } })
void hf_probe_note(struct hf_probe *probe, const char *operation, const struct hf_fact *facts);

/* The module has answered. */
void hf_probe_answered(struct hf_probe *probe);

/* It has, with a decision that must be the same in another run. */
void hf_probe_decided(struct hf_probe *probe, uint64_t value);

/* Says in which circumstances the questions are asked. */
void hf_probe_context(struct hf_probe *probe, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What is worth knowing of a check that passes. */
void hf_probe_detail(struct hf_probe *probe, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The module is at fault: what was seen, and how to mend it.  Ends the process. */
_Noreturn void hf_probe_fail(struct hf_probe *probe, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "pick(usable=3, now_ns=1000)": the last question, and those before it. */
void hf_probe_write_input(const struct hf_probe *probe, struct hf_text *out);

/* The operation of the last question; "" if none was asked. */
const char *hf_probe_operation(const struct hf_probe *probe);

#endif
