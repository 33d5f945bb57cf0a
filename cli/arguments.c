/*
 * arguments.c - reading a command line against the tables of commands, and asking what it said.
 */
#include "arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"

#define DEFAULT_TIMEOUT_NS (30 * HF_SEC)

/* Room for a flag with its dashes. */
#define FLAG_MAX 64

const struct cli_flag cli_global_flags[] = {
    { "config", 'c', "FILE",
      "The configuration of the node to talk to; else $HYPERFAAS_CONFIG; else all defaults." },
    { "set", 0, "SECTION.KEY=VALUE", "Overrides a value of the configuration; may repeat." },
    { "etcd-endpoint", 0, "HOST:PORT",
      "Keeps functions in etcd, at this address (with a metadata flag alone: 127.0.0.1:2379); may "
      "repeat." },
    { "metadata-prefix", 0, "PREFIX",
      "Key in etcd under which functions are (default: hyperfaas/functions)." },
    { "metadata-dial-timeout", 0, "DURATION", "How long to try to reach etcd (default: 5s)." },
    { "timeout", 't', "DURATION", "Gives up after this long (default 30s)." },
    { "json", 0, NULL, "Writes JSON instead of text." },
    { "help", 'h', NULL, "Explains the command." },
    { "version", 0, NULL, "Says which version this is." },
    { 0 },
};

/* --- finding ------------------------------------------------------------------ */

/* The flag at `text`, "--name" or "-n" and what may follow, in a table. */
static const struct cli_flag *
find_flag(const struct cli_flag *flags, const char *text)
{
    size_t len = strcspn(text + 2, "=");

    for (; flags && flags->name; flags++) {
        if (text[1] == '-' ? strlen(flags->name) == len && memcmp(flags->name, text + 2, len) == 0
                           : flags->letter == text[1]) {
            return flags;
        }
    }
    return NULL;
}

bool
cli_is_of_group(const struct cli_command *command, const char *group)
{
    size_t len = strlen(group);

    return strncmp(command->words, group, len) == 0 && command->words[len] == ' ';
}

static bool
is_group(const struct cli_command *const *tables, const char *word)
{
    CLI_EACH_COMMAND (command, tables) {
        if (cli_is_of_group(command, word)) {
            return true;
        }
    }
    return false;
}

/* The command of one word, or that of a group. */
static const struct cli_command *
find_command(const struct cli_command *const *tables, const char *group, const char *word)
{
    CLI_EACH_COMMAND (command, tables) {
        const char *own = command->words;

        if (group && cli_is_of_group(command, group)) {
            own += strlen(group) + 1;
        } else if (group) {
            continue;
        }
        if (strcmp(own, word) == 0) {
            return command;
        }
    }
    return NULL;
}

/* The flag of the command; before its last word that of any command of the group; else one that
 * every command takes. */
static const struct cli_flag *
find_given(const struct cli *cli, const struct cli_command *const *tables, const char *text)
{
    const struct cli_flag *flag = cli->command ? find_flag(cli->command->flags, text) : NULL;

    CLI_EACH_COMMAND (command, tables) {
        if (!flag && !cli->command && cli->group && cli_is_of_group(command, cli->group)) {
            flag = find_flag(command->flags, text);
        }
    }
    return flag ? flag : find_flag(cli_global_flags, text);
}

/* --- commands --------------------------------------------------------------------- */

/* `next` is the argument behind, or NULL. */
static int
fail_unknown_command(const struct cli_command *const *tables, const char *word, const char *next,
                     struct hf_err *err)
{
    hf_autofree char *two = next ? hf_strdup_printf("%s %s", word, next) : NULL;
    const char *meant = two && is_group(tables, word) ? two : word;
    const char *words[CLI_MAX_GIVEN];
    const char *closest = NULL;
    size_t n = 0;

    CLI_EACH_COMMAND (command, tables) {
        if (n < hf_countof(words)) {
            words[n++] = command->words;
        }
    }
    closest = two ? hf_closest_word(two, words, n) : NULL;
    closest = closest ? closest : hf_closest_word(word, words, n);
    return closest
               ? hf_fail(err, HF_EINVALID,
                         "unknown command '%s': did you mean '%s'? See 'hyperfaas --help'", meant,
                         closest)
               : hf_fail(err, HF_EINVALID, "unknown command '%s': see 'hyperfaas --help'", meant);
}

/* Takes a word of the command, which may have two; `next` as above. */
static int
take_word(struct cli *cli, const struct cli_command *const *tables, const char *word,
          const char *next, struct hf_err *err)
{
    if (!cli->group && strcmp(word, "w") == 0) {
        word = "worker"; /* the existing tool's short name */
    }
    cli->command = find_command(tables, cli->group, word);
    if (cli->command) {
        return 0;
    }
    if (cli->group) {
        return fail_unknown_command(tables, cli->group, word, err);
    }
    if (is_group(tables, word)) {
        cli->group = word;
        return 0;
    }
    return fail_unknown_command(tables, word, next, err);
}

static int
take_argument(struct cli *cli, const char *text, struct hf_err *err)
{
    if (cli->argc == cli->command->max_args) {
        return hf_fail(err, HF_EINVALID, "unexpected argument '%s': 'hyperfaas %s%s%s' takes %s",
                       text, cli->command->words, *cli->command->arguments ? " " : "",
                       cli->command->arguments, cli->argc ? "no more" : "none");
    }
    cli->argv[cli->argc++] = text;
    return 0;
}

/* --- flags ---------------------------------------------------------------------- */

/* A bare number means seconds. */
static int
parse_duration(const char *text, uint64_t *ret_ns, struct hf_err *err)
{
    uint64_t seconds;
    int r;

    if (!*text || text[strspn(text, "0123456789")]) {
        return hf_parse_duration(text, ret_ns, err);
    }
    r = hf_parse_u64_range(text, 0, UINT64_MAX / HF_SEC, &seconds, err);
    if (r == 0) {
        *ret_ns = seconds * HF_SEC;
    }
    return r;
}

/* Reads the value of a flag that takes a number, as the word for its value says. */
static int
read_number(const struct cli_flag *flag, const char *text, uint64_t *ret, struct hf_err *err)
{
    static const struct {
        const char *word;
        int (*parse)(const char *text, uint64_t *ret, struct hf_err *err);
        uint64_t min;
        uint64_t max;
    } words[] = {
        { "DURATION", parse_duration, 0, UINT64_MAX },
        { "SIZE", hf_parse_size, 1, INT64_MAX },
        { "N", hf_parse_u64, 1, INT32_MAX },
        { "MICROSECONDS", hf_parse_u64, 1, INT64_MAX },
    };
    size_t i = 0;
    int r;

    while (flag->value && i < hf_countof(words) && strcmp(flag->value, words[i].word) != 0) {
        i++;
    }
    if (!flag->value || i == hf_countof(words)) {
        return 0;
    }
    r = words[i].parse(text, ret, err);
    if (r == 0 && (*ret < words[i].min || *ret > words[i].max)) {
        r = hf_fail(err, HF_EINVALID, "'%s' is out of range; allowed is %" PRIu64 " to %" PRIu64,
                    text, words[i].min, words[i].max);
    }
    return r < 0 ? hf_err_wrap(err, r, "--%s", flag->name) : 0;
}

static int
fail_unknown_flag(const struct cli_command *command, const char *text, struct hf_err *err)
{
    return command
               ? hf_fail(err, HF_EINVALID, "unknown flag '%s' of '%s': see 'hyperfaas %s --help'",
                         text, command->words, command->words)
               : hf_fail(err, HF_EINVALID, "unknown flag '%s': see 'hyperfaas --help'", text);
}

static int
take_flag(struct cli *cli, const struct cli_flag *flag, const char *value, struct hf_err *err)
{
    if (cli->given_count == CLI_MAX_GIVEN) {
        return hf_fail(err, HF_EINVALID, "more than %d flags", CLI_MAX_GIVEN);
    }
    cli->given[cli->given_count].flag = flag;
    cli->given[cli->given_count].value = value;
    return read_number(flag, value, &cli->given[cli->given_count++].number, err);
}

/* Reads the flag at `args[*i]` and, if it takes one, its value; `*i` stays on the last of both. */
static int
read_flag(char *const *args, int count, int *i, const struct cli_command *const *tables,
          struct cli *cli, struct hf_err *err)
{
    const char *text = args[*i];
    bool is_long = text[1] == '-';
    const char *rest = text + (is_long ? strcspn(text, "=") : 2);
    const struct cli_flag *flag = find_given(cli, tables, text);
    const char *value = *rest ? rest + (*rest == '=') : NULL; /* also "-t5s" */

    if (!flag) {
        return fail_unknown_flag(cli->command, text, err);
    }
    if (!flag->value && value) {
        return hf_fail(err, HF_EINVALID, "flag '--%s' takes no value, found '%s'", flag->name,
                       value);
    }
    if (flag->value && !value && ++*i == count) {
        return hf_fail(err, HF_EINVALID, "flag '%s' needs a value: %s", text, flag->value);
    }
    return take_flag(cli, flag, value ? value : flag->value ? args[*i] : "", err);
}

/* --- asking ------------------------------------------------------------------------ */

static unsigned int
find(const struct cli *cli, const char *name, unsigned int at)
{
    unsigned int i = 0;

    while (i < cli->given_count && (strcmp(cli->given[i].flag->name, name) != 0 || at-- > 0)) {
        i++;
    }
    return i;
}

const char *
cli_flag_at(const struct cli *cli, const char *name, unsigned int at)
{
    unsigned int i = find(cli, name, at);

    return i < cli->given_count ? cli->given[i].value : NULL;
}

const char *
cli_flag(const struct cli *cli, const char *name)
{
    const char *value = NULL;
    const char *next;

    for (unsigned int at = 0; (next = cli_flag_at(cli, name, at)); at++) {
        value = next;
    }
    return value;
}

uint64_t
cli_number(const struct cli *cli, const char *name, uint64_t fallback)
{
    unsigned int i;

    for (unsigned int at = 0; (i = find(cli, name, at)) < cli->given_count; at++) {
        fallback = cli->given[i].number;
    }
    return fallback;
}

int
cli_duration(const struct cli *cli, const char *name, uint64_t fallback_ns, uint64_t *ret_ns,
             struct hf_err *err)
{
    *ret_ns = cli_number(cli, name, fallback_ns);
    return *ret_ns > 0 ? 0
                       : hf_fail(err, HF_EINVALID, "--%s: must be above zero, found '%s'", name,
                                 cli_flag(cli, name));
}

/* --- the whole line --------------------------------------------------------------- */

/* Refuses flags that stood before the command's last word and belong to another one, and too few
 * arguments. */
static int
check_line(const struct cli *cli, struct hf_err *err)
{
    for (unsigned int i = 0; cli->command && i < cli->given_count; i++) {
        char text[FLAG_MAX];

        snprintf(text, sizeof text, "--%s", cli->given[i].flag->name);
        if (!find_flag(cli->command->flags, text) && !find_flag(cli_global_flags, text)) {
            return fail_unknown_flag(cli->command, text, err);
        }
    }
    if (cli->command && !cli->help && cli->argc < cli->command->min_args) {
        return hf_fail(err, HF_EINVALID, "'hyperfaas %s' needs %s: see 'hyperfaas %s --help'",
                       cli->command->words, cli->command->arguments, cli->command->words);
    }
    return 0;
}

static int
read_line(int argc, char **argv, const struct cli_command *const *tables, struct cli *cli,
          struct hf_err *err)
{
    bool only_arguments = false;
    int r = 0;

    for (int i = 1; r == 0 && i < argc; i++) {
        const char *text = argv[i];

        if (!only_arguments && strcmp(text, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && text[0] == '-' && text[1]) {
            r = read_flag(argv, argc, &i, tables, cli, err);
        } else if (cli->command) {
            r = take_argument(cli, text, err);
        } else if (strcmp(text, "help") == 0 && !cli->help) {
            cli->help = true; /* "help function create" */
        } else {
            r = take_word(cli, tables, text, i + 1 < argc ? argv[i + 1] : NULL, err);
        }
    }
    return r;
}

int
cli_arguments_read(int argc, char **argv, const struct cli_command *const *tables, struct cli *cli,
                   struct hf_err *err)
{
    int r = read_line(argc, argv, tables, cli, err);

    cli->json = cli_flag(cli, "json");
    cli->help |= cli_flag(cli, "help") != NULL;
    if (r == 0 && (r = check_line(cli, err)) == 0) {
        r = cli_duration(cli, "timeout", DEFAULT_TIMEOUT_NS, &cli->timeout_ns, err);
    }
    for (int i = 1; r < 0 && i < argc; i++) { /* the message itself should be JSON then */
        cli->json |= strcmp(argv[i], "--json") == 0;
    }
    return r;
}
