/* test-module.c - loading modules: the right one, and every way to be wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/module.h"
#include "unit.h"

static struct hf_err err;

/* Where the modules of tests/unit/modules lie. */
static const struct hf_plugin_path *
modules(void)
{
    static char folder[4096];
    static const char *const folders[] = { "/nonexistent/modules", folder };
    static const struct hf_plugin_path path = { folders, 2 };
    const char *build = getenv("HF_BUILDDIR");

    snprintf(folder, sizeof folder, "%s/tests/unit/modules/.libs", build ? build : ".");
    return &path;
}

/* The file of one of them. */
static const char *
module_file(const char *name)
{
    static char file[4096 + 64];

    snprintf(file, sizeof file, "%s/%s.so", modules()->folders[1], name);
    return file;
}

static const struct hf_module *
load(const char *name)
{
    const struct hf_module *module = NULL;

    hf_err_clear(&err);
    UNIT_INT(hf_module_load(HF_PLUGIN_LB, name, modules(), &module, &err), 0);
    UNIT_STR(err.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(module);
    return module;
}

/* Loads what must be refused; returns the message. */
static const char *
refuse(const char *name, int code)
{
    const struct hf_module *module = NULL;

    hf_err_clear(&err);
    UNIT_INT(hf_module_load(HF_PLUGIN_LB, name, modules(), &module, &err), code);
    CU_ASSERT_PTR_NULL(module);
    return err.message;
}

/* --- what is right ------------------------------------------------------------------------- */

static void
loads_by_name(void)
{
    const struct hf_module *module = load("good");

    UNIT_STR(module->name, "good");
    UNIT_U64(module->kind, HF_PLUGIN_LB);
    UNIT_STR(module->summary, "A module with nothing wrong.");
    UNIT_STR(module->path, module_file("lb-good"));
    CU_ASSERT_PTR_NOT_NULL(module->ops.lb->pick);
    CU_ASSERT_PTR_NOT_NULL(module->ops.lb->show);
    CU_ASSERT_PTR_EQUAL(load("good"), module);
}

static void
loads_by_path(void)
{
    CU_ASSERT_PTR_EQUAL(load(module_file("lb-good")), load("good"));
    UNIT_STR(load(module_file("lb-renamed"))->name, "other");
}

static void
loads_from_a_build_tree(void)
{
    const char *folders[] = { unit_folder() };
    struct hf_plugin_path path = { folders, 1 };
    const struct hf_module *module = NULL;
    char name[256];

    snprintf(name, sizeof name, "%s/lb-short", folders[0]);
    CU_ASSERT_EQUAL_FATAL(mkdir(name, 0700), 0);
    snprintf(name, sizeof name, "%s/lb-short/.libs", folders[0]);
    CU_ASSERT_EQUAL_FATAL(mkdir(name, 0700), 0);
    snprintf(name, sizeof name, "%s/lb-short/.libs/lb-short.so", folders[0]);
    CU_ASSERT_EQUAL_FATAL(symlink(module_file("lb-short"), name), 0);
    UNIT_INT(hf_module_load(HF_PLUGIN_LB, "short", &path, &module, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(module);
}

static void
fills_what_an_older_module_lacks(void)
{
    const struct hf_module *module = load("short");

    CU_ASSERT_PTR_NOT_NULL(module->ops.lb->pick);
    CU_ASSERT_PTR_NULL(module->ops.lb->added);
    CU_ASSERT_PTR_NULL(module->ops.lb->show); /* set in the module, but behind its size */
    CU_ASSERT_PTR_NULL(module->options);
}

static void
reads_rows_of_another_size(void)
{
    const struct hf_module *module = load("longrows");

    UNIT_STR(module->options[0].key, "first");
    UNIT_STR(module->options[1].key, "second");
    CU_ASSERT_PTR_NULL(module->options[2].key);
}

/* --- what is wrong ------------------------------------------------------------------------- */

static void
says_where_it_looked(void)
{
    const char *message = refuse("god", HF_ENOTFOUND);

    UNIT_CONTAINS(message, "there is no lb module 'god'; looked for lb-god.so in "
                           "/nonexistent/modules (not there), ");
    UNIT_CONTAINS(message,
                  "/tests/unit/modules/.libs; did you mean good?; found there: badoption,");
    UNIT_INT(hf_module_load(HF_PLUGIN_STORE, "file", modules(), NULL, &err), HF_ENOTFOUND);
    UNIT_CONTAINS(err.message, "looked for store-file.so in");
    UNIT_CONTAINS(err.message, "; found none there");
    UNIT_CONTAINS(refuse("/nonexistent/lb-x.so", HF_ENOTFOUND),
                  "cannot open module '/nonexistent/lb-x.so': No such file or directory");
    UNIT_CONTAINS(refuse("/tmp/", HF_EINVALID), "module '/tmp/' is not a file");
}

static void
says_why_it_cannot_load(void)
{
    UNIT_CONTAINS(refuse("unresolved", HF_EINVALID), "undefined symbol: hf_test_defined_nowhere");
    UNIT_CONTAINS(refuse(unit_file("lb-text.so", "no library\n"), HF_EINVALID),
                  "lb-text.so' is no module: it is no shared object");
    UNIT_CONTAINS(refuse("nosymbol", HF_EINVALID),
                  "is no module: it exports no symbol hyperfaas_plugin");
}

static void
refuses_other_interfaces(void)
{
    char expected[128];

    snprintf(expected, sizeof expected, "was built for version %d.%d of the plugin interface; ",
             HF_PLUGIN_ABI_MAJOR + 1, HF_PLUGIN_ABI_MINOR);
    UNIT_CONTAINS(refuse("major", HF_EUNSUPPORTED), expected);
    snprintf(expected, sizeof expected,
             "was built for version %d.%d of the plugin interface; this is version %d.%d",
             HF_PLUGIN_ABI_MAJOR, HF_PLUGIN_ABI_MINOR + 1, HF_PLUGIN_ABI_MAJOR,
             HF_PLUGIN_ABI_MINOR);
    UNIT_CONTAINS(refuse("minor", HF_EUNSUPPORTED), expected);
    UNIT_CONTAINS(refuse("magic", HF_EINVALID),
                  "is no module: its descriptor begins with 0x12345678 instead of 0x48464153");
    UNIT_CONTAINS(refuse("size", HF_EINVALID), "its descriptor has 16 bytes instead of 56");
}

static void
refuses_what_is_something_else(void)
{
    UNIT_CONTAINS(refuse("scheduler", HF_EINVALID),
                  "is of kind scheduler; one of kind lb is needed here");
    UNIT_CONTAINS(refuse("strange", HF_EUNSUPPORTED), "is of kind 77, which is unknown here");
    UNIT_CONTAINS(refuse("renamed", HF_EINVALID),
                  "calls itself 'other'; its file should be lb-other.so");
    load("good");
    UNIT_INT(hf_module_load(HF_PLUGIN_SCALER, module_file("lb-good"), modules(), NULL, &err),
             HF_EINVALID);
    UNIT_CONTAINS(err.message, "is of kind lb; one of kind scaler is needed here");
}

static void
refuses_incomplete_operations(void)
{
    UNIT_CONTAINS(refuse("noops", HF_EINVALID), "has no table of operations");
    UNIT_CONTAINS(refuse("cut", HF_EINVALID),
                  "its table of 24 bytes ends before 'pick', which every lb module needs");
    UNIT_CONTAINS(refuse("nopick", HF_EINVALID),
                  "lacks the operation 'pick', which every lb module needs");
}

static void
refuses_bad_tables_of_options(void)
{
    UNIT_CONTAINS(refuse("badoption", HF_EINVALID),
                  "lb-badoption.so: option 'limit': its default: 'many' is not a number");
    UNIT_CONTAINS(refuse("shortrows", HF_EINVALID),
                  "a row of its options has 8 bytes instead of 56");
}

/* --- configured ---------------------------------------------------------------------------- */

/* Configures the section [balance] of a file. */
static int
configure(const char *text, const char *fallback, const struct hf_module **ret,
          struct hf_options **ret_options)
{
    static const struct hf_option others[] = { { .key = "cold", .type = HF_OPT_STRING },
                                               { .key = NULL } };
    struct hf_module_request request = {
        .kind = HF_PLUGIN_LB, .section = "balance", .fallback = fallback, .others = others
    };
    hf_auto(hf_config_free) struct hf_config *config = NULL;

    hf_err_clear(&err);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "t.ini", &config, &err), 0);
    return hf_module_configure(config, &request, modules(), ret, ret_options, &err);
}

static void
refuse_configuration(const char *text, const char *message)
{
    const struct hf_module *module = NULL;
    struct hf_options *options = NULL;

    CU_ASSERT(configure(text, NULL, &module, &options) < 0);
    UNIT_CONTAINS(err.message, message);
    CU_ASSERT_PTR_NULL(module);
    CU_ASSERT_PTR_NULL(options);
}

static void
configures_by_a_section(void)
{
    const struct hf_module *module = NULL;
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    hf_auto(hf_options_free) struct hf_options *defaults = NULL;

    UNIT_INT(configure("[balance]\nplugin = good\nlimit = 7\ncold = x\n", NULL, &module, &options),
             0);
    UNIT_STR(err.message, "");
    CU_ASSERT_FATAL(module && options);
    UNIT_U64(hf_options_u64(options, "limit"), 7);
    UNIT_INT(configure("", "good", &module, &defaults), 0);
    CU_ASSERT_FATAL(defaults != NULL);
    UNIT_U64(hf_options_u64(defaults, "limit"), 5);
}

static void
refuses_bad_sections(void)
{
    refuse_configuration("", "section [balance] needs plugin: the lb module to use");
    refuse_configuration("[balance]\nplugin = gold\n",
                         "t.ini:2: [balance] plugin: there is no lb module 'gold'");
    refuse_configuration("[balance]\nplugin = good\nlimits = 1\n",
                         "t.ini:3: [balance] has no key 'limits'; did you mean limit? "
                         "The keys are: plugin, cold, limit, share, order, peers");
    refuse_configuration("[balance]\nplugin = good\nlimit = 10\n",
                         "t.ini:3: [balance] limit: '10' is too large; the largest value is 9");
    refuse_configuration("[balance]\nplugin = takesplugin\n",
                         "has an option 'plugin', which means something else in this section");
}

static void
configures_by_sections_of_modules(void)
{
    const struct hf_module *module = NULL;
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    hf_auto(hf_options_free) struct hf_options *located = NULL;
    hf_autofree char *text = hf_strdup_printf("[balance]\nplugin = mine\n"
                                              "[balance.mine]\nplugin = %s\nlimit = 3\n"
                                              "[balance.good]\norder = down\n",
                                              module_file("lb-good"));

    UNIT_INT(configure("[balance.good]\nlimit = 7\n[balance]\ncold = x\n[balance.other]\nx = y\n",
                       "good", &module, &options),
             0);
    CU_ASSERT_FATAL(options != NULL);
    UNIT_U64(hf_options_u64(options, "limit"), 7);
    UNIT_INT(configure(text, NULL, &module, &located), 0);
    CU_ASSERT_FATAL(located != NULL);
    UNIT_STR(module->name, "good");
    UNIT_U64(hf_options_u64(located, "limit"), 3);
    UNIT_STR(hf_options_str(located, "order"), "down");
    refuse_configuration("[balance]\nplugin = good\nlimit = 1\n[balance.good]\nlimit = 2\n",
                         "t.ini:5: [balance.good] limit: is given twice, first in line 3");
    refuse_configuration("[balance]\nplugin = good\n[balance.good]\ncold = x\n",
                         "t.ini:4: [balance.good] has no key 'cold'");
}

static void
overrides_what_a_module_has_of_its_own(void)
{
    static const char text[] = "[balance.good]\nlimit = 7\n";
    const struct hf_module_request request = { .kind = HF_PLUGIN_LB,
                                               .section = "balance",
                                               .fallback = "good" };
    const struct hf_module *module = NULL;
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    hf_auto(hf_options_free) struct hf_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "t.ini", &config, &err), 0);
    UNIT_INT(hf_config_set(config, "balance.limit=4", &err), 0);
    UNIT_INT(hf_module_configure(config, &request, modules(), &module, &options, &err), 0);
    CU_ASSERT_FATAL(options != NULL);
    UNIT_U64(hf_options_u64(options, "limit"), 4);
}

/* What is not chosen must be right all the same. */
static void
checks_sections_of_others(void)
{
    static const char *const wrong[][2] = {
        { "[balance.gold]\n", "t.ini:1: [balance.gold]: there is no lb module 'gold'" },
        { "[balance.good]\nlimits = 1\n", "t.ini:2: [balance.good] has no key 'limits'" },
        { "[balance.good]\nlimit = 10\n", "t.ini:2: [balance.good] limit: '10' is too large" },
    };
    const struct hf_module_request request = { .kind = HF_PLUGIN_LB, .section = "balance" };
    const struct hf_module chosen = { .name = "another" };

    for (size_t i = 0; i < hf_countof(wrong); i++) {
        hf_auto(hf_config_free) struct hf_config *config = NULL;
        const char *text = wrong[i][0];

        hf_err_clear(&err);
        CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "t.ini", &config, &err), 0);
        CU_ASSERT(hf_module_check_others(config, &request, &chosen, modules(), &err) < 0);
        UNIT_CONTAINS(err.message, wrong[i][1]);
    }
}

/* --- the host ------------------------------------------------------------------------------ */

static void
serves_the_module(void)
{
    const struct hf_module *module = load("good");
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    struct hf_candidate usable = { .handle = { 0 } };
    struct hf_lb_view view = { .size = sizeof view, .usable_count = 1, .usable = &usable };
    hf_autotext struct hf_text text;
    struct hf_lb *lb = NULL;
    uint64_t before;

    UNIT_EXPECT_LOG("module=lb-good msg=\"share 0.5 order up peer b end reached\"");
    hf_text_init(&text);
    CU_ASSERT_EQUAL_FATAL(hf_options_new("s", NULL, module->options, &options, &err), 0);
    CU_ASSERT_EQUAL_FATAL(module->ops.lb->create(module->host, options, NULL, &lb, &err), 0);
    before = hf_counter_value(hf_counter_find("lb_good_picks"));
    module->ops.lb->pick(lb, &view);
    UNIT_U64(hf_counter_value(hf_counter_find("lb_good_picks")), before + 1);
    module->ops.lb->show(lb, &text);
    UNIT_CONTAINS(hf_text_str(&text), "hash=");
    module->ops.lb->destroy(lb);
}

static void
passes_on_the_modules_errors(void)
{
    const struct hf_module *module = NULL;
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    struct hf_lb *lb = NULL;

    CU_ASSERT_EQUAL_FATAL(
        configure("[balance]\nplugin = good\nlimit = 9\n", NULL, &module, &options), 0);
    UNIT_INT(module->ops.lb->create(module->host, options, NULL, &lb, &err), HF_EFULL);
    UNIT_STR(err.message, "limit 9 is one too many");
    CU_ASSERT_PTR_NULL(lb);
}

/* --- shown --------------------------------------------------------------------------------- */

static void
lists_what_is_there(void)
{
    struct hf_module_list list;

    UNIT_INT(hf_module_list_init(&list, 0, modules(), &err), 0);
    UNIT_U64(list.n, 18);
    UNIT_STR(list.files[0].name, "badoption");
    UNIT_STR(list.files[2].name, "good");
    UNIT_U64(list.files[2].kind, HF_PLUGIN_LB);
    UNIT_STR(list.files[2].path, module_file("lb-good"));
    hf_module_list_fini(&list);
    UNIT_INT(hf_module_list_init(&list, HF_PLUGIN_STORE, modules(), &err), 0);
    UNIT_U64(list.n, 0);
    hf_module_list_fini(&list);
}

static void
names_the_kinds(void)
{
    uint32_t kind = 0;

#define CHECK(id, value, name)                                                                     \
    UNIT_STR(hf_plugin_kind_name(id), name);                                                       \
    UNIT_INT(hf_plugin_kind_parse(name, &kind, &err), 0);                                          \
    UNIT_U64(kind, id);
    HF_PLUGIN_KINDS(CHECK)
#undef CHECK
    CU_ASSERT_PTR_NULL(hf_plugin_kind_name(0));
    UNIT_INT(hf_plugin_kind_parse("balancer", &kind, &err), HF_EINVALID);
    UNIT_STR(err.message,
             "'balancer' is no kind of module; they are lb, scheduler, scaler, store, runtime");
}

static void
describes_modules(void)
{
    hf_autotext struct hf_text text;
    struct hf_json json;

    hf_text_init(&text);
    hf_module_describe(load("good"), &text);
    UNIT_CONTAINS(hf_text_str(&text), "lb-good: A module with nothing wrong.\n");
    UNIT_CONTAINS(hf_text_str(&text), "; How many.\n; number, 1 to 9\n;limit = 5\n");
    hf_text_clear(&text);
    hf_json_init(&json, &text);
    hf_module_describe_json(load("good"), NULL, &json);
    UNIT_CONTAINS(hf_text_str(&text), "{\"kind\":\"lb\",\"name\":\"good\",\"summary\":");
    UNIT_CONTAINS(hf_text_str(&text), "\"choices\":[\"up\",\"down\"]");
}

UNIT_MAIN("module", UNIT_TEST(loads_by_name), UNIT_TEST(loads_by_path),
          UNIT_TEST(loads_from_a_build_tree), UNIT_TEST(fills_what_an_older_module_lacks),
          UNIT_TEST(reads_rows_of_another_size), UNIT_TEST(says_where_it_looked),
          UNIT_TEST(says_why_it_cannot_load), UNIT_TEST(refuses_other_interfaces),
          UNIT_TEST(refuses_what_is_something_else), UNIT_TEST(refuses_incomplete_operations),
          UNIT_TEST(refuses_bad_tables_of_options), UNIT_TEST(configures_by_a_section),
          UNIT_TEST(configures_by_sections_of_modules),
          UNIT_TEST(overrides_what_a_module_has_of_its_own), UNIT_TEST(checks_sections_of_others),
          UNIT_TEST(refuses_bad_sections), UNIT_TEST(serves_the_module),
          UNIT_TEST(passes_on_the_modules_errors), UNIT_TEST(lists_what_is_there),
          UNIT_TEST(names_the_kinds), UNIT_TEST(describes_modules))
