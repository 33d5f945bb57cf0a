/* search.c - where modules lie, finding them by name and listing what there is; see module.h. */
#include "plugin/module.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"
#include "plugin/module_private.h"

/* Modules in one list; more are not worth showing. */
#define LIST_MAX 1024

static bool
is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The file of a module in one folder, to be freed; NULL: it has none, or no memory. */
static char *
file_in(const char *folder, const char *module)
{
    char *path = hf_strdup_printf("%s/%s.so", folder, module);

    if (path && is_file(path)) {
        return path;
    }
    free(path);
    path = hf_strdup_printf("%s/%s/.libs/%s.so", folder, module, module);
    if (path && is_file(path)) {
        return path;
    }
    free(path);
    return NULL;
}

/* --- listing ------------------------------------------------------------------------------- */

/* Whether a folder's entry is named like a module of `kind`: "<kind>-<name>.so"
 * or, a folder of the build tree, "<kind>-<name>".  Its name is a part of the entry. */
static bool
is_module_name(const char *entry, const char *kind, const char **ret_name, size_t *ret_len)
{
    size_t prefix = strlen(kind);
    size_t len = strlen(entry);

    if (strncmp(entry, kind, prefix) != 0 || entry[prefix] != '-') {
        return false;
    }
    if (len > 3 && strcmp(entry + len - 3, ".so") == 0) {
        len -= 3;
    }
    *ret_name = entry + prefix + 1;
    *ret_len = len - prefix - 1;
    return len > prefix + 1;
}

static bool
is_listed(const struct hf_module_list *list, uint32_t kind, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->files[i].kind == kind && strcmp(list->files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a module if there is a file for it and it is not hidden by an earlier
 * one.  False: no memory. */
static bool
add_file(struct hf_module_list *list, const struct hf_kind *kind, const char *folder, char *name)
{
    hf_autofree char *module = hf_strdup_printf("%s-%s", kind->name, name);
    hf_autofree char *path = module ? file_in(folder, module) : NULL;
    struct hf_module_file *files;

    if (!path || list->n == LIST_MAX || is_listed(list, kind->kind, name)) {
        free(name);
        return module != NULL;
    }
    files = reallocarray(list->files, list->n + 1, sizeof *files);
    if (!files) {
        free(name);
        return false;
    }
    list->files = files;
    files[list->n++] =
        (struct hf_module_file){ .kind = kind->kind, .name = name, .path = hf_steal(path) };
    return true;
}

/* False: no memory. */
static bool
list_folder(struct hf_module_list *list, const struct hf_kind *kind, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool ok = true;

    while (ok && dir && (entry = readdir(dir))) {
        const char *name;
        size_t len;

        if (is_module_name(entry->d_name, kind->name, &name, &len)) {
            char *copy = strndup(name, len);

            ok = copy && add_file(list, kind, folder, copy);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return ok;
}

static int
compare_files(const void *a, const void *b)
{
    const struct hf_module_file *x = a;
    const struct hf_module_file *y = b;

    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
                              : strcmp(x->name, y->name);
}

int
hf_module_list_init(struct hf_module_list *ret, uint32_t kind, const struct hf_plugin_path *path,
                    struct hf_err *err)
{
    struct hf_module_list list = { 0 };
    bool ok = true;

    for (uint32_t k = kind ? kind : 1; hf_kind_of(k) && (!kind || k == kind); k++) {
        for (size_t i = 0; i < path->n && ok; i++) {
            ok = list_folder(&list, hf_kind_of(k), path->folders[i]);
        }
    }
    if (!ok) {
        hf_module_list_fini(&list);
        return hf_fail(err, HF_ENOMEM, "no memory for a list of modules");
    }
    if (list.n > 0) {
        qsort(list.files, list.n, sizeof list.files[0], compare_files);
    }
    *ret = list;
    return 0;
}

void
hf_module_list_fini(struct hf_module_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->files[i].name);
        free(list->files[i].path);
    }
    free(list->files);
    *list = (struct hf_module_list){ 0 };
}

/* --- finding ------------------------------------------------------------------------------- */

static void
write_folders(const struct hf_plugin_path *path, struct hf_text *out)
{
    for (size_t i = 0; i < path->n; i++) {
        struct stat st;

        hf_text_printf(out, "%s %s", i > 0 ? "," : "", path->folders[i]);
        if (stat(path->folders[i], &st) < 0) {
            hf_text_add(out, errno == ENOENT ? " (not there)" : " (not readable)");
        }
    }
    if (path->n == 0) {
        hf_text_add(out, " no folder, because plugin_path is empty");
    }
}

static void
write_names(const struct hf_module_list *list, const char *wanted, struct hf_text *out)
{
    const char *names[LIST_MAX];
    const char *meant;

    for (size_t i = 0; i < list->n; i++) {
        names[i] = list->files[i].name;
    }
    meant = hf_closest_word(wanted, names, list->n);
    if (meant) {
        hf_text_printf(out, "; did you mean %s?", meant);
    }
    hf_text_add(out, list->n > 0 ? "; found there:" : "; found none there");
    for (size_t i = 0; i < list->n; i++) {
        hf_text_printf(out, "%s %s", i > 0 ? "," : "", names[i]);
    }
}

static int
fail_not_found(const struct hf_kind *kind, const char *name, const struct hf_plugin_path *path,
               struct hf_err *err)
{
    struct hf_module_list list;
    hf_autotext struct hf_text text;
    int r = hf_module_list_init(&list, kind->kind, path, err);

    if (r < 0) {
        return r;
    }
    hf_text_init(&text);
    hf_text_printf(&text, "there is no %s module '%s'; looked for %s-%s.so in", kind->name, name,
                   kind->name, name);
    write_folders(path, &text);
    write_names(&list, name, &text);
    hf_module_list_fini(&list);
    return hf_fail(err, HF_ENOTFOUND, "%s", hf_text_str(&text));
}

int
hf_search_module(uint32_t kind, const char *name, const struct hf_plugin_path *path, char **ret,
                 struct hf_err *err)
{
    const struct hf_kind *k = hf_kind_of(kind);
    hf_autofree char *module = hf_strdup_printf("%s-%s", k->name, name);

    if (!module) {
        return hf_fail(err, HF_ENOMEM, "no memory for a module's name");
    }
    for (size_t i = 0; i < path->n; i++) {
        char *found = file_in(path->folders[i], module);

        if (found) {
            *ret = found;
            return 0;
        }
    }
    return fail_not_found(k, name, path, err);
}

/* --- the folder where they lie ------------------------------------------------------------- */

/* The folder of the running program, without a slash at the end. */
static int
find_program(char ret[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - 1);

    if (len <= 0) {
        return -1;
    }
    ret[len] = '\0';
    *strrchr(ret, '/') = '\0';
    return 0;
}

/* Whether something lies there, as seen from the program's folder. */
static bool
lies_there(const char *program, const char *relative, char ret[static PATH_MAX])
{
    return snprintf(ret, PATH_MAX, "%s/%s", program, relative) < PATH_MAX && access(ret, F_OK) == 0;
}

/* In a build tree the top folder has what configure wrote.  What is installed lies beside the
 * program, wherever the tree was moved; where that is not so, it lies where it was meant to be. */
static void
find_folder(const char *when_built, const char *from_program, const char *installed,
            char ret[static PATH_MAX])
{
    char program[PATH_MAX];
    char mark[PATH_MAX];
    bool found = false;

    if (find_program(program) == 0) {
        bool built = lies_there(program, "../config.status", mark);

        found = lies_there(program, built ? when_built : from_program, ret);
    }
    if (!found) {
        snprintf(ret, PATH_MAX, "%s", installed);
    }
}

const char *
hf_plugin_folder(void)
{
    static char folder[PATH_MAX];

    if (!folder[0]) {
        find_folder("../plugins", HF_PLUGINS_FROM_BIN, HF_PLUGINDIR, folder);
    }
    return folder;
}

const char *
hf_template_folder(void)
{
    static char folder[PATH_MAX];

    if (!folder[0]) {
        find_folder("../cli/templates", HF_TEMPLATES_FROM_BIN, HF_TEMPLATEDIR, folder);
    }
    return folder;
}
