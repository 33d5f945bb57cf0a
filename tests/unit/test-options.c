/* test-options.c - sections bound to tables: values, defaults, and every way to be wrong. */
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/json.h"
#include "base/options.h"
#include "base/text.h"
#include "unit.h"

/* clang-format off */
static const struct hf_option table[] = {
    { "name", HF_OPT_STRING, 0, NULL, NULL, NULL, NULL, "A name." },
    { "fast", HF_OPT_BOOL, 0, "no", NULL, NULL, NULL, "Whether to hurry." },
    { "limit", HF_OPT_UINT, 0, "10", "1", "100", NULL, "At most so many." },
    { "idle", HF_OPT_DURATION, HF_OPT_RELOAD, "1.5m", "1s", "1h", NULL, "Time to live." },
    { "memory", HF_OPT_SIZE, 0, "64KiB", "4KiB", NULL, NULL, "Room." },
    { "factor", HF_OPT_DOUBLE, 0, "0.25", "0", "1", NULL, "A share." },
    { "order", HF_OPT_ENUM, 0, "mem", NULL, NULL, "mem|cpu|run", "What to compare." },
    { "listen", HF_OPT_ADDRESS, 0, "127.0.0.1:0", NULL, NULL, NULL, "Where." },
    { "peers", HF_OPT_LIST, 0, "a, b", NULL, NULL, NULL, "Who else." },
    { "folder", HF_OPT_PATH, 0, "lib", NULL, NULL, NULL, "Where things lie." },
    { "search", HF_OPT_PATHS, 0, "lib, /opt", NULL, NULL, NULL, "Where to look." },
    { "password", HF_OPT_STRING, HF_OPT_SECRET, NULL, NULL, NULL, NULL, "Not shown." },
    { 0 }
};
static const struct hf_option required[] = {
    { "path", HF_OPT_PATH, HF_OPT_REQUIRED, NULL, NULL, NULL, NULL, "The store's folder." },
    { 0 }
};
/* clang-format on */

static struct hf_err err;

/* Binds the section [s] of a file in etc/. */
static int
bind(const char *text, const struct hf_option *rows, struct hf_options **ret)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;

    hf_err_clear(&err);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "etc/t.ini", &config, &err), 0);
    return hf_options_new("s", hf_config_section(config, "s"), rows, ret, &err);
}

static const char *
refuse(const char *text)
{
    struct hf_options *options = NULL;

    UNIT_INT(bind(text, table, &options), HF_EINVALID);
    CU_ASSERT_PTR_NULL(options);
    hf_options_free(options);
    return err.message;
}

static void
reads_quoted_lists_and_paths(void)
{
    hf_auto(hf_options_free) struct hf_options *o = NULL;

    UNIT_INT(bind("[s]\n"
                  "peers = LIST=\"1,2\", B=\"x y\" \"\" c\n"
                  "peers = \"d, \\\"e\\\"\"\n"
                  "search = \"my lib\", /opt/\"a,b\"\n"
                  "folder = \"my folder\" ; here\n",
                  table, &o),
             0);
    UNIT_U64(hf_options_count(o, "peers"), 5);
    UNIT_STR(hf_options_item(o, "peers", 0), "LIST=1,2");
    UNIT_STR(hf_options_item(o, "peers", 1), "B=x y");
    UNIT_STR(hf_options_item(o, "peers", 2), "");
    UNIT_STR(hf_options_item(o, "peers", 4), "d, \"e\"");
    UNIT_U64(hf_options_count(o, "search"), 2);
    UNIT_STR(hf_options_item(o, "search", 0), "etc/my lib");
    UNIT_STR(hf_options_item(o, "search", 1), "/opt/a,b");
    UNIT_STR(hf_options_str(o, "folder"), "etc/my folder");
}

static void
refuses_paths_for_a_shell(void)
{
    UNIT_CONTAINS(refuse("[s]\nfolder = ~/x\n"),
                  "etc/t.ini:2: [s] folder: '~/x': ~ is not replaced: write ${HOME}/x");
    UNIT_CONTAINS(refuse("[s]\nsearch = lib, ~\n"), "[s] search: '~': ~ is not replaced");
    UNIT_CONTAINS(refuse("[s]\nfolder =\n"), "[s] folder: the path is empty; leave the line out");
    UNIT_CONTAINS(refuse("[s]\nsearch = \"\"\n"), "[s] search: the path is empty");
}

static void
takes_defaults(void)
{
    hf_auto(hf_options_free) struct hf_options *o = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_options_new("s", NULL, table, &o, &err), 0);
    CU_ASSERT_PTR_NULL(hf_options_str(o, "name"));
    CU_ASSERT_FALSE(hf_options_bool(o, "fast"));
    UNIT_U64(hf_options_u64(o, "limit"), 10);
    UNIT_U64(hf_options_u64(o, "idle"), 90 * HF_SEC);
    UNIT_U64(hf_options_u64(o, "memory"), 65536);
    CU_ASSERT_DOUBLE_EQUAL(hf_options_double(o, "factor"), 0.25, 0);
    UNIT_STR(hf_options_str(o, "order"), "mem");
    UNIT_STR(hf_options_str(o, "listen"), "127.0.0.1:0");
    UNIT_STR(hf_options_str(o, "folder"), "lib");
    UNIT_STR(hf_options_item(o, "search", 0), "lib");
    UNIT_U64(hf_options_count(o, "peers"), 2);
    UNIT_STR(hf_options_item(o, "peers", 1), "b");
    CU_ASSERT_PTR_NULL(hf_options_item(o, "peers", 2));
    CU_ASSERT_FALSE(hf_options_is_given(o, "limit"));
}

static void
takes_given_values(void)
{
    hf_auto(hf_options_free) struct hf_options *o = NULL;

    CU_ASSERT_EQUAL_FATAL(bind("[s]\nname = x y\nfast = On\nlimit = 100\nidle = 1s\n"
                               "memory = 1MiB\nfactor = 1\norder = run\nlisten = [::1]:80\n"
                               "peers = c d,\n  e\npeers = f\nfolder = ../x\n"
                               "search = /a, b\nsearch = ../c\n",
                               table, &o),
                          0);
    UNIT_STR(hf_options_str(o, "name"), "x y");
    CU_ASSERT_TRUE(hf_options_bool(o, "fast"));
    UNIT_U64(hf_options_u64(o, "fast"), 1);
    UNIT_U64(hf_options_u64(o, "limit"), 100);
    UNIT_U64(hf_options_u64(o, "idle"), HF_SEC);
    UNIT_U64(hf_options_u64(o, "memory"), 1 << 20);
    CU_ASSERT_DOUBLE_EQUAL(hf_options_double(o, "factor"), 1, 0);
    UNIT_STR(hf_options_str(o, "order"), "run");
    UNIT_STR(hf_options_str(o, "listen"), "[::1]:80");
    UNIT_STR(hf_options_str(o, "folder"), "etc/../x");
    UNIT_U64(hf_options_count(o, "search"), 3);
    UNIT_STR(hf_options_item(o, "search", 0), "/a");
    UNIT_STR(hf_options_item(o, "search", 1), "etc/b");
    UNIT_STR(hf_options_item(o, "search", 2), "etc/../c");
    UNIT_U64(hf_options_count(o, "peers"), 4);
    UNIT_STR(hf_options_item(o, "peers", 0), "c");
    UNIT_STR(hf_options_item(o, "peers", 3), "f");
    CU_ASSERT_TRUE(hf_options_is_given(o, "limit"));
}

static void
keeps_absolute_paths(void)
{
    hf_auto(hf_options_free) struct hf_options *o = NULL;

    CU_ASSERT_EQUAL_FATAL(bind("[s]\nfolder = /var/x\n", table, &o), 0);
    UNIT_STR(hf_options_str(o, "folder"), "/var/x");
}

static void
refuses_bad_values(void)
{
    UNIT_STR(refuse("[s]\nfast = perhaps\n"),
             "etc/t.ini:2: [s] fast: 'perhaps' is neither yes nor no; write one of them");
    UNIT_STR(refuse("[s]\n\nlimit = ten\n"),
             "etc/t.ini:3: [s] limit: 'ten' is not a number; write decimal digits");
    UNIT_CONTAINS(refuse("[s]\nidle = 90\n"), "[s] idle: '90' is not a duration; write a number");
    UNIT_CONTAINS(refuse("[s]\nmemory = lots\n"), "[s] memory: 'lots' is not a size");
    UNIT_CONTAINS(refuse("[s]\nfactor = nan\n"), "[s] factor: 'nan' is not a number");
    UNIT_CONTAINS(refuse("[s]\nlisten = 80\n"), "[s] listen: '80' is not an address");
    UNIT_STR(refuse("[s]\norder = men\n"), "etc/t.ini:2: [s] order: 'men' is not allowed; did you "
                                           "mean mem? Allowed are: mem, cpu, run");
    UNIT_STR(refuse("[s]\norder =\n"),
             "etc/t.ini:2: [s] order: '' is not allowed; allowed are: mem, cpu, run");
}

static void
refuses_values_out_of_range(void)
{
    UNIT_STR(refuse("[s]\nlimit = 0\n"),
             "etc/t.ini:2: [s] limit: '0' is too small; the smallest value is 1");
    UNIT_STR(refuse("[s]\nlimit = 101\n"),
             "etc/t.ini:2: [s] limit: '101' is too large; the largest value is 100");
    UNIT_CONTAINS(refuse("[s]\nidle = 999ms\n"), "the smallest value is 1s");
    UNIT_CONTAINS(refuse("[s]\nmemory = 4095\n"), "the smallest value is 4KiB");
    UNIT_CONTAINS(refuse("[s]\nfactor = 1.01\n"), "the largest value is 1");
}

static void
refuses_a_key_given_twice(void)
{
    UNIT_STR(refuse("[s]\nlimit = 2\nname = x\nlimit = 3\n"),
             "etc/t.ini:4: [s] limit: is given twice, first in line 2");
}

static void
lets_a_later_file_win(void)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    hf_auto(hf_options_free) struct hf_options *o = NULL;
    const char *path = unit_file("a.ini", "include = b.ini\n[s]\nlimit = 2\n");

    unit_file("b.ini", "[s]\nlimit = 1\n");
    CU_ASSERT_EQUAL_FATAL(hf_config_load(path, &config, &err), 0);
    CU_ASSERT_EQUAL_FATAL(hf_options_new("s", hf_config_section(config, "s"), table, &o, &err), 0);
    UNIT_U64(hf_options_u64(o, "limit"), 2);
}

static void
asks_for_what_is_required(void)
{
    struct hf_options *o = NULL;

    UNIT_INT(bind("\n[s]\n", required, &o), HF_EINVALID);
    UNIT_STR(err.message, "etc/t.ini:2: [s] needs path: The store's folder.");
    UNIT_INT(bind("[other]\n", required, &o), HF_EINVALID);
    UNIT_STR(err.message, "section [s] needs path: The store's folder.");
}

static void
refuses_unknown_keys(void)
{
    const struct hf_option *const tables[] = { required, NULL, table };
    const char *text = "[s]\nlimits = 1\n";
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    const struct hf_config_section *section;

    hf_config_parse(text, strlen(text), "t.ini", &config, &err);
    section = hf_config_section(config, "s");
    UNIT_INT(hf_options_check_keys(section, tables, 3, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "t.ini:2: [s] has no key 'limits'; did you mean limit? "
                               "The keys are: path, name, fast, limit,");
    UNIT_INT(hf_options_check_keys(section, tables, 0, &err), HF_EINVALID);
    UNIT_STR(err.message, "t.ini:2: [s] has no key 'limits'; it takes none");
    UNIT_INT(hf_options_check_keys(NULL, tables, 3, &err), 0);
}

static void
hides_secrets(void)
{
    static const struct hf_option secret_number[] = {
        { "pin", HF_OPT_UINT, HF_OPT_SECRET, NULL, NULL, NULL, NULL, NULL }, { 0 }
    };
    hf_auto(hf_options_free) struct hf_options *o = NULL;
    struct hf_options *none = NULL;
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    CU_ASSERT_EQUAL_FATAL(bind("[s]\npassword = 12345\nidle = 1h\n", table, &o), 0);
    UNIT_STR(hf_options_str(o, "password"), "12345");
    hf_options_show(o, "", &text);
    UNIT_STR(hf_text_str(&text),
             "fast=no\nlimit=10\nidle=1h\nmemory=64KiB\nfactor=0.25\norder=mem\n"
             "listen=127.0.0.1:0\npeers=a, b\nfolder=lib\nsearch=lib, /opt\npassword=(hidden)\n");
    UNIT_INT(bind("[s]\npin = 12a45\n", secret_number, &none), HF_EINVALID);
    CU_ASSERT_PTR_NULL(strstr(err.message, "12a45"));
}

static void
checks_tables(void)
{
    /* clang-format off */
    static const struct {
        struct hf_option rows[3];
        const char *message;
    } bad[] = {
        { { { "Key", HF_OPT_STRING, 0, NULL, NULL, NULL, NULL, NULL } },
          "mod: option 'Key': a key has lower case letters" },
        { { { "k", 77, 0, NULL, NULL, NULL, NULL, NULL } },
          "mod: option 'k': its type 77 is unknown" },
        { { { "k", HF_OPT_UINT, 0x80, NULL, NULL, NULL, NULL, NULL } },
          "mod: option 'k': its flags 0x80 are unknown" },
        { { { "k", HF_OPT_ENUM, 0, NULL, NULL, NULL, NULL, NULL } }, "it has no choices" },
        { { { "k", HF_OPT_UINT, HF_OPT_REQUIRED, "1", NULL, NULL, NULL, NULL } },
          "it is required and has a default" },
        { { { "k", HF_OPT_UINT, 0, "x", NULL, NULL, NULL, NULL } },
          "mod: option 'k': its default: 'x' is not a number" },
        { { { "k", HF_OPT_UINT, 0, "5", "6", NULL, NULL, NULL } },
          "mod: option 'k': its default: '5' is too small; the smallest value is 6" },
        { { { "k", HF_OPT_DURATION, 0, "5s", "x", NULL, NULL, NULL } },
          "mod: option 'k': its minimum: 'x' is not a duration" },
        { { { "k", HF_OPT_UINT, 0, NULL, NULL, NULL, NULL, NULL },
            { "k", HF_OPT_UINT, 0, NULL, NULL, NULL, NULL, NULL } },
          "mod: option 'k': it is there twice" },
    };
    /* clang-format on */

    UNIT_INT(hf_options_check_table("mod", table, &err), 0);
    UNIT_INT(hf_options_check_table("mod", required, &err), 0);
    UNIT_INT(hf_options_check_table("mod", NULL, &err), 0);
    for (size_t i = 0; i < hf_countof(bad); i++) {
        UNIT_INT(hf_options_check_table("mod", bad[i].rows, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].message);
    }
}

static void
writes_a_sample_that_it_reads(void)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    hf_auto(hf_options_free) struct hf_options *o = NULL;
    hf_autotext struct hf_text text;
    char *s;

    hf_text_init(&text);
    hf_text_add(&text, "[s]\n");
    hf_options_write_sample(table, &text);
    UNIT_CONTAINS(hf_text_str(&text), "; Time to live.\n"
                                      "; duration, 1s to 1h, may change while running\n"
                                      ";idle = 1.5m\n");
    UNIT_CONTAINS(hf_text_str(&text), "; choice: mem | cpu | run\n");
    for (s = text.data; (s = strstr(s, "\n;")); s++) {
        if (s[2] != ' ') {
            memmove(s + 1, s + 2, strlen(s + 1)); /* the line takes effect */
        }
    }
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text.data, strlen(text.data), "sample", &config, &err),
                          0);
    hf_err_clear(&err);
    UNIT_INT(hf_options_new("s", hf_config_section(config, "s"), table, &o, &err), 0);
    UNIT_STR(err.message, "");
    CU_ASSERT_TRUE(o && hf_options_is_given(o, "idle"));
}

static void
describes_itself_in_json(void)
{
    hf_autotext struct hf_text text;
    struct hf_json json;

    hf_text_init(&text);
    hf_json_init(&json, &text);
    hf_options_write_json(required, NULL, &json);
    UNIT_STR(hf_text_str(&text),
             "[{\"key\":\"path\",\"type\":\"path\",\"default\":null,\"min\":null,\"max\":null,"
             "\"required\":true,\"reloadable\":false,\"secret\":false,"
             "\"help\":\"The store's folder.\"}]");
}

UNIT_MAIN("options", UNIT_TEST(takes_defaults), UNIT_TEST(reads_quoted_lists_and_paths),
          UNIT_TEST(refuses_paths_for_a_shell), UNIT_TEST(takes_given_values),
          UNIT_TEST(keeps_absolute_paths), UNIT_TEST(refuses_bad_values),
          UNIT_TEST(refuses_values_out_of_range), UNIT_TEST(refuses_a_key_given_twice),
          UNIT_TEST(lets_a_later_file_win), UNIT_TEST(asks_for_what_is_required),
          UNIT_TEST(refuses_unknown_keys), UNIT_TEST(hides_secrets), UNIT_TEST(checks_tables),
          UNIT_TEST(writes_a_sample_that_it_reads), UNIT_TEST(describes_itself_in_json))
