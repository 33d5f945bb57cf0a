/*
 * function_watch.c - `hyperfaas function watch`: changes of functions as they happen.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/random.h"
#include "function_form.h"
#include "output.h"
#include "store.h"

static const struct cli_flag watch_flags[] = {
    { "duration", 0, "DURATION", "Ends after this long, instead of at Ctrl-C." },
    { 0 },
};

/* A function that was told of. */
struct known {
    struct hf_map_node node;
    uint64_t revision;
    char id[];
};

struct watching {
    struct cli_watch watch;
    const struct cli *cli;
    struct hf_map known;
    bool failed; /* there is no memory, or nobody reads what is written */
    struct hf_err *err;
};

/* --- what is known ---------------------------------------------------------------------- */

static struct known *
find(const struct watching *watching, const char *id)
{
    struct hf_map_node *node = hf_map_find(&watching->known, id, strlen(id));

    return node ? hf_container_of(node, struct known, node) : NULL;
}

static struct known *
add(struct watching *watching, const char *id)
{
    size_t len = strlen(id);
    struct known *known = calloc(1, sizeof *known + len + 1);

    if (known) {
        memcpy(known->id, id, len);
        if (hf_map_add(&watching->known, &known->node, known->id, len) < 0) {
            free(known);
            known = NULL;
        }
    }
    if (!known) {
        hf_fail(watching->err, HF_ENOMEM, "no memory for a function");
        watching->failed = true;
    }
    return known;
}

/* --- telling ---------------------------------------------------------------------------- */

/* One line; `spec` is NULL for a function that is gone. */
static void
tell(struct watching *watching, const char *word, const char *id,
     const struct hf_function_spec *spec)
{
    struct hf_text out;
    struct cli_function_shown shown;
    struct hf_json json;

    if (watching->failed) {
        return;
    }
    if (watching->cli->json) {
        cli_object_begin(&json, &out);
        hf_json_str(&json, "change", word);
        if (spec) {
            cli_function_members(id, spec, &json);
        } else if (*id) {
            hf_json_str(&json, "id", id);
        }
        watching->failed |= cli_object_print(&json, watching->err) != CLI_OK;
        return;
    }
    hf_text_init(&out);
    hf_text_printf(&out, "%-8s  ", word);
    cli_add_shown(id, &out);
    if (spec) {
        const char *values[] = { spec->image, shown.memory, shown.cpu, shown.concurrency,
                                 shown.timeout };

        cli_function_values(spec, &shown);
        for (size_t i = 0; i < hf_countof(values); i++) {
            hf_text_add(&out, "  ");
            cli_add_shown(values[i], &out);
        }
    }
    hf_text_add_char(&out, '\n');
    watching->failed |= cli_print(&out, watching->err) != CLI_OK;
    hf_text_fini(&out);
}

/* Tells on stderr of what does not end the watch. */
static void
complain(const struct watching *watching, int code, const char *id, const char *message)
{
    struct hf_err err = HF_ERR_INIT;

    if (*id) {
        hf_fail(&err, code, "function '%s' can't be read: %s", id, message);
    } else {
        hf_fail(&err, code, "the store is away: %s", message);
    }
    cli_complain(watching->cli, &err);
}

static void
on_put(void *arg, const struct hf_document *document)
{
    struct watching *watching = arg;
    const char *id = document->id;
    hf_autospec struct hf_function_spec spec = { 0 };
    struct hf_err err = HF_ERR_INIT;
    struct known *known = find(watching, id);
    const char *word = known ? "changed" : watching->watch.synced ? "created" : "existing";
    int r;

    if (known && known->revision == document->revision) {
        return; /* told again after the store was away */
    }
    r = hf_function_spec_parse(document->data, document->len, &spec, &err);
    if (r < 0) {
        complain(watching, r, id, hf_err_message(&err));
        return;
    }
    known = known ? known : add(watching, id);
    if (known) {
        known->revision = document->revision;
        tell(watching, word, id, &spec);
    }
}

static void
on_delete(void *arg, const char *id)
{
    struct watching *watching = arg;
    struct known *known = find(watching, id);

    if (known) {
        tell(watching, "deleted", id, NULL);
        hf_map_remove(&watching->known, &known->node);
        free(known);
    }
}

static void
on_synced(void *arg)
{
    struct watching *watching = arg;

    watching->watch.synced = true;
    if (watching->cli->json) { /* programs want to know; people see it */
        tell(watching, "synced", "", NULL);
    }
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    complain(arg, HF_EINVALID, id, message);
}

static void
on_lost(void *arg, const char *message)
{
    complain(arg, HF_EUNAVAILABLE, "", message);
}

static bool
has_failed(struct cli_watch *watch)
{
    return hf_container_of(watch, struct watching, watch)->failed;
}

/* --- the command ------------------------------------------------------------------------ */

static int
watch(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct watching watching = {
        .watch = { .watcher = { .on_put = on_put,
                                .on_delete = on_delete,
                                .on_synced = on_synced,
                                .on_bad = on_bad,
                                .on_lost = on_lost },
                   .is_enough = has_failed },
        .cli = cli,
        .err = err,
    };
    struct hf_map_node *node;
    int r = cli_store_open(cli, &store, err);

    hf_map_init(&watching.known, hf_random_os_u64());
    if (r == 0) {
        r = cli_store_watch(store, &watching.watch, cli_number(cli, "duration", 0), err);
    }
    while ((node = hf_map_pop(&watching.known))) {
        free(hf_container_of(node, struct known, node));
    }
    hf_map_fini(&watching.known);
    return r < 0 || watching.failed ? CLI_FAILED : CLI_OK;
}

const struct cli_command cli_function_watch_commands[] = {
    { "function watch", "", "Tells the functions there are, then every change, line by line.",
      watch_flags, 0, 0, watch, "hyperfaas function watch --json" },
    { 0 },
};
