/*
 * contract.h - what every policy must do, whoever wrote it.
 *
 * One suite per kind, run on a module loaded by the real loader and driven by
 * the real engine.  Our own policies run them from test-lb, test-scheduler and
 * test-scaler; to run one on a module of your own, name its file (a `/` in the
 * name) and its options:
 *
 *     HF_MODULE=./lb-mine.so HF_MODULE_OPTIONS='decay = 2s' tests/unit/test-lb named
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

/* Loads a policy from the build tree, or by path; `options` are lines of an INI section. */
struct policy policy_load(uint32_t kind, const char *name, const char *options);
void policy_free(struct policy *policy);

/* Runs `suite` on the module that HF_MODULE names; on the file of one of ours if it names none. */
void policy_run_named(uint32_t kind, const char *ours, void (*suite)(const struct policy *));

void contract_lb(const struct policy *policy);
void contract_scheduler(const struct policy *policy);
void contract_scaler(const struct policy *policy);

#endif
