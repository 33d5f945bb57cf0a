/*
 * function.c - `hyperfaas function ...`: what is registered in the store.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "function_form.h"
#include "output.h"
#include "store.h"

/* How often an update is tried again when somebody else wrote meanwhile. */
#define UPDATE_ATTEMPTS 5

static const struct cli_flag create_flags[] = {
    { "id", 0, "NAME",
      "Its id, instead of a random one. An id that equals a host name or address, such as "
      "127.0.0.1, can be called by clients that cannot set the authority." },
    CLI_FUNCTION_FLAGS,
    { 0 },
};

static const struct cli_flag update_flags[] = { CLI_FUNCTION_FLAGS, { 0 } };

/* --- create -------------------------------------------------------------------------- */

static int
write_spec(struct cli_store *store, const char *id, const struct hf_function_spec *spec,
           uint32_t condition, uint64_t revision, struct hf_err *err)
{
    hf_autospec struct hf_function_spec read_back = { 0 };
    hf_autotext struct hf_text document;
    int r;

    hf_text_init(&document);
    hf_function_spec_format(spec, &document);
    r = hf_function_spec_parse(hf_text_str(&document), document.len, &read_back, err);
    if (r < 0) { /* then no node could read it either */
        return hf_err_wrap(err, r, "function '%s' is not stored, as no node would read it", id);
    }
    return cli_store_put(store, id, hf_text_str(&document), strlen(hf_text_str(&document)),
                         condition, revision, err);
}

/* What the command line says about a new function. */
static int
read_create(const struct cli *cli, struct hf_function_spec *ret, struct hf_err *err)
{
    const char *given = cli_flag(cli, "id");
    const char *image = cli->argc > 0 ? cli->argv[0] : cli_flag(cli, "image-tag");

    if (!image || !*image) {
        return hf_fail(err, HF_EINVALID,
                       "which image? For example: hyperfaas function create hyperfaas-echo:latest");
    }
    if (cli->argc > 0 && cli_flag(cli, "image-tag")) {
        return hf_fail(err, HF_EINVALID,
                       "the image is given twice, as '%s' and with --image-tag: leave out one",
                       image);
    }
    if (given && hf_function_id_check(given, err) < 0) {
        return hf_err_wrap(err, HF_EINVALID, "--id");
    }
    cli_function_defaults(ret);
    ret->image = strdup(image);
    return ret->image ? cli_function_take_flags(cli, ret, err)
                      : hf_fail(err, HF_ENOMEM, "no memory for an image");
}

static int
create(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    hf_autospec struct hf_function_spec spec = { 0 };
    const char *id = cli_flag(cli, "id");
    char uuid[HF_UUID_MAX];
    int r;

    if (read_create(cli, &spec, err) < 0) {
        return CLI_USAGE;
    }
    if (!id) {
        hf_uuid4(uuid);
        id = uuid;
    }
    if (cli_store_open(cli, &store, err) < 0) {
        return CLI_FAILED;
    }
    r = write_spec(store, id, &spec, HF_STORE_ABSENT, 0, err);
    if (r == HF_EEXISTS) {
        hf_fail(err, r,
                "function '%s' is there already: change it with 'hyperfaas function update %s'", id,
                id);
    }
    return r < 0 ? CLI_FAILED : cli_function_print_created(cli, id, &spec, err);
}

/* --- update, delete --------------------------------------------------------------------- */

static int
fail_unknown(const char *id, struct hf_err *err)
{
    return hf_fail(err, HF_ENOTFOUND,
                   "function '%s' is not registered: 'hyperfaas function list' shows those that "
                   "are",
                   id);
}

static int
read_spec(struct cli_store *store, const char *id, struct hf_function_spec *ret,
          uint64_t *ret_revision, struct hf_err *err)
{
    struct cli_document document = { 0 };
    int r = cli_store_get(store, id, &document, err);

    if (r == HF_ENOTFOUND) {
        return fail_unknown(id, err);
    }
    if (r == 0) {
        r = hf_function_spec_parse(document.data, document.len, ret, err);
    }
    free(document.data);
    if (r < 0) {
        return hf_err_wrap(err, r, "function '%s'", id);
    }
    *ret_revision = document.revision;
    return 0;
}

/* Reads, changes and writes over what was read; HF_ECONFLICT: somebody wrote meanwhile. */
static int
update_once(const struct cli *cli, struct cli_store *store, const char *id, struct hf_err *err)
{
    hf_autospec struct hf_function_spec spec = { 0 };
    uint64_t revision;
    int r;

    if ((r = read_spec(store, id, &spec, &revision, err)) < 0 ||
        (r = cli_function_take_flags(cli, &spec, err)) < 0 ||
        (r = write_spec(store, id, &spec, HF_STORE_AT_REVISION, revision, err)) < 0) {
        return r;
    }
    return cli_function_print(cli, id, &spec, err) == CLI_OK ? 0 : HF_EIO;
}

static bool
has_own_flag(const struct cli *cli)
{
    const struct cli_flag *flag = update_flags;

    while (flag->name && !cli_flag(cli, flag->name)) {
        flag++;
    }
    return flag->name;
}

static int
update(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    hf_autospec struct hf_function_spec trial = { 0 };
    int r = HF_ECONFLICT;

    if (!has_own_flag(cli)) {
        hf_fail(err, HF_EINVALID,
                "nothing to change: give at least one of the flags that "
                "'hyperfaas function update --help' lists");
        return CLI_USAGE;
    }
    if (cli_function_take_flags(cli, &trial, err) < 0) {
        return CLI_USAGE;
    }
    if (cli_store_open(cli, &store, err) < 0) {
        return CLI_FAILED;
    }
    for (int i = 0; r == HF_ECONFLICT && i < UPDATE_ATTEMPTS; i++) {
        r = update_once(cli, store, cli->argv[0], err);
    }
    if (r == HF_ECONFLICT) {
        hf_fail(err, r,
                "function '%s' was not updated: others keep changing it, %d times while this was "
                "tried. Nothing was overwritten; try again",
                cli->argv[0], UPDATE_ATTEMPTS);
    }
    return r == 0 ? CLI_OK : CLI_FAILED;
}

/* Deletes each that is there; the others are told of. */
static int
delete_functions(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct cli_list list;
    bool complete = true;
    int printed;

    if (cli_store_open(cli, &store, err) < 0) {
        return CLI_FAILED;
    }
    cli_list_init(&list, cli, NULL, 0); /* people see that nothing went wrong */
    for (unsigned int i = 0; i < cli->argc; i++) {
        int r = cli_store_remove(store, cli->argv[i], err);

        if (r == 0 && cli->json) {
            hf_json_str(&list.json, NULL, cli->argv[i]);
        } else if (r < 0) {
            if (r == HF_ENOTFOUND) {
                fail_unknown(cli->argv[i], err);
            }
            cli_complain(cli, err);
            hf_err_clear(err);
            complete = false;
        }
    }
    printed = cli_list_print(&list, err);
    return complete ? printed : CLI_FAILED;
}

/* --- list, get ---------------------------------------------------------------------------- */

struct listed {
    char *id;
    struct hf_function_spec spec;
};

struct listing {
    const struct cli *cli;
    struct listed *items;
    size_t n;
    size_t size;
    bool complete;
};

static void
complain_of(struct listing *listing, const char *id, int code, const char *message)
{
    struct hf_err err = HF_ERR_INIT;

    hf_fail(&err, code, "function '%s' can't be read: %s", id, message);
    cli_complain(listing->cli, &err);
    listing->complete = false;
}

static struct listed *
add_item(struct listing *listing, const char *id)
{
    if (listing->n == listing->size) {
        size_t size = listing->size ? 2 * listing->size : 64;
        struct listed *items = realloc(listing->items, size * sizeof *items);

        if (!items) {
            return NULL;
        }
        listing->items = items;
        listing->size = size;
    }
    listing->items[listing->n] = (struct listed){ .id = strdup(id) };
    return listing->items[listing->n].id ? &listing->items[listing->n++] : NULL;
}

static void
on_function(void *arg, const char *id, const struct hf_document *document, const char *message)
{
    struct listing *listing = arg;
    struct hf_err err = HF_ERR_INIT;
    struct listed *item;
    int r;

    if (!document) {
        complain_of(listing, id, HF_EINVALID, message);
        return;
    }
    item = add_item(listing, id);
    if (!item) {
        complain_of(listing, id, HF_ENOMEM, "out of memory");
        return;
    }
    r = hf_function_spec_parse(document->data, document->len, &item->spec, &err);
    if (r < 0) {
        complain_of(listing, id, r, hf_err_message(&err));
        free(item->id);
        listing->n--;
    }
}

static int
compare_items(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->id, ((const struct listed *)b)->id);
}

static int
print_items(const struct listing *listing, struct hf_err *err)
{
    struct cli_list list;

    cli_list_init(&list, listing->cli,
                  CLI_CELLS("ID", "IMAGE", "MEMORY", "CPU", "CONCURRENCY", "TIMEOUT"));
    for (size_t i = 0; i < listing->n; i++) {
        const struct listed *item = &listing->items[i];
        struct cli_function_shown shown;

        if (listing->cli->json) {
            hf_json_object(&list.json, NULL);
            cli_function_members(item->id, &item->spec, &list.json);
            hf_json_end(&list.json);
        } else {
            cli_function_values(&item->spec, &shown);
            cli_list_row(&list, CLI_CELLS(item->id, item->spec.image, shown.memory, shown.cpu,
                                          shown.concurrency, shown.timeout));
        }
    }
    return cli_list_print(&list, err);
}

static int
list(struct cli *cli, struct hf_err *err)
{
    struct listing listing = { .cli = cli, .complete = true };
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    int exit_code = CLI_FAILED;

    if (cli_store_open(cli, &store, err) == 0 &&
        cli_store_list(store, HF_STORE_FUNCTIONS, on_function, &listing, err) == 0) {
        if (listing.n > 0) {
            qsort(listing.items, listing.n, sizeof *listing.items, compare_items);
        }
        exit_code = print_items(&listing, err);
    }
    for (size_t i = 0; i < listing.n; i++) {
        free(listing.items[i].id);
        hf_function_spec_fini(&listing.items[i].spec);
    }
    free(listing.items);
    return listing.complete ? exit_code : CLI_FAILED;
}

static int
get(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    hf_autospec struct hf_function_spec spec = { 0 };
    uint64_t revision;

    if (cli_store_open(cli, &store, err) < 0 ||
        read_spec(store, cli->argv[0], &spec, &revision, err) < 0) {
        return CLI_FAILED;
    }
    return cli_function_print(cli, cli->argv[0], &spec, err);
}

const struct cli_command cli_function_commands[] = {
    { "function create", "[IMAGE]", "Registers a function and prints its id.", create_flags, 0, 1,
      create, "hyperfaas function create hyperfaas-echo:latest --id echo --memory 64MiB" },
    { "function update", "ID", "Changes what the flags say, and nothing else.", update_flags, 1, 1,
      update, "hyperfaas function update echo --max-concurrency 20" },
    { "function delete", "ID...", "Removes functions; calls under way finish.", NULL, 1,
      CLI_MAX_GIVEN, delete_functions, "hyperfaas function delete echo" },
    { "function list", "", "Lists all functions.", NULL, 0, 0, list,
      "hyperfaas function list --json" },
    { "function get", "ID", "Shows one function.", NULL, 1, 1, get, "hyperfaas function get echo" },
    { 0 },
};
