/*
 * checks.h - the checks that are the same for all kinds of policies.
 */
#ifndef HF_VERIFY_CHECKS_H
#define HF_VERIFY_CHECKS_H

#include "verify/drive.h"

struct hf_config;

/* What a check is run on, in its own process. */
struct hf_trial {
    struct hf_drive drive;
    const struct hf_kind_drive *kind;
    const struct hf_config *config; /* the options that were given, in [module] */
    const struct hf_script *script; /* of the kind; NULL: a check of ours */
    bool again;                     /* the second of two runs that must be equal */
};

struct hf_check {
    const char *name;
    void (*run)(struct hf_trial *trial);
    bool twice; /* run again in another process, which must decide the same */
};

/* Ends with a row without name. */
extern const struct hf_check hf_checks[];

/* The options that `config` says, with one more value, "key=value", if it is not NULL. */
int hf_trial_options(const struct hf_module *module, const struct hf_config *config,
                     const char *more, struct hf_options **ret, struct hf_err *err);

#endif
