/* kinds.c - the five kinds and their tables; see kinds.h. */
#include "plugin/kinds.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "plugin/module.h"

/* clang-format off */
#define MEMBER(kind, member) { #member, offsetof(struct hf_##kind##_ops, member) }

static const struct hf_kind_member lb_required[] = {
    MEMBER(lb, create), MEMBER(lb, destroy), MEMBER(lb, pick), { NULL, 0 },
};
static const struct hf_kind_member scheduler_required[] = {
    MEMBER(scheduler, create), MEMBER(scheduler, destroy), MEMBER(scheduler, pick), { NULL, 0 },
};
static const struct hf_kind_member scaler_required[] = {
    MEMBER(scaler, create), MEMBER(scaler, destroy), MEMBER(scaler, on_demand),
    MEMBER(scaler, on_tick), { NULL, 0 },
};
static const struct hf_kind_member store_required[] = {
    MEMBER(store, create), MEMBER(store, destroy), MEMBER(store, get), MEMBER(store, put),
    MEMBER(store, remove), MEMBER(store, cancel), MEMBER(store, watch), MEMBER(store, unwatch),
    { NULL, 0 },
};
static const struct hf_kind_member runtime_required[] = {
    MEMBER(runtime, create), MEMBER(runtime, destroy), MEMBER(runtime, start),
    MEMBER(runtime, stop), MEMBER(runtime, cancel), MEMBER(runtime, list), { NULL, 0 },
};
#undef MEMBER

static const struct hf_kind kinds[] = {
    { HF_PLUGIN_LB, "lb", sizeof(struct hf_lb_ops), lb_required },
    { HF_PLUGIN_SCHEDULER, "scheduler", sizeof(struct hf_scheduler_ops), scheduler_required },
    { HF_PLUGIN_SCALER, "scaler", sizeof(struct hf_scaler_ops), scaler_required },
    { HF_PLUGIN_STORE, "store", sizeof(struct hf_store_ops), store_required },
    { HF_PLUGIN_RUNTIME, "runtime", sizeof(struct hf_runtime_ops), runtime_required },
};
/* clang-format on */

/* The list in plugin.h and the one above must agree. */
#define COUNT_KIND(id, value, name) +1
_Static_assert(hf_countof(kinds) == 0 HF_PLUGIN_KINDS(COUNT_KIND), "each kind has its row");
#undef COUNT_KIND

const struct hf_kind *
hf_kind_of(uint32_t kind)
{
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *
hf_plugin_kind_name(uint32_t kind)
{
    const struct hf_kind *found = hf_kind_of(kind);

    return found ? found->name : NULL;
}

int
hf_plugin_kind_parse(const char *name, uint32_t *ret, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = kinds[i].kind;
            return 0;
        }
        hf_text_printf(&names, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    }
    return hf_fail(err, HF_EINVALID, "'%s' is no kind of module; they are %s", name,
                   hf_text_str(&names));
}
