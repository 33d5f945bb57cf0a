/*
 * builtin.c - the commands that every node has whatever its roles.
 */
#include "config.h"

#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "ctl/ctl_private.h"

/* --- version ------------------------------------------------------------------------------- */

static int
version(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)err;
    hf_text_add(hf_ctl_out(call), PACKAGE_VERSION "\n");
    return 0;
}

/* --- log ----------------------------------------------------------------------------------- */

static int
log_set(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    bool one = hf_ctl_argc(call) == 2;
    const char *module = one ? hf_ctl_arg(call, 0) : NULL;
    int level = hf_log_level_parse(hf_ctl_arg(call, one ? 1 : 0), err);

    (void)arg;
    return level < 0 ? level : hf_log_set_level(module, level, err);
}

static void
show_module_text(void *arg, const char *name, int level)
{
    hf_text_printf(arg, "%s %s\n", name, hf_log_level_name(level));
}

static void
show_module_json(void *arg, const char *name, int level)
{
    hf_json_str(arg, name, hf_log_level_name(level));
}

static int
log_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_json json;

    (void)arg;
    (void)err;
    if (!hf_ctl_json(call)) {
        hf_log_modules(show_module_text, hf_ctl_out(call));
        return 0;
    }
    hf_json_init(&json, hf_ctl_out(call));
    hf_json_object(&json, NULL);
    hf_log_modules(show_module_json, &json);
    hf_json_end(&json);
    return 0;
}

static int
log_reopen(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)call;
    return hf_log_reopen(err);
}

/* --- counters ------------------------------------------------------------------------------ */

/* A visit to all counters, for those whose name begins with `prefix`. */
struct visit {
    const char *prefix;
    struct hf_text *text;
    struct hf_json *json; /* NULL: lines of text */
};

static void
show_counter(void *arg, const struct hf_counter *counter, uint64_t value)
{
    struct visit *visit = arg;

    if (strncmp(counter->name, visit->prefix, strlen(visit->prefix)) != 0) {
        return;
    }
    if (visit->json) {
        hf_json_u64(visit->json, counter->name, value);
    } else {
        hf_text_printf(visit->text, "%s %llu\n", counter->name, (unsigned long long)value);
    }
}

static int
counters(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_json json;
    struct visit visit = { .prefix = hf_ctl_argc(call) ? hf_ctl_arg(call, 0) : "",
                           .text = hf_ctl_out(call) };

    (void)arg;
    (void)err;
    if (!hf_ctl_json(call)) {
        hf_counters_visit(show_counter, &visit);
        return 0;
    }
    visit.json = &json;
    hf_json_init(&json, hf_ctl_out(call));
    hf_json_object(&json, NULL);
    hf_counters_visit(show_counter, &visit);
    hf_json_end(&json);
    return 0;
}

/* --- faults -------------------------------------------------------------------------------- */

static int
fault_set(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    hf_autotext struct hf_text what;

    (void)arg;
    hf_text_init(&what);
    for (unsigned int i = 1; i < hf_ctl_argc(call); i++) {
        hf_text_printf(&what, "%s%s", i > 1 ? " " : "", hf_ctl_arg(call, i));
    }
    return hf_fault_set(hf_ctl_arg(call, 0), hf_text_str(&what), err);
}

static int
fault_clear(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)call;
    (void)err;
    hf_fault_clear();
    return 0;
}

static int
fault_list(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)err;
    hf_fault_show(hf_ctl_out(call));
    return 0;
}

const struct hf_ctl_command hf_ctl_builtin[] = {
    { "version", "", "The version of the program.", 0, 0, false, version },
    { "log/set", "[MODULE] LEVEL", "Sets how much one module, or all, writes to the log.", 1, 2,
      false, log_set },
    { "log/show", "", "The modules that write to the log, with their levels.", 0, 0, true,
      log_show },
    { "log/reopen", "", "Opens the log file anew, after it was moved away.", 0, 0, false,
      log_reopen },
    { "counters", "[PREFIX]", "All counters, or those whose name begins with PREFIX.", 0, 1, true,
      counters },
    { "fault/set", "FAULT off|always|probability P|count N|skip N[,M]",
      "Makes a step of the program fail.", 2, 3, false, fault_set },
    { "fault/clear", "", "Switches all faults off.", 0, 0, false, fault_clear },
    { "fault/list", "", "The steps that can be made to fail, and how they are set.", 0, 0, false,
      fault_list },
    { .name = NULL },
};
