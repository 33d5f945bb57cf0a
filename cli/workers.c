/*
 * workers.c - the workers that the configuration names, and what runs on them.
 */
#include "workers.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/list.h"
#include "rpc.h"

int
cli_workers_find(const struct cli *cli, struct cli_workers *ret, struct hf_err *err)
{
    const struct hf_config_section *leaf = hf_config_section(cli->config, "leaf");
    const struct hf_config_value *value;
    struct hf_text all;
    char *save = NULL;

    hf_text_init(&all);
    if (leaf) {
        HF_LIST_FOR (value, &leaf->values, node) {
            if (strcmp(value->key, "workers") == 0) {
                hf_text_printf(&all, "%s,", value->text);
            }
        }
    }
    if (all.len == 0) {
        hf_text_add(&all, cli_setting(cli, "worker", "api"));
    }
    ret->count = 0;
    ret->list = hf_text_steal(&all);
    if (!ret->list) {
        return hf_fail(err, HF_ENOMEM, "no memory for the list of workers");
    }
    for (char *word = strtok_r(ret->list, ", \t\n", &save); word && ret->count < CLI_MAX_WORKERS;
         word = strtok_r(NULL, ", \t\n", &save)) {
        ret->address[ret->count++] = word;
    }
    return 0;
}

void
cli_workers_fini(struct cli_workers *workers)
{
    free(workers->list);
    workers->list = NULL;
}

/* --- asking one ------------------------------------------------------------------------- */

struct asking {
    const char *worker;
    cli_instance_fn *each;
    void *arg;
    bool synced; /* it has told all */
};

static void
on_event(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE && !asking->synced) {
        asking->each(asking->arg, asking->worker, event->instance);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        asking->synced = true;
    }
}

static bool
is_synced(void *arg)
{
    return ((const struct asking *)arg)->synced;
}

int
cli_worker_ask(const struct cli *cli, const char *worker, cli_instance_fn *each, void *arg,
               struct hf_err *err)
{
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &watch.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = cli->timeout_ns,
    };
    struct asking asking = { .worker = worker, .each = each, .arg = arg };
    const struct cli_rpc_wait wait = {
        .on_message = on_event,
        .is_enough = is_synced,
        .arg = &asking,
    };
    hf_auto(cli_rpc_close) struct cli_rpc *rpc = NULL;
    int r = cli_rpc_open(worker, 0, &rpc, err);

    watch.node_id = (char *)(uintptr_t) "hyperfaas"; /* only read */
    if (r == 0) {
        r = cli_rpc_call(rpc, &request, &wait, err);
    }
    if (r == HF_EUNSUPPORTED) {
        hf_fail(err, r, "it is of another implementation, which can't list instances");
    }
    return r < 0 && !asking.synced ? hf_err_wrap(err, r, "worker '%s'", worker) : 0;
}
