/* report.c - verdicts in words, as JSON and as JUnit's XML; see verify.h. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "plugin/module.h"
#include "verify/verify.h"

void
hf_verdict_write(const struct hf_verdict *verdict, struct hf_text *out)
{
    hf_text_printf(out, "%s  %s", verdict->ok ? "ok    " : "FAILED", verdict->check);
    if (verdict->ok) {
        hf_text_printf(out, "%s%s\n", *verdict->observed ? ": " : "", verdict->observed);
        return;
    }
    hf_text_printf(out, "\n        observed: %s\n", verdict->observed);
    if (*verdict->input) {
        hf_text_printf(out, "        input:    %s\n", verdict->input);
    }
    hf_text_printf(out, "        to do:    %s\n", verdict->fix);
}

void
hf_verify_write_sum(const struct hf_verify_report *report, struct hf_text *out)
{
    hf_text_printf(out, "%zu checks, %zu failed\n", report->n, report->failed);
}

void
hf_verify_write_json(const struct hf_verify_report *report, struct hf_json *json)
{
    hf_json_u64(json, "failed", report->failed);
    hf_json_array(json, "checks");
    for (size_t i = 0; i < report->n; i++) {
        const struct hf_verdict *verdict = &report->verdicts[i];

        hf_json_object(json, NULL);
        hf_json_str(json, "check", verdict->check);
        hf_json_bool(json, "ok", verdict->ok);
        hf_json_double(json, "seconds", (double)verdict->ns / 1e9);
        hf_json_str(json, "observed", verdict->observed);
        hf_json_str(json, "input", verdict->input);
        hf_json_str(json, "fix", verdict->fix);
        hf_json_end(json);
    }
    hf_json_end(json);
}

/* Text for XML: what has a meaning there, and what may not stand in it, in another form. */
static void
add_xml(struct hf_text *out, const char *text)
{
    for (; *text; text++) {
        const char *special = strchr("&<>\"'", *text);

        if (special) {
            hf_text_printf(out, "&#%d;", *special);
        } else {
            hf_text_add_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
        }
    }
}

static void
add_testcase(struct hf_text *out, const struct hf_module *module, const struct hf_verdict *verdict)
{
    hf_text_printf(out, "  <testcase classname=\"%s-%s\" name=\"",
                   hf_plugin_kind_name(module->kind), module->name);
    add_xml(out, verdict->check);
    hf_text_printf(out, "\" time=\"%.3f\"", (double)verdict->ns / 1e9);
    if (verdict->ok) {
        hf_text_add(out, "/>\n");
        return;
    }
    hf_text_add(out, ">\n    <failure message=\"");
    add_xml(out, verdict->observed);
    hf_text_add(out, "\">input: ");
    add_xml(out, verdict->input);
    hf_text_add(out, "\nto do: ");
    add_xml(out, verdict->fix);
    hf_text_add(out, "</failure>\n  </testcase>\n");
}

void
hf_verify_write_junit(const struct hf_module *module, const struct hf_verify_report *report,
                      struct hf_text *out)
{
    uint64_t ns = 0;

    for (size_t i = 0; i < report->n; i++) {
        ns += report->verdicts[i].ns;
    }
    hf_text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    hf_text_printf(out,
                   "<testsuite name=\"%s-%s\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                   "time=\"%.3f\">\n",
                   hf_plugin_kind_name(module->kind), module->name, report->n, report->failed,
                   (double)ns / 1e9);
    for (size_t i = 0; i < report->n; i++) {
        add_testcase(out, module, &report->verdicts[i]);
    }
    hf_text_add(out, "</testsuite>\n");
}
