/*
 * module.h - modules: loaded, checked, and given a host.
 *
 * A module is a shared object that exports one descriptor (hyperfaas/plugin.h).
 * What is found wrong with it is said here, before any of its code has run;
 * what comes out is whole: tables of operations in the size that this host
 * knows, with NULL for what the module was built without, and options that have
 * been checked against the module's own table.
 *
 * Loaded modules stay for the life of the process: their code may still be
 * running when the last instance is gone.  Loading is for one thread at a time.
 */
#ifndef HF_PLUGIN_MODULE_H
#define HF_PLUGIN_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/lb.h>
#include <hyperfaas/plugin.h>
#include <hyperfaas/runtime.h>
#include <hyperfaas/scaler.h>
#include <hyperfaas/scheduler.h>
#include <hyperfaas/store.h>

struct hf_config;
struct hf_err;
struct hf_json;
struct hf_text;

struct hf_module {
    uint32_t kind; /* enum hf_plugin_kind */
    const char *name;
    const char *summary;
    const char *path; /* of the file */
    uint16_t abi_major;
    uint16_t abi_minor;
    const struct hf_option *options; /* NULL: takes none */
    union {                          /* by `kind`; whole tables */
        const void *any;
        const struct hf_lb_ops *lb;
        const struct hf_scheduler_ops *scheduler;
        const struct hf_scaler_ops *scaler;
        const struct hf_store_ops *store;
        const struct hf_runtime_ops *runtime;
    } ops;
    const struct hf_host *host; /* for `create`; logs and counts under the module's name */
};

/* Folders in which modules are looked for, in this order.  The module
 * <kind>-<name> is <folder>/<kind>-<name>.so or, in a build tree,
 * <folder>/<kind>-<name>/.libs/<kind>-<name>.so. */
struct hf_plugin_path {
    const char *const *folders;
    size_t n;
};

/* Where modules lie when nobody says so: the folder for a program that runs from its build tree,
 * "../plugins" from where the program lies; else the one that was installed with the program. Lives
 * as long as the process.  Not for several threads at once. */
const char *hf_plugin_folder(void);

/* The same for what new modules are made from. */
const char *hf_template_folder(void);

/* Loads the module of a kind by its name, or by the path of its file if `name`
 * has a slash.  One that is loaded already is returned again.  The error says
 * where it was looked for and what was found there, or what is wrong with the
 * file. */
int hf_module_load(uint32_t kind, const char *name, const struct hf_plugin_path *path,
                   const struct hf_module **ret, struct hf_err *err);

/* What a section of the configuration says about a module. */
struct hf_module_request {
    uint32_t kind;
    const char *section;            /* "balance.leaf" */
    const char *key;                /* that names the module; NULL: "plugin" */
    const char *fallback;           /* the name if the key is not given; NULL: it must be */
    const struct hf_option *others; /* rows of the section that are not the module's; may be NULL */
};

/* Loads the module that a section asks for and checks the section against the
 * module's options, `key` and `others`.  The module's options may also stand in a
 * section of its own, "<section>.<module>", which counts only when that module is
 * chosen, and which may say with `key` where the module's file lies.  On 0 the
 * caller owns `*ret_options` (hf_options_free), to be kept as long as what is
 * created with them. */
int hf_module_configure(const struct hf_config *config, const struct hf_module_request *request,
                        const struct hf_plugin_path *path, const struct hf_module **ret,
                        struct hf_options **ret_options, struct hf_err *err);

/* Checks the sections of modules that were not chosen: such a module exists, and takes what its
 * section says. */
int hf_module_check_others(const struct hf_config *config, const struct hf_module_request *request,
                           const struct hf_module *chosen, const struct hf_plugin_path *path,
                           struct hf_err *err);

/* --- showing what there is ----------------------------------------------------------------- */

/* A file that is named like a module; whether it is one, loading tells. */
struct hf_module_file {
    uint32_t kind;
    char *name;
    char *path;
};

struct hf_module_list {
    struct hf_module_file *files; /* sorted by kind and name; of equals, the one found first */
    size_t n;
};

/* Finds the modules of a kind (0: of all) in a path.  Folders that cannot be
 * read hold none. */
int hf_module_list_init(struct hf_module_list *ret, uint32_t kind,
                        const struct hf_plugin_path *path, struct hf_err *err);
void hf_module_list_fini(struct hf_module_list *list);

/* "lb" for HF_PLUGIN_LB; NULL for a number that is no kind. */
const char *hf_plugin_kind_name(uint32_t kind);

/* The kind of that name, or HF_EINVALID naming those there are. */
int hf_plugin_kind_parse(const char *name, uint32_t *ret, struct hf_err *err);

/* Describes a module with its options, for people and as a JSON object under `key`. */
void hf_module_describe(const struct hf_module *module, struct hf_text *out);
void hf_module_describe_json(const struct hf_module *module, const char *key, struct hf_json *json);

#endif
