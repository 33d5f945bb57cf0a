/* describe.c - modules in words and in JSON, for `hyperfaas plugin`; see module.h. */
#include "base/json.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/module.h"

void
hf_module_describe(const struct hf_module *module, struct hf_text *out)
{
    hf_text_printf(out, "%s-%s: %s\n", hf_plugin_kind_name(module->kind), module->name,
                   module->summary);
    hf_text_printf(out, "file: %s\n", module->path);
    hf_text_printf(out, "interface: %u.%u\n", module->abi_major, module->abi_minor);
    if (!module->options || !module->options[0].key) {
        hf_text_add(out, "options: none\n");
        return;
    }
    hf_text_printf(out, "options:\n\n");
    hf_options_write_sample(module->options, out);
}

void
hf_module_describe_json(const struct hf_module *module, const char *key, struct hf_json *json)
{
    hf_json_object(json, key);
    hf_json_str(json, "kind", hf_plugin_kind_name(module->kind));
    hf_json_str(json, "name", module->name);
    hf_json_str(json, "summary", module->summary);
    hf_json_str(json, "file", module->path);
    hf_json_u64(json, "abi_major", module->abi_major);
    hf_json_u64(json, "abi_minor", module->abi_minor);
    hf_options_write_json(module->options, "options", json);
    hf_json_end(json);
}
