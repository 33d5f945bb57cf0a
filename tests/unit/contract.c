/* contract.c - see contract.h. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/text.h"

static const struct hf_plugin_path *
build_tree(void)
{
    static char folder[4096];
    static const char *const folders[] = { folder };
    static const struct hf_plugin_path path = { folders, 1 };
    const char *build = getenv("HF_BUILDDIR");

    snprintf(folder, sizeof folder, "%s/plugins", build ? build : ".");
    return &path;
}

struct policy
policy_load(uint32_t kind, const char *name, const char *options)
{
    struct hf_module_request request = { .kind = kind, .section = "policy" };
    hf_autofree char *text = hf_strdup_printf("[policy]\nplugin = %s\n%s\n", name, options);
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct hf_err err = HF_ERR_INIT;
    struct policy policy = { 0 };

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "test.ini", &config, &err), 0);
    hf_module_configure(config, &request, build_tree(), &policy.module, &policy.options, &err);
    UNIT_STR(err.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(policy.module);
    return policy;
}

void
policy_free(struct policy *policy)
{
    hf_options_free(policy->options);
}
