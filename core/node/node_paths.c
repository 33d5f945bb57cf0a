/*
 * node_paths.c - the folders of a node.
 */
#include "node/node_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/module.h"

int
hf_node_state_folder(const char *given, char **ret, struct hf_err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *folder;

    if (given && *given) {
        folder = strdup(given);
    } else if (geteuid() == 0) {
        folder = strdup("/var/lib/hyperfaas");
    } else if (state && *state == '/') { /* a relative one is to be ignored */
        folder = hf_strdup_printf("%s/hyperfaas", state);
    } else if (home && *home == '/') {
        folder = hf_strdup_printf("%s/.local/state/hyperfaas", home);
    } else {
        return hf_fail(err, HF_EINVALID,
                       "no folder for the node's state: set state_dir in [node], or HOME");
    }
    if (!folder) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    *ret = folder;
    return 0;
}

int
hf_node_plugin_folders(const struct hf_options *options, const char *const **ret, size_t *ret_count,
                       struct hf_err *err)
{
    size_t count = options ? hf_options_count(options, "plugin_path") : 0;
    const char **folders = calloc(count + 2, sizeof *folders);

    if (!folders) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        folders[i] = hf_options_item(options, "plugin_path", i);
    }
    folders[count++] = hf_plugin_folder();
    *ret = folders;
    *ret_count = count;
    return 0;
}

int
hf_make_folders(const char *path, struct hf_err *err)
{
    hf_autofree char *copy = strdup(path);

    if (!copy) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) {
            *slash = '\0';
        }
        if (mkdir(copy, slash ? 0755 : 0700) < 0 && errno != EEXIST) {
            return hf_fail_errno(err, errno, "cannot make the folder %s", copy);
        }
        if (!slash) {
            return 0;
        }
        *slash = '/';
    }
}

int
hf_check_private_folder(const char *path, const char *key, struct hf_err *err)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        return hf_fail_errno(err, errno, "%s: %s", key, path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return hf_fail(err, HF_EINVALID, "%s: %s is no folder", key, path);
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return hf_fail(err, HF_EDENIED,
                       "%s: %s belongs to another user (uid %u), who may change what lies there; "
                       "use a folder of your own, or: chown %u %s",
                       key, path, (unsigned)st.st_uid, (unsigned)geteuid(), path);
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        return hf_fail(err, HF_EDENIED, "%s: others may write to %s; use: chmod go-w %s", key, path,
                       path);
    }
    return 0;
}
