/*
 * runtime-fake.c - the runtime "fake": instances that are addresses.
 *
 * The module's descriptor, options, and a runtime's beginning and end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "models.h"

/* --- listing -------------------------------------------------------------------- */

struct listing {
    struct due due; /* first: the answer */
    struct hf_runtime *runtime;
    hf_runtime_list_fn *each;
    void *arg;
};

static void
answer_listing(struct due *due, int code)
{
    struct listing *listing = (struct listing *)(void *)due;
    struct hf_runtime *runtime = listing->runtime;
    struct description description;

    for (uint32_t i = 0; code == 0 && i < runtime->n_slots; i++) {
        if (runtime->slots[i] && runtime->slots[i]->state == INSTANCE_RUNNING) {
            instance_describe(runtime->slots[i], &description);
            listing->each(listing->arg, 0, "", &description.info);
        }
    }
    listing->each(listing->arg, code, code == 0 ? "" : "the runtime is being closed", NULL);
    free(listing);
}

/* Nothing runs from before: instances are part of this process. */
static int
fake_list(struct hf_runtime *runtime, hf_runtime_list_fn *each, void *arg, struct hf_err *err)
{
    struct listing *listing = calloc(1, sizeof *listing);

    if (listing) {
        listing->runtime = runtime;
        listing->each = each;
        listing->arg = arg;
    }
    if (!listing || !schedule_add(runtime->schedule, &listing->due, 0, answer_listing)) {
        free(listing);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    return 0;
}

/* --- state ------------------------------------------------------------------------ */

static bool
fake_image_present(const struct hf_runtime *runtime, const char *image)
{
    return model_find(runtime, image, NULL);
}

static void
fake_stats(const struct hf_runtime *runtime, struct hf_runtime_stats *stats)
{
    stats->instances = runtime->n_instances;
    stats->memory_bytes = runtime->settings.memory > 0 ? runtime->settings.memory : HF_UNLIMITED;
    stats->cpu_millis = runtime->settings.cpu > 0 ? runtime->settings.cpu : HF_UNLIMITED;
}

enum {
    SHOWN_MAX = 100 /* instances */
};

static void
fake_show(const struct hf_runtime *runtime, struct hf_text *text)
{
    const struct hf_host *host = runtime->host;
    struct description d;
    uint32_t shown = 0;

    host->print(text, "port %u\ninstances %u\nstarted %" PRIu64 "\nended %" PRIu64 "\n",
                (unsigned)runtime->port, runtime->n_instances, runtime->started, runtime->ended);
    host->print(text, "calls %" PRIu64 "\nmemory %" PRIu64 "\ncpu_millis %" PRIu64 "\n",
                runtime->calls, runtime->used_memory, runtime->used_cpu);
    for (uint32_t i = 0; i < runtime->n_slots && shown < SHOWN_MAX; i++) {
        if (runtime->slots[i]) {
            instance_describe(runtime->slots[i], &d);
            host->print(text, "instance %s %s function %s address %s\n", d.id, d.name,
                        d.info.function_id, d.address);
            shown++;
        }
    }
    if (shown < runtime->n_instances) {
        host->print(text, "and %u more\n", runtime->n_instances - shown);
    }
}

/* --- beginning and end --------------------------------------------------------------- */

static void
fake_destroy(struct hf_runtime *runtime)
{
    if (!runtime) {
        return;
    }
    if (runtime->listener) {
        runtime->driver->listener_free(runtime->listener);
        runtime->listener = NULL;
    }
    for (uint32_t i = 0; i < runtime->n_slots; i++) {
        if (runtime->slots[i]) {
            instance_destroy(runtime->slots[i]);
        }
    }
    schedule_free(runtime->schedule);
    table_free(runtime);
    free(runtime);
}

static void
read_settings(struct hf_runtime *runtime, const struct hf_options *options)
{
    const struct hf_host *host = runtime->host;
    const char *seed = host->option_string(options, "seed");

    runtime->settings = (struct settings){
        .start_delay = host->option_u64(options, "start_delay"),
        .start_distribution =
            distribution_of(host->option_string(options, "start_delay_distribution")),
        .start_spread = host->option_double(options, "start_delay_spread"),
        .start_failure = host->option_double(options, "start_failure"),
        .call_failure = host->option_double(options, "call_failure"),
        .crash = host->option_double(options, "crash"),
        .service_time = host->option_u64(options, "service_time"),
        .service_sigma = host->option_double(options, "service_sigma"),
        .memory = host->option_u64(options, "memory"),
        .cpu = (uint64_t)(host->option_double(options, "cpu") * 1000),
        .max_instances = host->option_u64(options, "max_instances"),
        .any_image = host->option_u64(options, "any_image") != 0,
    };
    runtime->chance = (struct chance){
        .driver = runtime->driver,
        .seeded = seed,
        .state = seed ? host->hash(seed, strlen(seed)) : 0,
    };
}

/* Opens the one listener of all instances. */
static int
open_listener(struct hf_runtime *runtime, const struct hf_options *options, struct hf_err *err)
{
    const struct hf_driver_host *driver = runtime->driver;
    char address[32];
    int r;

    snprintf(address, sizeof address, "0.0.0.0:%u",
             (unsigned)runtime->host->option_u64(options, "port"));
    r = driver->listen(driver, address, &fake_service, runtime, &fake_service_options,
                       &runtime->listener, err);
    if (r == 0) {
        runtime->port = driver->listener_port(runtime->listener);
    }
    return r;
}

static int
fake_create(const struct hf_driver_host *driver, const struct hf_options *options,
            const struct hf_runtime_events *events, void *arg, struct hf_runtime **ret,
            struct hf_err *err)
{
    struct hf_runtime *runtime = calloc(1, sizeof *runtime);
    int r;

    if (!runtime) {
        return driver->host->fail(err, HF_ENOMEM, "runtime fake: out of memory");
    }
    runtime->driver = driver;
    runtime->host = driver->host;
    runtime->events = events;
    runtime->events_arg = arg;
    read_settings(runtime, options);
    runtime->schedule = schedule_new(driver);
    r = runtime->schedule ? open_listener(runtime, options, err)
                          : driver->host->fail(err, HF_ENOMEM, "runtime fake: out of memory");
    if (r < 0) {
        fake_destroy(runtime);
        return r;
    }
    *ret = runtime;
    return 0;
}

/* --- descriptor ------------------------------------------------------------------------ */

static const struct hf_option fake_options[] = {
    { .key = "port",
      .type = HF_OPT_UINT,
      .fallback = "0",
      .max = "65535",
      .help = "TCP port of all instances, each on an address 127.x.y.z of its own; 0: any free." },
    { .key = "any_image",
      .type = HF_OPT_BOOL,
      .fallback = "no",
      .help = "Accept images that are no model: their instances return what they get." },
    { .key = "start_delay",
      .type = HF_OPT_DURATION,
      .fallback = "0",
      .help = "How long a start takes: the mean of its distribution." },
    { .key = "start_delay_distribution",
      .type = HF_OPT_ENUM,
      .fallback = "fixed",
      .choices = "fixed|exponential|lognormal",
      .help = "How the time of a start is distributed." },
    { .key = "start_delay_spread",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.5",
      .min = "0",
      .max = "10",
      .help = "Of a lognormal start delay: the standard deviation of its logarithm." },
    { .key = "start_failure",
      .type = HF_OPT_DOUBLE,
      .fallback = "0",
      .min = "0",
      .max = "1",
      .help = "Probability that a start fails, after its delay." },
    { .key = "call_failure",
      .type = HF_OPT_DOUBLE,
      .fallback = "0",
      .min = "0",
      .max = "1",
      .help = "Probability that a call fails with INTERNAL." },
    { .key = "crash",
      .type = HF_OPT_DOUBLE,
      .fallback = "0",
      .min = "0",
      .max = "1",
      .help = "Probability that a call ends its instance." },
    { .key = "service_time",
      .type = HF_OPT_DURATION,
      .fallback = "10ms",
      .help = "Mean time that the models fixed and lognormal take for a call." },
    { .key = "service_sigma",
      .type = HF_OPT_DOUBLE,
      .fallback = "1",
      .min = "0",
      .max = "10",
      .help = "Of the model lognormal: the standard deviation of the logarithm of its time." },
    { .key = "memory",
      .type = HF_OPT_SIZE,
      .fallback = "0",
      .help = "Memory for instances, by their limits; a start beyond it is refused. 0: any." },
    { .key = "cpu",
      .type = HF_OPT_DOUBLE,
      .fallback = "0",
      .min = "0",
      .help = "Processors for instances, by their quotas; a start beyond is refused. 0: any." },
    { .key = "max_instances",
      .type = HF_OPT_UINT,
      .fallback = "100000",
      .min = "1",
      .max = "1000000",
      .help = "Instances at a time." },
    { .key = "seed",
      .type = HF_OPT_STRING,
      .help = "Makes everything left to chance repeat. Default: as the node's own seed has it." },
    { 0 },
};

static const struct hf_runtime_ops fake_ops = {
    .size = sizeof fake_ops,
    .create = fake_create,
    .destroy = fake_destroy,
    .start = fake_start,
    .stop = fake_stop,
    .cancel = fake_cancel,
    .list = fake_list,
    .image_present = fake_image_present,
    .stats = fake_stats,
    .show = fake_show,
};

HF_RUNTIME_PLUGIN(fake, "Simulates instances inside the worker, served over real HTTP/2.", fake_ops,
                  fake_options);
