/*
 * function_watch.c - `hyperfaas function watch`: changes of functions as they happen.
 */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/err.h"
#include "base/map.h"
#include "base/random.h"
#include "cli.h"
#include "function_show.h"
#include "store.h"
#include "table.h"

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
    const struct cli *cli;
    struct hf_map known;
    bool synced;
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

static void
forget(struct watching *watching, struct known *known)
{
    hf_map_remove(&watching->known, &known->node);
    free(known);
}

/* --- telling ---------------------------------------------------------------------------- */

/* One line; `spec` is NULL for a function that is gone. */
static void
tell(struct watching *watching, const char *word, const char *id,
     const struct hf_function_spec *spec)
{
    hf_autotext struct hf_text out;
    struct cli_function_shown shown;
    struct hf_json json;

    hf_text_init(&out);
    if (watching->cli->json) {
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        hf_json_str(&json, "change", word);
        if (spec) {
            cli_function_members(id, spec, &json);
        } else if (*id) {
            hf_json_str(&json, "id", id);
        }
        hf_json_end(&json);
    } else {
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
    }
    hf_text_add_char(&out, '\n');
    watching->failed |= cli_print(&out, watching->err) != CLI_OK;
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
on_put(struct watching *watching, const char *id, const struct hf_document *document)
{
    hf_autospec struct hf_function_spec spec = { 0 };
    struct hf_err err = HF_ERR_INIT;
    struct known *known = find(watching, id);
    const char *word = known ? "changed" : watching->synced ? "created" : "existing";
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
on_change(void *arg, enum cli_change change, const char *id, const struct hf_document *document,
          const char *message)
{
    struct watching *watching = arg;
    struct known *known = find(watching, id);

    if (watching->failed) {
        return;
    }
    switch (change) {
    case CLI_CHANGE_PUT:
        on_put(watching, id, document);
        break;
    case CLI_CHANGE_DELETE:
        if (known) {
            tell(watching, "deleted", id, NULL);
            forget(watching, known);
        }
        break;
    case CLI_CHANGE_SYNCED:
        watching->synced = true;
        if (watching->cli->json) { /* programs want to know; people see it */
            tell(watching, "synced", "", NULL);
        }
        break;
    case CLI_CHANGE_BAD:
        complain(watching, HF_EINVALID, id, message);
        break;
    case CLI_CHANGE_LOST:
        complain(watching, HF_EUNAVAILABLE, id, message);
        break;
    }
}

static bool
has_failed(void *arg)
{
    return ((const struct watching *)arg)->failed;
}

/* --- the command ------------------------------------------------------------------------ */

static int
watch(struct cli *cli, struct hf_err *err)
{
    const char *duration = cli_flag(cli, "duration");
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct watching watching = { .cli = cli, .err = err };
    struct hf_map_node *node;
    uint64_t limit_ns = 0;
    int r = duration ? cli_parse_duration(duration, &limit_ns, err) : 0;

    if (r < 0) {
        hf_err_wrap(err, r, "--duration");
        return CLI_USAGE;
    }
    hf_map_init(&watching.known, hf_random_os_u64());
    r = cli_store_open(cli, &store, err);
    if (r == 0) {
        r = cli_store_watch(store, on_change, has_failed, &watching, limit_ns, err);
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
