/*
 * node_paths.h - the folders of a node, for the node itself and for tools that look
 * for one.
 */
#ifndef HF_NODE_NODE_PATHS_H
#define HF_NODE_NODE_PATHS_H

#include <stddef.h>

struct hf_err;
struct hf_options;

/* The folder for state: `given` (NULL or "": not), or /var/lib/hyperfaas for root, or
 * $XDG_STATE_HOME/hyperfaas, or ~/.local/state/hyperfaas.  The caller frees `*ret`. */
int hf_node_state_folder(const char *given, char **ret, struct hf_err *err);

/* The folders for modules: those of "plugin_path" in the options of [node] (NULL: none), then
 * where they lie by default.  The caller frees `*ret`, not what it points to. */
int hf_node_plugin_folders(const struct hf_options *options, const char *const **ret,
                           size_t *ret_count, struct hf_err *err);

/* Makes a folder, for its owner alone, and those it lies in. */
int hf_make_folders(const char *path, struct hf_err *err);

/* Whether nobody but us and root may put files into the folder `path`, which `key` names; what lies
 * there is trusted: control sockets, the id, the secret. */
int hf_check_private_folder(const char *path, const char *key, struct hf_err *err);

#endif
