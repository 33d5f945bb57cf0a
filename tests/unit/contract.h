/*
 * contract.h - policies for tests, loaded by the real loader from the build tree.
 *
 * Whether they keep the contract of their kind is what tests/e2e/45-plugin-check.py looks at; tests
 * of one policy look at what it promises beyond that.
 */
#ifndef HF_UNIT_CONTRACT_H
#define HF_UNIT_CONTRACT_H

#include "base/options.h"
#include "plugin/module.h"
#include "unit.h"

/* A loaded module with checked options. */
struct policy {
    const struct hf_module *module;
    struct hf_options *options;
};

/* Loads a policy by its name; `options` are lines of an INI section. */
struct policy policy_load(uint32_t kind, const char *name, const char *options);
void policy_free(struct policy *policy);

#endif
