/* probe.c - see probe.h. */
#include "verify/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text.h"

void
hf_probe_note(struct hf_probe *probe, const char *operation, const struct hf_fact *facts)
{
    struct hf_question *question = &probe->questions[probe->asked % HF_PROBE_QUESTIONS];
    size_t n = 0;

    question->operation = operation;
    for (; n < HF_PROBE_FACTS && facts[n].name; n++) {
        question->facts[n] = facts[n];
    }
    if (n < HF_PROBE_FACTS) {
        question->facts[n].name = NULL;
    }
    probe->asked++;
    probe->in_module = true;
}

void
hf_probe_answered(struct hf_probe *probe)
{
    probe->in_module = false;
}

void
hf_probe_decided(struct hf_probe *probe, uint64_t value)
{
    probe->in_module = false;
    if (probe->answer_count < HF_PROBE_ANSWERS) {
        probe->answers[probe->answer_count++] = (struct hf_answer){
            .operation = hf_probe_operation(probe),
            .question = probe->asked,
            .value = value,
        };
    }
}

void
hf_probe_context(struct hf_probe *probe, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(probe->context, sizeof probe->context, fmt, args);
    va_end(args);
}

void
hf_probe_detail(struct hf_probe *probe, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(probe->detail, sizeof probe->detail, fmt, args);
    va_end(args);
}

void
hf_probe_fail(struct hf_probe *probe, const char *fix, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(probe->observed, sizeof probe->observed, fmt, args);
    va_end(args);
    snprintf(probe->fix, sizeof probe->fix, "%s", fix);
    probe->failed = true;
    _exit(1);
}

static void
write_question(const struct hf_question *question, struct hf_text *out)
{
    hf_text_printf(out, "%s(", question->operation);
    for (size_t i = 0; i < HF_PROBE_FACTS && question->facts[i].name; i++) {
        hf_text_printf(out, "%s%s=%llu", i > 0 ? ", " : "", question->facts[i].name,
                       (unsigned long long)question->facts[i].value);
    }
    hf_text_add_char(out, ')');
}

void
hf_probe_write_input(const struct hf_probe *probe, struct hf_text *out)
{
    uint64_t kept = hf_min(probe->asked, (uint64_t)HF_PROBE_QUESTIONS);

    if (probe->asked == 0) {
        hf_text_add(out, probe->context);
        return;
    }
    write_question(&probe->questions[(probe->asked - 1) % HF_PROBE_QUESTIONS], out);
    hf_text_printf(out, ", call %llu", (unsigned long long)probe->asked);
    if (*probe->context) {
        hf_text_printf(out, ", with %s", probe->context);
    }
    for (uint64_t i = 1; i < kept; i++) {
        hf_text_add(out, i == 1 ? "; before it " : ", ");
        write_question(&probe->questions[(probe->asked - 1 - i) % HF_PROBE_QUESTIONS], out);
    }
}

const char *
hf_probe_operation(const struct hf_probe *probe)
{
    return probe->asked > 0 ? probe->questions[(probe->asked - 1) % HF_PROBE_QUESTIONS].operation
                            : "";
}
