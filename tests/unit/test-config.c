/* test-config.c - configuration files: what they may say, and what is refused how. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/random.h"
#include "base/text.h"
#include "unit.h"

static struct hf_err err;

static struct hf_config *
parse(const char *text)
{
    struct hf_config *config = NULL;

    hf_err_clear(&err);
    UNIT_INT(hf_config_parse(text, strlen(text), "test.ini", &config, &err), 0);
    UNIT_STR(err.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    return config;
}

static const char *
refuse(const char *text)
{
    struct hf_config *config = NULL;

    hf_err_clear(&err);
    CU_ASSERT(hf_config_parse(text, strlen(text), "test.ini", &config, &err) < 0);
    CU_ASSERT_PTR_NULL(config);
    hf_config_free(config);
    return err.message;
}

static const char *
value(const struct hf_config *config, const char *section, const char *key)
{
    const struct hf_config_value *found = hf_config_value(hf_config_section(config, section), key);

    return found ? found->text : NULL;
}

static void
reads_sections_and_values(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("; comment\n"
                                                             "# another\n"
                                                             "[node]\n"
                                                             "roles = lb, leaf   ; why\n"
                                                             "empty =\n"
                                                             "[balance.leaf]\r\n"
                                                             "plugin=leastload\r\n"
                                                             "url = http://x/#a;b\n"
                                                             "[node] ; again\n"
                                                             "id = n1");

    UNIT_STR(value(config, "node", "roles"), "lb, leaf");
    UNIT_STR(value(config, "node", "empty"), "");
    UNIT_STR(value(config, "node", "id"), "n1");
    UNIT_STR(value(config, "balance.leaf", "plugin"), "leastload");
    UNIT_STR(value(config, "balance.leaf", "url"), "http://x/#a;b");
    CU_ASSERT_PTR_NULL(value(config, "node", "other"));
    CU_ASSERT_PTR_NULL(value(config, "other", "id"));
}

static void
remembers_places(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("[a]\n\nk = 1\n  2\nk = 3\n");
    const struct hf_config_value *last = hf_config_value(hf_config_section(config, "a"), "k");
    hf_autotext struct hf_text where;

    hf_text_init(&where);
    hf_config_where(last, &where);
    UNIT_STR(hf_text_str(&where), "test.ini:5");
    UNIT_U64(hf_config_section(config, "a")->line, 1);
}

static void
continues_values(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("[a]\n"
                                                             "list = one,\n"
                                                             "    two, ; the second\n"
                                                             "    # a remark\n"
                                                             "\t[three] = 3\n"
                                                             "next =\n"
                                                             "  below\n"
                                                             "[b]\n"
                                                             "  indented = yes\n");

    UNIT_STR(value(config, "a", "list"), "one, two, [three] = 3");
    UNIT_STR(value(config, "a", "next"), "below");
    UNIT_STR(value(config, "b", "indented"), "yes");
}

static void
keeps_repeated_keys(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("[a]\nk = 1\nx = 0\nk = 2\n");
    const struct hf_config_value *each;
    size_t n = 0;

    HF_LIST_FOR (each, &hf_config_section(config, "a")->values, node) {
        n += strcmp(each->key, "k") == 0;
    }
    UNIT_U64(n, 2);
    UNIT_STR(value(config, "a", "k"), "2");
}

static void
expands_the_environment(void)
{
    setenv("HF_TEST_NAME", "middle", 1);
    unsetenv("HF_TEST_NONE");
    hf_auto(hf_config_free) struct hf_config *config =
        parse("[a]\nk = <${HF_TEST_NAME}> $5 $ $${x}\nm = ${HF_TEST_NAME}${HF_TEST_NAME}\n");

    UNIT_STR(value(config, "a", "k"), "<middle> $5 $ ${x}");
    UNIT_STR(value(config, "a", "m"), "middlemiddle");
    UNIT_STR(refuse("[a]\nk = ${HF_TEST_NONE}\n"),
             "test.ini:2: k: the environment variable 'HF_TEST_NONE' is not set");
    UNIT_CONTAINS(refuse("[a]\nk = ${HF_TEST\n"), "test.ini:2: k: '${HF_TEST' does not end");
}

static void
keeps_quoted_text_together(void)
{
    setenv("HF_TEST_NAME", "a \"b\", $c '\\", 1);
    hf_auto(hf_config_free) struct hf_config *config = parse("[a]\n"
                                                             "whole = \"x ; # y\" ; why\n"
                                                             "part = A=\"1, 2\",B\n"
                                                             "escaped = \"\\\"\\\\\\n\"\n"
                                                             "plain = C:\\dir\\ it's $5\n"
                                                             "bare = ${HF_TEST_NAME}\n"
                                                             "held = \"${HF_TEST_NAME}\"\n"
                                                             "none = \"\"\n");

    UNIT_STR(value(config, "a", "whole"), "x ; # y");
    UNIT_STR(value(config, "a", "part"), "A=1, 2,B");
    UNIT_STR(value(config, "a", "escaped"), "\"\\\\n");
    UNIT_STR(value(config, "a", "plain"), "C:\\dir\\ it's $5");
    UNIT_STR(value(config, "a", "bare"), getenv("HF_TEST_NAME"));
    UNIT_STR(value(config, "a", "held"), getenv("HF_TEST_NAME"));
    UNIT_STR(value(config, "a", "none"), "");
    UNIT_CONTAINS(refuse("[a]\nk = \"x\ny = z\n"), "test.ini:2: k: '\"x' has no closing \"");
}

static void
refuses_what_is_meant_otherwise(void)
{
    UNIT_CONTAINS(refuse("[a]\nk = v # why\n"),
                  "test.ini:2: k: behind a value a comment begins with ' ;', not with ' #'");
    UNIT_CONTAINS(refuse("[a]\nk = 'x y'\n"), "test.ini:2: k: single quotes do not quote");
    UNIT_CONTAINS(refuse("[a]\nk = A='x y'\n"), "test.ini:2: k: single quotes do not quote");
    UNIT_CONTAINS(refuse("[a]\nk = $HOME/x\n"), "test.ini:2: k: '$HOME' is not replaced: write "
                                                "${HOME} for the environment variable");
    UNIT_CONTAINS(refuse("[a]\nk = v\n  l = w\n"),
                  "test.ini:3: the line is indented, so it continues the value of 'k'");
}

static void
refuses_malformed_lines(void)
{
    UNIT_STR(refuse("[a]\nk = 1\nnonsense\n"),
             "test.ini:3: 'nonsense' is neither [section], key = value nor a comment");
    UNIT_STR(refuse("k = 1\n"),
             "test.ini:1: 'k' stands before the first section; write [name] above it");
    UNIT_STR(refuse("[a\nk = 1\n"), "test.ini:1: the section's name does not end; write [name]");
    UNIT_STR(refuse("[]\n"), "test.ini:1: the section has no name; write [name]");
    UNIT_STR(refuse("[a] b\n"), "test.ini:1: nothing may follow [a] in its line");
    UNIT_STR(refuse("[a]\n= 1\n"), "test.ini:2: the key is missing; write key = value");
}

static void
refuses_what_is_too_long(void)
{
    char text[3 * HF_CONFIG_LINE_MAX];

    memset(text, 'x', sizeof text);
    memcpy(text, "[a]\nk=", 6);
    text[4 + HF_CONFIG_LINE_MAX] = '\0';
    hf_auto(hf_config_free) struct hf_config *config = parse(text);
    UNIT_U64(strlen(value(config, "a", "k")), HF_CONFIG_LINE_MAX - 2);
    text[4 + HF_CONFIG_LINE_MAX] = 'x';
    text[5 + HF_CONFIG_LINE_MAX] = '\0';
    UNIT_STR(refuse(text), "test.ini:2: the line has more than 4096 bytes");
    snprintf(text, sizeof text, "[%0100d]\n", 0);
    UNIT_STR(refuse(text), "test.ini:1: the section's name has more than 48 bytes");
    snprintf(text, sizeof text, "[a]\n%0100d = 1\n", 0);
    UNIT_STR(refuse(text), "test.ini:2: the key has more than 48 bytes");
    CU_ASSERT(hf_config_parse("", HF_CONFIG_FILE_MAX + 1, "big.ini", &config, &err) < 0);
    UNIT_STR(err.message, "'big.ini' is larger than 1 MiB");
}

static void
refuses_what_is_no_text(void)
{
    struct hf_config *config = NULL;

    CU_ASSERT(hf_config_parse("[a]\nk\0 = 1\n", 11, "test.ini", &config, &err) < 0);
    UNIT_STR(err.message, "test.ini:2: there is a NUL byte; this is no text file");
}

static void
accepts_a_byte_order_mark(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("\xef\xbb\xbf[a]\nk = 1\n");

    UNIT_STR(value(config, "a", "k"), "1");
}

static void
includes_files(void)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    const char *path = unit_file("main.ini", "include = part.ini\n"
                                             "[a]\n"
                                             "k = main\n"
                                             "[c]\n"
                                             "include = part.ini\n"
                                             "k = after\n");

    unit_file("part.ini", "[a]\nk = part\n[b]\nk = part\n");
    UNIT_INT(hf_config_load(path, &config, &err), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    UNIT_STR(value(config, "a", "k"), "part"); /* the second time, later */
    UNIT_STR(value(config, "b", "k"), "part");
    UNIT_STR(value(config, "c", "k"), "after");
    UNIT_CONTAINS(hf_config_section(config, "b")->file, "/part.ini");
}

static void
refuses_bad_includes(void)
{
    struct hf_config *config = NULL;
    const char *path = unit_file("main.ini", "[a]\nk = 1\ninclude = none.ini\n");

    UNIT_INT(hf_config_load(path, &config, &err), HF_ENOTFOUND);
    UNIT_CONTAINS(err.message, "main.ini:3: include: cannot open configuration file '");
    UNIT_CONTAINS(err.message, "none.ini': No such file or directory");
    unit_file("none.ini", "include = main.ini\n");
    UNIT_INT(hf_config_load(path, &config, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "main.ini' includes itself");
    unit_file("none.ini", "[a]\nbroken\n");
    UNIT_INT(hf_config_load(path, &config, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "none.ini:2: 'broken' is neither");
    CU_ASSERT_PTR_NULL(config);
}

static void
bounds_includes(void)
{
    struct hf_config *config = NULL;
    char name[32];
    char text[64];

    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "%d.ini", i);
        snprintf(text, sizeof text, "include = %d.ini\n", i + 1);
        unit_file(name, text);
    }
    UNIT_INT(hf_config_load(unit_file("deep.ini", "include = 0.ini\n"), &config, &err),
             HF_EINVALID);
    UNIT_CONTAINS(err.message, "includes are nested more than 8 deep");
    unit_file("0.ini", "include = 1.ini\n  1.ini\n  1.ini\n  1.ini\n");
    unit_file("1.ini", "include = 2.ini\n  2.ini\n  2.ini\n  2.ini\n");
    unit_file("2.ini", "include = 3.ini\n  3.ini\n  3.ini\n  3.ini\n");
    unit_file("3.ini", "");
    UNIT_INT(hf_config_load(unit_file("wide.ini", "include = 0.ini\n"), &config, &err),
             HF_EINVALID);
    UNIT_CONTAINS(err.message, "more than 64 files are included");
}

static void
refuses_what_is_no_file(void)
{
    struct hf_config *config = NULL;

    UNIT_INT(hf_config_load("/nonexistent/hf.ini", &config, &err), HF_ENOTFOUND);
    UNIT_STR(err.message, "cannot open configuration file '/nonexistent/hf.ini': "
                          "No such file or directory");
    UNIT_INT(hf_config_load(unit_folder(), &config, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "is a folder");
    UNIT_INT(hf_config_load("/dev/zero", &config, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "larger than 1 MiB");
}

static void
takes_overrides(void)
{
    hf_auto(hf_config_free) struct hf_config *config = parse("[balance.leaf]\nk = 1\nk = 2\n");
    hf_autotext struct hf_text where;

    UNIT_INT(hf_config_set(config, "balance.leaf.k=a=b", &err), 0);
    UNIT_INT(hf_config_set(config, "new.key=", &err), 0);
    UNIT_STR(value(config, "balance.leaf", "k"), "a=b");
    UNIT_STR(value(config, "new", "key"), "");
    hf_text_init(&where);
    hf_config_where(hf_config_value(hf_config_section(config, "new"), "key"), &where);
    UNIT_STR(hf_text_str(&where), "--set");
    hf_config_drop(config, "new");
    hf_config_drop(config, "never");
    CU_ASSERT_PTR_NULL(hf_config_section(config, "new"));
    UNIT_STR(value(config, "balance.leaf", "k"), "a=b");
    for (const char *const *bad = (const char *const[]){ "", "a", "a=b", ".k=1", "a.=1", NULL };
         *bad; bad++) {
        UNIT_INT(hf_config_set(config, *bad, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "write section.key=value");
    }
}

static void
knows_its_sections(void)
{
    static const char *const names[] = { "node", "leaf", "balance.leaf" };
    hf_auto(hf_config_free) struct hf_config *config = parse("[leaf]\n\n[nod]\n");

    UNIT_INT(hf_config_check_sections(config, names, 3, NULL, &err), HF_EINVALID);
    UNIT_STR(err.message, "test.ini:3: there is no section [nod]; did you mean [node]? "
                          "The sections are: [node], [leaf], [balance.leaf]");
}

/* Whatever a file holds, it is read or refused with a message. */
static void
survives_noise(void)
{
    static const char seed[] =
        "[a]\nk = ${HOME} ; x\n  more\n# c\n[b.c] \nl=$${x}\nm: \xef\xbb\xbf\n";
    static const char bits[] = "[]=:;#$ {}\n\t\r\\\"'ab\0\xff";
    struct hf_random random;
    unsigned refused = 0;

    hf_random_init(&random, 11);
    for (int i = 0; i < 20000; i++) {
        hf_auto(hf_config_free) struct hf_config *config = NULL;
        char text[sizeof seed];
        size_t len = 1 + hf_random_below(&random, sizeof seed - 1);

        memcpy(text, seed, sizeof seed);
        for (uint64_t n = hf_random_below(&random, 8); n > 0; n--) {
            text[hf_random_below(&random, len)] = bits[hf_random_below(&random, sizeof bits)];
        }
        hf_err_clear(&err);
        if (hf_config_parse(text, len, "noise.ini", &config, &err) < 0) {
            CU_ASSERT_FATAL(strncmp(err.message, "noise.ini:", 10) == 0);
            refused++;
        }
    }
    CU_ASSERT(refused > 1000 && refused < 19000);
}

UNIT_MAIN("config", UNIT_TEST(reads_sections_and_values), UNIT_TEST(remembers_places),
          UNIT_TEST(continues_values), UNIT_TEST(keeps_repeated_keys),
          UNIT_TEST(expands_the_environment), UNIT_TEST(keeps_quoted_text_together),
          UNIT_TEST(refuses_what_is_meant_otherwise), UNIT_TEST(refuses_malformed_lines),
          UNIT_TEST(refuses_what_is_too_long), UNIT_TEST(refuses_what_is_no_text),
          UNIT_TEST(accepts_a_byte_order_mark), UNIT_TEST(includes_files),
          UNIT_TEST(refuses_bad_includes), UNIT_TEST(bounds_includes),
          UNIT_TEST(refuses_what_is_no_file), UNIT_TEST(takes_overrides),
          UNIT_TEST(knows_its_sections), UNIT_TEST(survives_noise))
