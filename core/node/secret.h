/*
 * secret.h - a node's secret, which its managers send; for the node and for tools.
 */
#ifndef HF_NODE_SECRET_H
#define HF_NODE_SECRET_H

#include <stdbool.h>

struct hf_err;
struct hf_options;

/* The longest secret, with its NUL. */
#define HF_SECRET_MAX 129

/* The file: `secret_file` in the options of [node] (NULL: none), or `secret` in the state folder.
 * The caller frees it; NULL: out of memory. */
char *hf_secret_file(const struct hf_options *node, const char *state_dir);

/* Reads it.  HF_ENOTFOUND: there is no such file; HF_EDENIED: we may not read it, or everybody may.
 */
int hf_secret_read(const char *file, char ret[static HF_SECRET_MAX], struct hf_err *err);

/* Makes it unless it is there, also when several nodes do so at once, and reads it. */
int hf_secret_keep(const char *file, char ret[static HF_SECRET_MAX], struct hf_err *err);

/* Whether it may be sent to `address`: one of a single node (`shared` false) never leaves its host.
 */
bool hf_secret_is_for(const char *address, bool shared);

#endif
