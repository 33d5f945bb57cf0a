/*
 * runtime-docker.c - the runtime "docker": its options and its table.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"
#include "instance.h"
#include "session.h"

#define DEFAULT_SOCKET "unix:///var/run/docker.sock"

/* --- state ---------------------------------------------------------------------------------- */

static void
docker_cancel(struct hf_runtime *runtime, struct hf_runtime_op *op)
{
    (void)runtime;
    op->cancel(op);
}

static bool
docker_image_present(const struct hf_runtime *runtime, const char *image)
{
    return images_present(runtime->images, image);
}

/* Whether there is, or may be, a container with which something can be done. */
static bool
is_held(const struct instance *instance)
{
    return !instance->gone && (instance->state != INSTANCE_REMOVING ||
                               session_state(instance->runtime->session) != SESSION_LOST);
}

static void
docker_stats(const struct hf_runtime *runtime, struct hf_runtime_stats *stats)
{
    const struct instance *instance;

    stats->instances = 0;
    for (instance = runtime->instances; instance; instance = instance->next) {
        stats->instances += is_held(instance);
    }
    stats->memory_bytes = 0;
    stats->cpu_millis = 0;
}

static void
docker_show(const struct hf_runtime *runtime, struct hf_text *text)
{
    const struct hf_host *host = runtime->host;
    const struct instance *instance;

    host->print(text, "engine %s %s api %s\n", engine_where(runtime->engine),
                session_state_name(runtime->session), engine_version(runtime->engine));
    if (*session_trouble(runtime->session)) {
        host->print(text, "last trouble: %s\n", session_trouble(runtime->session));
    }
    host->print(text, "starting %u of %u\n", runtime->under_way, runtime->parallel);
    images_show(runtime->images, text);
    for (instance = runtime->instances; instance; instance = instance->next) {
        host->print(text, "instance %s %s function %s address %s %s %s\n",
                    *instance->id ? instance->id : "-", instance->name, instance->function_id,
                    instance->internal, instance->external, instance_state_name(instance));
    }
}

/* --- options -------------------------------------------------------------------------------- */

/* The environment variables of all instances, as the engine is given them. */
static int
read_env(struct hf_runtime *runtime, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    const char *item;
    size_t n = 0;

    while ((item = host->option_item(runtime->options, "env", n))) {
        if (*item == '=' || !strchr(item, '=')) {
            return host->fail(err, HF_EINVALID, "runtime docker: env = %s: expected NAME=VALUE",
                              item);
        }
        n++;
    }
    runtime->env = calloc(n + 1, sizeof *runtime->env);
    if (!runtime->env) {
        return host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        runtime->env[i] = host->option_item(runtime->options, "env", i);
    }
    runtime->template.env = runtime->env;
    return 0;
}

static const char *
option(const struct hf_runtime *runtime, const char *key)
{
    const char *value = runtime->host->option_string(runtime->options, key);

    return value ? value : "";
}

static bool
is_address(const char *text)
{
    struct in6_addr address;

    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

/* Where ports are published, and the address that leaves get. */
static int
read_addresses(struct hf_runtime *runtime, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    const char *publish = option(runtime, "publish");
    const char *advertise = option(runtime, "advertise");

    if (strcmp(publish, "none") == 0) {
        publish = "";
    } else if (!is_address(publish)) {
        return host->fail(err, HF_EINVALID,
                          "runtime docker: publish = %s: expected an IP address without port, or "
                          "none",
                          publish);
    } else if (!*advertise && (strcmp(publish, "0.0.0.0") == 0 || strcmp(publish, "::") == 0)) {
        return host->fail(err, HF_EINVALID,
                          "runtime docker: publish = %s needs advertise = the address at which "
                          "leaves reach this machine",
                          publish);
    }
    runtime->template.publish = publish;
    runtime->where = (struct addressing){ option(runtime, "network"), advertise };
    return 0;
}

static int
read_options(struct hf_runtime *runtime, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    const struct hf_options *options = runtime->options;
    int r;

    runtime->parallel = (uint32_t)host->option_u64(options, "parallel_starts");
    runtime->template = (struct template){
        .marks = { option(runtime, "cluster"), runtime->driver->node_id, runtime->driver->boot_id },
        .network = option(runtime, "network"),
        .volume = option(runtime, "log_volume"),
        .pids = host->option_u64(options, "pids_limit"),
        .log_bytes = host->option_u64(options, "log_size"),
        .read_only = host->option_u64(options, "read_only"),
    };
    r = read_addresses(runtime, err);
    return r < 0 ? r : read_env(runtime, err);
}

/* As configured, as the environment says, or where engines usually are. */
static const char *
choose_socket(const struct hf_runtime *runtime)
{
    const char *socket = option(runtime, "socket");

    if (!*socket) {
        socket = getenv("DOCKER_HOST");
    }
    return socket && *socket ? socket : DEFAULT_SOCKET;
}

/* --- beginning and end ---------------------------------------------------------------------- */

/* Containers stay: they are marked, and the next life of this node deals with them. */
static void
docker_destroy(struct hf_runtime *runtime)
{
    if (!runtime) {
        return;
    }
    runtime->closing = true;
    log_readers_destroy(runtime);
    listings_destroy(runtime);
    while (runtime->instances) {
        images_leave(&runtime->instances->waiter);
        instance_destroy(runtime->instances);
    }
    later_end(&runtime->later);
    images_free(runtime->images);
    session_free(runtime->session);
    engine_free(runtime->engine);
    free(runtime->env);
    free(runtime);
}

static void
make_counters(struct hf_runtime *runtime)
{
    const struct hf_host *host = runtime->host;

    runtime->create_us =
        host->counter(host, "create_us", "Microseconds that the engine took to make containers.");
    runtime->start_us =
        host->counter(host, "start_us", "Microseconds that the engine took to start containers.");
    runtime->inspect_us =
        host->counter(host, "inspect_us", "Microseconds that the engine took to tell addresses.");
}

static int
docker_create(const struct hf_driver_host *driver, const struct hf_options *options,
              const struct hf_runtime_events *events, void *arg, struct hf_runtime **ret,
              struct hf_err *err)
{
    struct hf_runtime *runtime = calloc(1, sizeof *runtime);
    int r;

    if (!runtime) {
        return driver->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    runtime->driver = driver;
    runtime->host = driver->host;
    runtime->options = options;
    runtime->events = events;
    runtime->events_arg = arg;
    runtime->later.driver = driver;
    make_counters(runtime);
    r = read_options(runtime, err);
    if (r == 0) {
        r = engine_new(driver, choose_socket(runtime), &runtime->engine, err);
    }
    if (r == 0) {
        r = images_new(runtime, &runtime->images, err);
    }
    if (r == 0) {
        r = session_new(runtime, &runtime->session, err);
    }
    if (r < 0) {
        docker_destroy(runtime);
        return r;
    }
    *ret = runtime;
    return 0;
}

/* --- descriptor ----------------------------------------------------------------------------- */

static const struct hf_option docker_options[] = {
    { .key = "socket",
      .type = HF_OPT_STRING,
      .help = "The engine: unix:///PATH or tcp://HOST:PORT. Default: $DOCKER_HOST, or "
              "unix:///var/run/docker.sock." },
    { .key = "network",
      .type = HF_OPT_STRING,
      .help = "Network that instances join; their internal addresses are those in it. Default: "
              "the engine's own bridge." },
    { .key = "publish",
      .type = HF_OPT_STRING,
      .fallback = "127.0.0.1",
      .help = "IP address of this machine at which instances' ports are published, as their "
              "external addresses; or none." },
    { .key = "advertise",
      .type = HF_OPT_STRING,
      .help = "Host under which leaves reach published ports. Default: that of 'publish'." },
    { .key = "cluster",
      .type = HF_OPT_STRING,
      .fallback = "hyperfaas",
      .help = "Tells the containers of platforms apart that share an engine (label hf.cluster)." },
    { .key = "parallel_starts",
      .type = HF_OPT_UINT,
      .fallback = "8",
      .min = "1",
      .max = "1000",
      .help = "Containers that the engine makes and starts at the same time; others wait." },
    { .key = "pull",
      .type = HF_OPT_ENUM,
      .fallback = "missing",
      .choices = "missing|never",
      .help = "Whether an image that the engine does not have is pulled." },
    { .key = "pull_timeout",
      .type = HF_OPT_DURATION,
      .fallback = "10m",
      .min = "1s",
      .max = "1d",
      .help = "How long a pull may take; starts that wait for it have their own limit." },
    { .key = "pids_limit",
      .type = HF_OPT_UINT,
      .fallback = "1024",
      .max = "4194304",
      .help = "Processes and threads of one instance; 0: no limit." },
    { .key = "read_only",
      .type = HF_OPT_BOOL,
      .fallback = "no",
      .help = "Instances cannot change their files, except below /tmp and /logs." },
    { .key = "log_volume",
      .type = HF_OPT_STRING,
      .fallback = "function-logs",
      .help = "Volume that all instances have at /logs; empty: none." },
    { .key = "log_size",
      .type = HF_OPT_SIZE,
      .fallback = "1MiB",
      .min = "4KiB",
      .max = "1GiB",
      .help = "Size at which the engine puts the log of an instance aside; the one before is "
              "kept." },
    { .key = "env",
      .type = HF_OPT_LIST,
      .help = "More environment variables for all instances, NAME=VALUE." },
    { 0 },
};

static const struct hf_runtime_ops docker_ops = {
    .size = sizeof docker_ops,
    .create = docker_create,
    .destroy = docker_destroy,
    .start = instance_start,
    .stop = instance_stop,
    .cancel = docker_cancel,
    .list = listing_begin,
    .logs = log_reader_begin,
    .image_present = docker_image_present,
    .stats = docker_stats,
    .show = docker_show,
};

HF_RUNTIME_PLUGIN(docker, "Runs instances as containers of a Docker or Podman engine.", docker_ops,
                  docker_options);
