/*
 * arguments.c - reading a command line against the tables of commands.
 */
#include "arguments.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"

#define DEFAULT_TIMEOUT "30s"

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
    { "timeout", 't', "DURATION", "Gives up after this long (default " DEFAULT_TIMEOUT ")." },
    { "json", 0, NULL, "Writes JSON instead of text." },
    { "help", 'h', NULL, "Explains the command." },
    { "version", 0, NULL, "Says which version this is." },
    { 0 },
};

int
cli_parse_duration(const char *text, uint64_t *ret_ns, struct hf_err *err)
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

/* --- finding ------------------------------------------------------------------ */

static const struct cli_flag *
find_flag(const struct cli_flag *flags, const char *name, size_t len)
{
    for (; flags && flags->name; flags++) {
        if (strlen(flags->name) == len && memcmp(flags->name, name, len) == 0) {
            return flags;
        }
    }
    return NULL;
}

static const struct cli_flag *
find_letter(const struct cli_flag *flags, char letter)
{
    for (; flags && flags->name; flags++) {
        if (flags->letter == letter) {
            return flags;
        }
    }
    return NULL;
}

/* The flag at `text`, "--name" or "-n" and what may follow, in a table. */
static const struct cli_flag *
find_given(const struct cli_flag *flags, const char *text)
{
    return text[1] == '-' ? find_flag(flags, text + 2, strcspn(text + 2, "="))
                          : find_letter(flags, text[1]);
}

/* How many of `words`, divided by blanks, the arguments begin with; 0: not all of them. */
static unsigned int
match(const char *words, char *const *args, unsigned int count)
{
    unsigned int used = 0;

    while (*words) {
        size_t len = strcspn(words, " ");

        if (used == count || strlen(args[used]) != len || memcmp(args[used], words, len) != 0) {
            return 0;
        }
        used++;
        words += len;
        words += strspn(words, " ");
    }
    return used;
}

static const struct cli_command *
find_command(const struct cli_command *const *tables, char *const *args, unsigned int count,
             unsigned int *ret_used)
{
    for (; *tables; tables++) {
        for (const struct cli_command *command = *tables; command->words; command++) {
            unsigned int used = match(command->words, args, count);

            if (used > 0) {
                *ret_used = used;
                return command;
            }
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
    for (; *tables; tables++) {
        for (const struct cli_command *command = *tables; command->words; command++) {
            if (cli_is_of_group(command, word)) {
                return true;
            }
        }
    }
    return false;
}

/* The flag of any command of a group: it may stand between the group's word and the next. */
static const struct cli_flag *
find_in_group(const struct cli_command *const *tables, const char *group, const char *text)
{
    const struct cli_flag *flag = NULL;

    for (; group && !flag && *tables; tables++) {
        for (const struct cli_command *command = *tables; !flag && command->words; command++) {
            flag = cli_is_of_group(command, group) ? find_given(command->flags, text) : NULL;
        }
    }
    return flag;
}

/* --- commands --------------------------------------------------------------------- */

static int
fail_unknown_command(const struct cli_command *const *tables, char *const *args, unsigned int count,
                     struct hf_err *err)
{
    hf_autofree char *two = count > 1 ? hf_strdup_printf("%s %s", args[0], args[1]) : NULL;
    const char *words[CLI_MAX_GIVEN];
    const char *closest = NULL;
    const char *meant = two && is_group(tables, args[0]) ? two : args[0];
    size_t n = 0;

    for (; *tables; tables++) {
        for (const struct cli_command *command = *tables; command->words && n < hf_countof(words);
             command++) {
            words[n++] = command->words;
        }
    }
    closest = two ? hf_closest_word(two, words, n) : NULL;
    closest = closest ? closest : hf_closest_word(args[0], words, n);
    return closest
               ? hf_fail(err, HF_EINVALID,
                         "unknown command '%s': did you mean '%s'? See 'hyperfaas --help'", meant,
                         closest)
               : hf_fail(err, HF_EINVALID, "unknown command '%s': see 'hyperfaas --help'", meant);
}

/* The existing tool's short name of a group. */
static char *
whole_word(char *word)
{
    static char worker[] = "worker";

    return strcmp(word, "w") == 0 ? worker : word;
}

/* Takes the command's words from the front of `args`; `*ret_used` is how many. */
static int
take_command(const struct cli_command *const *tables, char *const *args, unsigned int count,
             struct cli *cli, unsigned int *ret_used, struct hf_err *err)
{
    char *words[2] = { whole_word(args[0]), count > 1 ? args[1] : NULL };
    unsigned int word_count = count > 1 ? 2 : 1;

    if (cli->group) { /* its first word came before a flag */
        words[0] = (char *)(uintptr_t)cli->group;
        words[1] = args[0];
        word_count = 2;
    }
    cli->command = find_command(tables, words, word_count, ret_used);
    if (cli->command) {
        *ret_used -= cli->group ? 1 : 0;
        return 0;
    }
    if (is_group(tables, words[0]) && (word_count == 1 || words[1][0] == '-')) {
        cli->group = words[0];
        *ret_used = 1;
        return 0;
    }
    return fail_unknown_command(tables, words, word_count, err);
}

/* --- flags ---------------------------------------------------------------------- */

/* Adds the value of a flag that may repeat. */
static int
take_repeated(const char *flag, const char *value, const char **ret, unsigned int *count,
              struct hf_err *err)
{
    if (*count == CLI_MAX_GIVEN) {
        return hf_fail(err, HF_EINVALID, "more than %d --%s", CLI_MAX_GIVEN, flag);
    }
    ret[(*count)++] = value;
    return 0;
}

static int
take_timeout(const char *value, uint64_t *ret_ns, struct hf_err *err)
{
    int r = cli_parse_duration(value, ret_ns, err);

    if (r == 0 && *ret_ns == 0) {
        r = hf_fail(err, HF_EINVALID, "must be above zero, found '%s'", value);
    }
    return r < 0 ? hf_err_wrap(err, r, "--timeout") : 0;
}

static int
take_global(struct cli *cli, struct cli_globals *globals, const struct cli_flag *flag,
            const char *value, struct hf_err *err)
{
    if (strcmp(flag->name, "config") == 0) {
        globals->config = value;
    } else if (strcmp(flag->name, "set") == 0) {
        return take_repeated(flag->name, value, globals->set, &globals->set_count, err);
    } else if (strcmp(flag->name, "etcd-endpoint") == 0) {
        return take_repeated(flag->name, value, globals->etcd_endpoints,
                             &globals->etcd_endpoint_count, err);
    } else if (strcmp(flag->name, "metadata-prefix") == 0) {
        globals->metadata_prefix = value;
    } else if (strcmp(flag->name, "metadata-dial-timeout") == 0) {
        globals->metadata_dial_timeout = value;
    } else if (strcmp(flag->name, "timeout") == 0) {
        return take_timeout(value, &cli->timeout_ns, err);
    } else if (strcmp(flag->name, "json") == 0) {
        cli->json = true;
    } else if (strcmp(flag->name, "help") == 0) {
        globals->help = true;
    } else {
        globals->version = true;
    }
    return 0;
}

static int
take_flag(struct cli *cli, struct cli_globals *globals, const struct cli_flag *flag, bool global,
          const char *value, struct hf_err *err)
{
    if (global) {
        return take_global(cli, globals, flag, value, err);
    }
    if (cli->given_count == CLI_MAX_GIVEN) {
        return hf_fail(err, HF_EINVALID, "more than %d flags", CLI_MAX_GIVEN);
    }
    cli->given[cli->given_count].flag = flag;
    cli->given[cli->given_count].value = value;
    cli->given_count++;
    return 0;
}

static int
fail_unknown_flag(const struct cli_command *command, const char *text, struct hf_err *err)
{
    return command
               ? hf_fail(err, HF_EINVALID, "unknown flag '%s' of '%s': see 'hyperfaas %s --help'",
                         text, command->words, command->words)
               : hf_fail(err, HF_EINVALID, "unknown flag '%s': see 'hyperfaas --help'", text);
}

/* Reads the flag at `args[*i]` and, if it takes one, its value; moves `*i` behind. */
static int
read_flag(char *const *args, int count, int *i, const struct cli_command *const *tables,
          struct cli *cli, struct cli_globals *globals, struct hf_err *err)
{
    const char *text = args[*i];
    bool is_long = text[1] == '-';
    const char *name = text + (is_long ? 2 : 1);
    size_t len = is_long ? strcspn(name, "=") : 1;
    const struct cli_flag *flag = cli->command ? find_given(cli->command->flags, text)
                                               : find_in_group(tables, cli->group, text);
    bool global = !flag;
    const char *value = name[len] == '=' ? name + len + 1 : NULL;

    if (global) {
        flag = find_given(cli_global_flags, text);
    }
    if (!flag) {
        return fail_unknown_flag(cli->command, text, err);
    }
    if (!is_long && name[1]) {
        value = name + 1; /* "-t5s" */
    }
    if (flag->value && !value) {
        if (++*i == count) {
            return hf_fail(err, HF_EINVALID, "flag '%s' needs a value: %s", text, flag->value);
        }
        value = args[*i];
    } else if (!flag->value && value) {
        return hf_fail(err, HF_EINVALID, "flag '--%s' takes no value, found '%s'", flag->name,
                       value);
    }
    ++*i;
    return take_flag(cli, globals, flag, global, value ? value : "", err);
}

/* --- the whole line --------------------------------------------------------------- */

/* Refuses flags that stood before the command's last word and belong to another one. */
static int
check_flags(const struct cli *cli, struct hf_err *err)
{
    for (unsigned int i = 0; cli->command && i < cli->given_count; i++) {
        const char *name = cli->given[i].flag->name;

        if (!find_flag(cli->command->flags, name, strlen(name))) {
            hf_autofree char *text = hf_strdup_printf("--%s", name);

            return fail_unknown_flag(cli->command, text ? text : name, err);
        }
    }
    return 0;
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

static int
read_line(int argc, char **argv, const struct cli_command *const *tables, struct cli *cli,
          struct cli_globals *globals, struct hf_err *err)
{
    bool only_arguments = false;
    int i = 1;
    int r = hf_parse_duration(DEFAULT_TIMEOUT, &cli->timeout_ns, err);

    while (r == 0 && i < argc) {
        const char *text = argv[i];
        unsigned int used;

        if (!only_arguments && strcmp(text, "--") == 0) {
            only_arguments = true;
            i++;
        } else if (!only_arguments && text[0] == '-' && text[1]) {
            r = read_flag(argv, argc, &i, tables, cli, globals, err);
        } else if (cli->command) {
            r = take_argument(cli, text, err);
            i++;
        } else if (strcmp(text, "help") == 0 && !globals->help) {
            globals->help = true; /* "help function create" */
            i++;
        } else {
            used = 0;
            r = take_command(tables, argv + i, (unsigned int)(argc - i), cli, &used, err);
            i += (int)used;
        }
    }
    if (r == 0) {
        r = check_flags(cli, err);
    }
    if (r == 0 && cli->command && !globals->help && cli->argc < cli->command->min_args) {
        r = hf_fail(err, HF_EINVALID, "'hyperfaas %s' needs %s: see 'hyperfaas %s --help'",
                    cli->command->words, cli->command->arguments, cli->command->words);
    }
    return r;
}

int
cli_arguments_read(int argc, char **argv, const struct cli_command *const *tables, struct cli *cli,
                   struct cli_globals *globals, struct hf_err *err)
{
    int r = read_line(argc, argv, tables, cli, globals, err);

    for (int i = 1; r < 0 && i < argc; i++) { /* the message itself should be JSON then */
        cli->json |= strcmp(argv[i], "--json") == 0;
    }
    return r;
}
