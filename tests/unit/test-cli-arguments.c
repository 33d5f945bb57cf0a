/* test-cli-arguments.c - command lines against tables of commands. */
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "unit.h"

static const struct cli_flag make_flags[] = {
    { "size", 's', "LENGTH", "How large it gets." },
    { "bytes", 0, "SIZE", "How many." },
    { "part", 0, "N", "Which one." },
    { "pause", 0, "DURATION", "How long." },
    { "tag", 0, "WORD", "May repeat." },
    { "quick", 'q', NULL, "Without care." },
    { 0 },
};

static const struct cli_command thing_commands[] = {
    { "thing make", "NAME [MORE]", "Makes a thing.", make_flags, 1, 2, NULL, "thing make a" },
    { "thing list", "", "Lists things.", NULL, 0, 0, NULL, "thing list" },
    { 0 },
};

static const struct cli_command other_commands[] = {
    { "tell", "WORD...", "Tells words.", NULL, 1, CLI_MAX_GIVEN, NULL, "tell a b" },
    { 0 },
};

static const struct cli_command *const tables[] = { thing_commands, other_commands, NULL };

static struct cli cli;
static struct hf_err err;

/* Reads "hyperfaas" and the words up to NULL. */
static int
read_words(char *const *words)
{
    char *argv[2 * CLI_MAX_GIVEN + 8] = { "hyperfaas" };
    int argc = 1;

    while (*words) {
        argv[argc++] = *words++;
    }
    memset(&cli, 0, sizeof cli);
    hf_err_clear(&err);
    return cli_arguments_read(argc, argv, tables, &cli, &err);
}

#define READ(...) read_words((char *[]){ __VA_ARGS__, NULL })

/* Reads words that are wrong; the message must have `part` in it. */
static void
refuse(const char *part, char *const *words)
{
    UNIT_INT(read_words(words), HF_EINVALID);
    if (!strstr(err.message, part)) {
        UNIT_STR(err.message, part);
    }
}

#define REFUSE(part, ...) refuse(part, (char *[]){ __VA_ARGS__, NULL })

/* Whether the flag is there that often, and so at last. */
static void
given(const char *name, unsigned int count, const char *last)
{
    UNIT_STR(cli_flag(&cli, name), last);
    UNIT_STR(cli_flag_at(&cli, name, count - 1), last);
    CU_ASSERT_PTR_NULL(cli_flag_at(&cli, name, count));
}

static void
finds_commands(void)
{
    UNIT_INT(READ("thing", "make", "a", "b"), 0);
    CU_ASSERT_PTR_EQUAL(cli.command, &thing_commands[0]);
    UNIT_INT(cli.argc, 2);
    UNIT_STR(cli.argv[0], "a");
    UNIT_STR(cli.argv[1], "b");
    UNIT_INT(READ("tell", "thing"), 0);
    CU_ASSERT_PTR_EQUAL(cli.command, &other_commands[0]);
    UNIT_STR(cli.argv[0], "thing");
    UNIT_INT(READ("thing", "--json", "list"), 0);
    CU_ASSERT_PTR_EQUAL(cli.command, &thing_commands[1]);
    CU_ASSERT(cli.json);
}

static void
goes_without_a_command(void)
{
    UNIT_INT(READ("--json"), 0);
    CU_ASSERT_PTR_NULL(cli.command);
    CU_ASSERT_PTR_NULL(cli.group);
    UNIT_INT(READ("thing"), 0);
    CU_ASSERT_PTR_NULL(cli.command);
    UNIT_STR(cli.group, "thing");
}

static void
reads_flags_anywhere(void)
{
    UNIT_INT(READ("-c", "x.ini", "thing", "--set", "a.b=c", "make", "--size=3", "n", "-q", "--tag",
                  "t", "--tag", "", "--set=d.e=f"),
             0);
    given("config", 1, "x.ini");
    given("set", 2, "d.e=f");
    UNIT_STR(cli_flag_at(&cli, "set", 0), "a.b=c");
    given("size", 1, "3");
    given("quick", 1, "");
    given("tag", 2, "");
    UNIT_STR(cli_flag_at(&cli, "tag", 0), "t");
    CU_ASSERT_PTR_NULL(cli_flag(&cli, "timeout"));
    UNIT_STR(cli.argv[0], "n");
    UNIT_INT(READ("thing", "make", "-s7", "n"), 0);
    UNIT_STR(cli_flag(&cli, "size"), "7");
    UNIT_INT(READ("thing", "-s", "8", "--tag=t", "make", "n"), 0);
    UNIT_STR(cli_flag(&cli, "size"), "8");
    UNIT_STR(cli.argv[0], "n");
    UNIT_INT(READ("thing", "make", "--size", "-1", "-"), 0); /* a value may look like a flag */
    UNIT_STR(cli_flag(&cli, "size"), "-1");
    UNIT_STR(cli.argv[0], "-");
}

static void
stops_at_two_dashes(void)
{
    UNIT_INT(READ("tell", "--", "--json", "-x", "--"), 0);
    CU_ASSERT(!cli.json);
    UNIT_INT(cli.argc, 3);
    UNIT_STR(cli.argv[0], "--json");
    UNIT_STR(cli.argv[2], "--");
}

static void
reads_the_timeout(void)
{
    UNIT_INT(READ("thing", "list"), 0);
    UNIT_U64(cli.timeout_ns, 30 * HF_SEC);
    UNIT_INT(READ("thing", "list", "-t", "250ms"), 0);
    UNIT_U64(cli.timeout_ns, 250 * HF_MSEC);
    UNIT_INT(READ("thing", "list", "--timeout=5"), 0);
    UNIT_U64(cli.timeout_ns, 5 * HF_SEC);
    REFUSE("--timeout", "thing", "list", "-t", "soon");
    REFUSE("above zero", "thing", "list", "-t", "0");
    REFUSE("--timeout", "thing", "list", "-t", "");
    REFUSE("--timeout", "thing", "list", "-t", "99999999999999999999");
}

static void
refuses_with_a_hint(void)
{
    REFUSE("unknown flag '--size' of 'thing list'", "thing", "--size=1", "list");
    REFUSE("did you mean 'tell'", "tel", "x");
    REFUSE("did you mean 'thing list'", "thing", "lst");
    REFUSE("did you mean 'thing list'", "thin", "list");
    REFUSE("unknown command 'nonsense'", "nonsense");
    REFUSE("unknown flag '--sise'", "thing", "make", "--sise", "3", "n");
    REFUSE("unknown flag '-z'", "-z");
    REFUSE("needs a value: LENGTH", "thing", "make", "n", "--size");
    REFUSE("takes no value", "thing", "make", "n", "--quick=yes");
    REFUSE("takes no value", "thing", "list", "--json=1");
    REFUSE("needs NAME", "thing", "make");
    REFUSE("unexpected argument 'c'", "thing", "make", "a", "b", "c");
    REFUSE("takes none", "thing", "list", "a");
}

static void
bounds_what_is_given(void)
{
    char *words[2 * CLI_MAX_GIVEN + 8] = { "tell", "x" };

    for (size_t i = 2; i < CLI_MAX_GIVEN + 3; i++) {
        words[i] = "x";
    }
    refuse("unexpected argument", words);
    for (size_t i = 2; i < CLI_MAX_GIVEN + 3; i++) {
        words[i] = "--set=a.b=c";
    }
    refuse("more than 64 flags", words);
    words[0] = "thing";
    words[1] = "make";
    for (size_t i = 2; i < CLI_MAX_GIVEN + 3; i++) {
        words[i] = "-q";
    }
    refuse("more than 64 flags", words);
}

/* --- help ------------------------------------------------------------------------------------ */

static bool
helps(const char *group, const char *part)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    cli_help(tables, cli.command, group, &out);
    return strstr(hf_text_str(&out), part) != NULL;
}

static void
explains_itself(void)
{
    UNIT_INT(READ("thing", "make", "--help"), 0); /* the argument may be missing then */
    CU_ASSERT(cli.help);
    CU_ASSERT(helps(NULL, "usage: hyperfaas thing make NAME [MORE] [FLAG...]"));
    CU_ASSERT(helps(NULL, "-s, --size LENGTH"));
    CU_ASSERT(helps(NULL, "How large it gets."));
    CU_ASSERT(helps(NULL, "--timeout DURATION"));
    UNIT_INT(READ("help", "thing", "make"), 0);
    CU_ASSERT(cli.help);
    CU_ASSERT_PTR_EQUAL(cli.command, &thing_commands[0]);
    UNIT_INT(READ("help"), 0);
    CU_ASSERT(cli.help);
    CU_ASSERT(helps(NULL, "tell WORD..."));
    CU_ASSERT(helps(NULL, "Exit codes"));
    UNIT_INT(READ("thing", "-h"), 0);
    CU_ASSERT(helps(cli.group, "thing list"));
    CU_ASSERT(!helps(cli.group, "tell WORD..."));
    UNIT_INT(READ("tell", "help"), 0); /* an argument like any other */
    CU_ASSERT(!cli.help);
    UNIT_INT(READ("--version"), 0);
    CU_ASSERT_PTR_NOT_NULL(cli_flag(&cli, "version"));
}

static void
reads_numbers(void)
{
    uint64_t ns;

    UNIT_INT(READ("thing", "make", "n", "--bytes", "4KiB", "--part=1", "--part=7", "--pause", "5"),
             0);
    UNIT_U64(cli_number(&cli, "bytes", 1), 4096);
    UNIT_U64(cli_number(&cli, "part", 1), 7);
    UNIT_U64(cli_number(&cli, "pause", 1), 5 * HF_SEC);
    UNIT_INT(cli_duration(&cli, "pause", 1, &ns, &err), 0);
    UNIT_U64(ns, 5 * HF_SEC);
    UNIT_INT(READ("thing", "make", "n", "--pause", "0s"), 0);
    UNIT_U64(cli_number(&cli, "bytes", 1), 1);
    UNIT_INT(cli_duration(&cli, "pause", 1, &ns, &err), HF_EINVALID);
    UNIT_STR(err.message, "--pause: must be above zero, found '0s'");
    REFUSE("--bytes: '0' is out of range", "thing", "make", "n", "--bytes", "0");
    REFUSE("--bytes", "thing", "make", "n", "--bytes", "9000000000GiB");
    REFUSE("--part", "thing", "make", "n", "--part", "-1");
    REFUSE("--part", "thing", "make", "n", "--part", "2147483648");
    REFUSE("--pause", "thing", "make", "n", "--pause", "soon");
}

UNIT_MAIN("cli-arguments", UNIT_TEST(finds_commands), UNIT_TEST(goes_without_a_command),
          UNIT_TEST(reads_flags_anywhere), UNIT_TEST(stops_at_two_dashes),
          UNIT_TEST(reads_the_timeout), UNIT_TEST(reads_numbers), UNIT_TEST(refuses_with_a_hint),
          UNIT_TEST(bounds_what_is_given), UNIT_TEST(explains_itself))
