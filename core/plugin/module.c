/*
 * module.c - opening a module and checking its descriptor; see module.h.
 *
 * libltdl alone binds lazily and hides why a file cannot be loaded, so each file
 * goes through dlopen with RTLD_NOW first, where it is also examined; only a
 * module that is right in all respects is then opened for good.
 */
#include "plugin/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/guest.h"
#include "base/json.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/host.h"
#include "plugin/module_private.h"

/* Rows of one table of options; a table with more has no end. */
#define OPTIONS_MAX 256

/* A loaded module and the file that it is. */
struct loaded {
    struct hf_list node;
    struct hf_module module;
    char *path;
    dev_t dev;
    ino_t ino;
    void *ops;                 /* whole table */
    struct hf_option *options; /* rows of our size */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hf_list all = { &all, &all }; /* struct loaded; they stay */

/* --- kinds --------------------------------------------------------------------------------- */

/* clang-format off */
#define MEMBER(kind, member) { #member, offsetof(struct hf_##kind##_ops, member) }

static const struct hf_kind_member lb_required[] = {
    MEMBER(lb, create), MEMBER(lb, destroy), MEMBER(lb, pick), { NULL, 0 },
};
static const struct hf_kind_member scheduler_required[] = {
    MEMBER(scheduler, create), MEMBER(scheduler, destroy), MEMBER(scheduler, pick), { NULL, 0 },
};
static const struct hf_kind_member scaler_required[] = {
    MEMBER(scaler, create), MEMBER(scaler, destroy), MEMBER(scaler, on_demand),
    MEMBER(scaler, on_tick), { NULL, 0 },
};
static const struct hf_kind_member store_required[] = {
    MEMBER(store, create), MEMBER(store, destroy), MEMBER(store, get), MEMBER(store, put),
    MEMBER(store, remove), MEMBER(store, cancel), MEMBER(store, watch), MEMBER(store, unwatch),
    { NULL, 0 },
};
static const struct hf_kind_member runtime_required[] = {
    MEMBER(runtime, create), MEMBER(runtime, destroy), MEMBER(runtime, start),
    MEMBER(runtime, stop), MEMBER(runtime, cancel), MEMBER(runtime, list), { NULL, 0 },
};
#undef MEMBER

static const struct hf_kind kinds[] = {
    { HF_PLUGIN_LB, "lb", sizeof(struct hf_lb_ops), lb_required },
    { HF_PLUGIN_SCHEDULER, "scheduler", sizeof(struct hf_scheduler_ops), scheduler_required },
    { HF_PLUGIN_SCALER, "scaler", sizeof(struct hf_scaler_ops), scaler_required },
    { HF_PLUGIN_STORE, "store", sizeof(struct hf_store_ops), store_required },
    { HF_PLUGIN_RUNTIME, "runtime", sizeof(struct hf_runtime_ops), runtime_required },
};
/* clang-format on */

/* The list in plugin.h and the one above must agree. */
#define COUNT_KIND(id, value, name) +1
_Static_assert(hf_countof(kinds) == 0 HF_PLUGIN_KINDS(COUNT_KIND), "each kind has its row");
#undef COUNT_KIND

const struct hf_kind *
hf_kind_of(uint32_t kind)
{
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *
hf_plugin_kind_name(uint32_t kind)
{
    const struct hf_kind *found = hf_kind_of(kind);

    return found ? found->name : NULL;
}

int
hf_plugin_kind_parse(const char *name, uint32_t *ret, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = kinds[i].kind;
            return 0;
        }
        hf_text_printf(&names, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    }
    return hf_fail(err, HF_EINVALID, "'%s' is no kind of module; they are %s", name,
                   hf_text_str(&names));
}

/* --- the descriptor ------------------------------------------------------------------------ */

static int
check_version(const struct hf_plugin *plugin, const char *path, struct hf_err *err)
{
    if (plugin->magic != HF_PLUGIN_MAGIC) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is no module: its descriptor begins with 0x%08x instead of 0x%08x",
                       path, plugin->magic, HF_PLUGIN_MAGIC);
    }
    if (plugin->abi_major != HF_PLUGIN_ABI_MAJOR || plugin->abi_minor > HF_PLUGIN_ABI_MINOR) {
        return hf_fail(err, HF_EUNSUPPORTED,
                       "module '%s' was built for version %u.%u of the plugin interface; this is "
                       "version %d.%d: build it anew against the installed headers",
                       path, plugin->abi_major, plugin->abi_minor, HF_PLUGIN_ABI_MAJOR,
                       HF_PLUGIN_ABI_MINOR);
    }
    if (plugin->size < sizeof *plugin) {
        return hf_fail(err, HF_EINVALID,
                       "module '%s' is damaged: its descriptor has %u bytes instead of %zu", path,
                       plugin->size, sizeof *plugin);
    }
    return 0;
}

static int
check_identity(const struct hf_plugin *plugin, uint32_t kind, const char *name, const char *path,
               struct hf_err *err)
{
    const char *is = hf_plugin_kind_name(plugin->kind);
    const char *wanted = hf_plugin_kind_name(kind);

    if (!is) {
        return hf_fail(err, HF_EUNSUPPORTED, "module '%s' is of kind %u, which is unknown here",
                       path, plugin->kind);
    }
    if (plugin->kind != kind) {
        return hf_fail(err, HF_EINVALID, "module '%s' is of kind %s; one of kind %s is needed here",
                       path, is, wanted);
    }
    if (!plugin->name || !*plugin->name) {
        return hf_fail(err, HF_EINVALID, "module '%s' has no name", path);
    }
    if (name && strcmp(plugin->name, name) != 0) {
        return hf_fail(err, HF_EINVALID,
                       "module '%s' calls itself '%s'; its file should be %s-%s.so", path,
                       plugin->name, is, plugin->name);
    }
    return 0;
}

static int
check_ops(const struct hf_plugin *plugin, const char *path, struct hf_err *err)
{
    const struct hf_kind *kind = hf_kind_of(plugin->kind);
    uint32_t size;

    if (!plugin->ops) {
        return hf_fail(err, HF_EINVALID, "module '%s' has no table of operations", path);
    }
    memcpy(&size, plugin->ops, sizeof size);
    for (const struct hf_kind_member *m = kind->required; m->name; m++) {
        void (*function)(void) = NULL;

        if (m->offset + sizeof function > size) {
            return hf_fail(err, HF_EINVALID,
                           "module '%s': its table of %u bytes ends before '%s', which every %s "
                           "module needs",
                           path, size, m->name, kind->name);
        }
        memcpy(&function, (const char *)plugin->ops + m->offset, sizeof function);
        if (!function) {
            return hf_fail(err, HF_EINVALID,
                           "module '%s' lacks the operation '%s', which every %s module needs",
                           path, m->name, kind->name);
        }
    }
    return 0;
}

/* --- copies in our own sizes --------------------------------------------------------------- */

static int
copy_ops(const struct hf_plugin *plugin, struct loaded *loaded, struct hf_err *err)
{
    const struct hf_kind *kind = hf_kind_of(plugin->kind);
    uint32_t size;

    loaded->ops = calloc(1, kind->ops_size);
    if (!loaded->ops) {
        return hf_fail(err, HF_ENOMEM, "no memory for module '%s'", loaded->path);
    }
    memcpy(&size, plugin->ops, sizeof size);
    memcpy(loaded->ops, plugin->ops, hf_min((size_t)size, kind->ops_size));
    return 0;
}

/* Copies the rows, which the module may have built shorter or longer. */
static int
copy_options(const struct hf_plugin *plugin, struct loaded *loaded, struct hf_err *err)
{
    const char *rows = (const char *)plugin->options;
    size_t size = plugin->option_size;
    size_t n = 0;

    if (!rows) {
        return 0;
    }
    if (size < sizeof(struct hf_option)) {
        return hf_fail(err, HF_EINVALID,
                       "module '%s': a row of its options has %zu bytes instead of %zu",
                       loaded->path, size, sizeof(struct hf_option));
    }
    loaded->options = calloc(OPTIONS_MAX + 1, sizeof(struct hf_option));
    if (!loaded->options) {
        return hf_fail(err, HF_ENOMEM, "no memory for module '%s'", loaded->path);
    }
    do {
        memcpy(&loaded->options[n], rows + n * size, sizeof(struct hf_option));
    } while (loaded->options[n].key && ++n < OPTIONS_MAX);
    if (n == OPTIONS_MAX) {
        return hf_fail(err, HF_EINVALID,
                       "module '%s': its table of options does not end; add a row { 0 }",
                       loaded->path);
    }
    return hf_options_check_table(loaded->path, loaded->options, err);
}

/* --- loading ------------------------------------------------------------------------------- */

static void
free_loaded(struct loaded *loaded)
{
    if (loaded) {
        free(loaded->path);
        free(loaded->ops);
        free(loaded->options);
        free(loaded);
    }
}
HF_DEFINE_CLEANUP(struct loaded, free_loaded)

/* Makes everything of a module that does not run its code. */
static int
describe(const struct hf_plugin *plugin, uint32_t kind, const char *name, struct loaded *loaded,
         struct hf_err *err)
{
    int r = check_version(plugin, loaded->path, err);

    r = r < 0 ? r : check_identity(plugin, kind, name, loaded->path, err);
    r = r < 0 ? r : check_ops(plugin, loaded->path, err);
    r = r < 0 ? r : copy_ops(plugin, loaded, err);
    r = r < 0 ? r : copy_options(plugin, loaded, err);
    if (r < 0) {
        return r;
    }
    loaded->module = (struct hf_module){
        .kind = kind,
        .name = plugin->name,
        .summary = plugin->summary ? plugin->summary : "",
        .path = loaded->path,
        .abi_major = plugin->abi_major,
        .abi_minor = plugin->abi_minor,
        .options = loaded->options,
        .ops.any = loaded->ops,
    };
    return 0;
}

/* Opens the file for good: its symbols stay its own, and it stays. */
static int
open_for_good(const char *path, struct hf_err *err)
{
    lt_dladvise advise = NULL;
    lt_dlhandle handle = NULL;

    if (lt_dlinit() != 0) {
        return hf_fail(err, HF_EINTERNAL, "libltdl does not start: %s", lt_dlerror());
    }
    if (lt_dladvise_init(&advise) == 0 && lt_dladvise_local(&advise) == 0 &&
        lt_dladvise_resident(&advise) == 0) {
        handle = lt_dlopenadvise(path, advise);
    }
    lt_dladvise_destroy(&advise);
    return handle ? 0 : hf_fail(err, HF_EIO, "cannot load module '%s': %s", path, lt_dlerror());
}

/* Examines the file and, if all is right, keeps it open. */
static int
examine(uint32_t kind, const char *name, struct loaded *loaded, struct hf_err *err)
{
    void *handle = dlopen(loaded->path, RTLD_NOW | RTLD_LOCAL);
    const struct hf_plugin *plugin;
    int r;

    if (!handle) {
        return hf_fail(err, HF_EINVALID, "cannot load module '%s': %s", loaded->path, dlerror());
    }
    plugin = dlsym(handle, "hyperfaas_plugin");
    if (plugin) {
        r = describe(plugin, kind, name, loaded, err);
    } else {
        r = hf_fail(err, HF_EINVALID,
                    "'%s' is no module: it exports no symbol hyperfaas_plugin "
                    "(see hyperfaas/plugin.h)",
                    loaded->path);
    }
    if (r == 0) {
        r = open_for_good(loaded->path, err);
    }
    dlclose(handle);
    return r;
}

/* For guest.h: whose table of operations, or host, that is.  Modules are only ever added, at the
 * end of the list, and while nothing else goes on. */
static const char *
name_owner(const void *owner)
{
    const struct loaded *loaded;

    HF_LIST_FOR (loaded, &all, node) {
        if (loaded->module.ops.any == owner || loaded->module.host == owner) {
            return hf_module_host_name(loaded->module.host);
        }
    }
    return NULL;
}

/* The module made from this file, or NULL.  Mutex held. */
static struct loaded *
find_loaded(const struct stat *st)
{
    struct loaded *loaded;

    HF_LIST_FOR (loaded, &all, node) {
        if (loaded->dev == st->st_dev && loaded->ino == st->st_ino) {
            return loaded;
        }
    }
    return NULL;
}

/* Loads a file; `name` is NULL if it was named by its path.  Mutex held. */
static int
load_file(uint32_t kind, const char *name, const char *path, const struct hf_module **ret,
          struct hf_err *err)
{
    hf_auto(free_loaded) struct loaded *fresh = NULL;
    struct loaded *known;
    struct stat st;
    int r;

    if (stat(path, &st) < 0) {
        return hf_fail_errno(err, errno, "cannot open module '%s'", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return hf_fail(err, HF_EINVALID, "module '%s' is not a file", path);
    }
    known = find_loaded(&st);
    if (known && known->module.kind == kind && (!name || strcmp(known->module.name, name) == 0)) {
        *ret = &known->module;
        return 0;
    }
    fresh = calloc(1, sizeof *fresh);
    if (!fresh || !(fresh->path = strdup(path))) {
        return hf_fail(err, HF_ENOMEM, "no memory for module '%s'", path);
    }
    fresh->dev = st.st_dev;
    fresh->ino = st.st_ino;
    r = hf_elf_file_check(path, err);
    if (r == 0) {
        struct hf_guest outer = hf_guest_enter(NULL, "load", path);

        r = examine(kind, name, fresh, err);
        hf_guest_leave(&outer);
    }
    if (r == 0) {
        r = hf_module_host_new(hf_plugin_kind_name(kind), fresh->module.name, &fresh->module.host,
                               err);
    }
    if (r < 0) {
        return r;
    }
    hf_guest_set_namer(name_owner);
    hf_list_append(&all, &fresh->node);
    *ret = &hf_steal(fresh)->module;
    return 0;
}

int
hf_module_load(uint32_t kind, const char *name, const struct hf_plugin_path *path,
               const struct hf_module **ret, struct hf_err *err)
{
    bool by_path = strchr(name, '/') != NULL;
    hf_autofree char *found = NULL;
    int r = by_path ? 0 : hf_search_module(kind, name, path, &found, err);

    if (r < 0) {
        return r;
    }
    pthread_mutex_lock(&mutex);
    r = load_file(kind, by_path ? NULL : name, by_path ? name : found, ret, err);
    pthread_mutex_unlock(&mutex);
    return r;
}

/* --- in words ------------------------------------------------------------------------------ */

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
