/*
 * node_config.h - what may stand in a node's configuration.
 *
 * Each section has a table of rows; the same rows check a file, yield its sample
 * and describe it.  A section that names a module also takes the module's own
 * options, which are checked when it is loaded.
 */
#ifndef HF_NODE_NODE_CONFIG_H
#define HF_NODE_NODE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/option.h>

struct hf_config;
struct hf_err;
struct hf_options;
struct hf_text;

/* One section. */
struct hf_node_section {
    const char *name;
    const char *help;
    const struct hf_option *rows; /* ours, `plugin` not among them; NULL: none */
    uint32_t kind;                /* of the module it names; 0: it names none */
    const char *plugin;           /* the module it names if it names none */
};

/* All sections, in the order of the manual. */
extern const struct hf_node_section hf_node_sections[];
extern const size_t hf_node_section_count;

/* By name; NULL: there is none. */
const struct hf_node_section *hf_node_section(const char *name);

/* A configuration: every section exists, every value of ours is well formed.  What else may be
 * wrong finds node_check.h. */
struct hf_node_config;

/* `config` is borrowed until `free`. */
int hf_node_config_new(const struct hf_config *config, struct hf_node_config **ret,
                       struct hf_err *err);
void hf_node_config_free(struct hf_node_config *node_config); /* NULL is allowed */

/* The values of our rows of a section, given or not; the section must exist. */
const struct hf_options *hf_node_config_options(const struct hf_node_config *node_config,
                                                const char *section);

/* Whether the node has the role. */
bool hf_node_config_has_role(const struct hf_node_config *checked, const char *role);

/* A whole sample file, every option commented, without those of modules. */
void hf_node_config_sample(struct hf_text *out);

#endif
