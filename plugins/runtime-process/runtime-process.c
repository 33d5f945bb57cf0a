/*
 * runtime-process.c - the runtime "process": instances are child processes.
 *
 * The module's descriptor, options, and a runtime's beginning and end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

/* --- listing -------------------------------------------------------------------- */

struct listing {
    struct hf_runtime *runtime;
    hf_runtime_list_fn *each;
    void *arg;
};

static void
answer_listing(void *arg, int code)
{
    struct listing *listing = arg;
    const struct instance *instance = listing->runtime->instances;

    for (; code == 0 && instance; instance = instance->hh.next) {
        if (instance->state == INSTANCE_RUNNING) {
            struct hf_instance_info info;

            instance_describe(instance, &info);
            listing->each(listing->arg, 0, "", &info);
        }
    }
    listing->each(listing->arg, code, code == 0 ? "" : "the runtime is being closed", NULL);
    free(listing);
}

/* Nothing runs from before this process: instances die with the worker. */
static int
process_list(struct hf_runtime *runtime, hf_runtime_list_fn *each, void *arg, struct hf_err *err)
{
    struct listing *listing = malloc(sizeof *listing);

    if (listing) {
        *listing = (struct listing){ runtime, each, arg };
    }
    if (!listing || !later_add(&runtime->later, answer_listing, listing)) {
        free(listing);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    return 0;
}

static void
process_cancel(struct hf_runtime *runtime, struct hf_runtime_op *op)
{
    (void)runtime;
    op->cancel(op);
}

/* --- state ---------------------------------------------------------------------- */

static bool
process_image_present(const struct hf_runtime *runtime, const char *image)
{
    char path[PATH_MAX];

    return image_find(runtime->host, (const char *const *)runtime->folders, image, path, NULL) == 0;
}

static void
process_stats(const struct hf_runtime *runtime, struct hf_runtime_stats *stats)
{
    stats->instances = HASH_COUNT(runtime->instances);
    stats->memory_bytes = 0;
    stats->cpu_millis = 0;
}

static void
process_show(const struct hf_runtime *runtime, struct hf_text *text)
{
    static const char *const states[] = { "starting", "running", "stopping" };
    const struct hf_host *host = runtime->host;
    const struct instance *instance;

    for (size_t i = 0; runtime->folders[i]; i++) {
        host->print(text, "path %s\n", runtime->folders[i]);
    }
    host->print(text, "listen %s\nadvertise %s\n", runtime->listen, runtime->advertise);
    host->print(text, "started %u\ninstances %u\n", runtime->started,
                HASH_COUNT(runtime->instances));
    for (instance = runtime->instances; instance; instance = instance->hh.next) {
        host->print(text, "instance %s %s pid %d function %s address %s %s%s\n", instance->id,
                    instance->name, (int)runtime->driver->child_pid(instance->child),
                    instance->function_id, instance->address, states[instance->state],
                    program_is_replaced(instance->program, &instance->mark) ? " replaced" : "");
    }
}

/* --- beginning and end ------------------------------------------------------------ */

static void
process_destroy(struct hf_runtime *runtime)
{
    if (!runtime) {
        return;
    }
    while (runtime->readers) {
        log_reader_destroy(runtime->readers);
    }
    while (runtime->instances) {
        instance_destroy(runtime->instances);
    }
    later_end(&runtime->later);
    logs_free(runtime->logs);
    users_free(runtime->users);
    for (size_t i = 0; runtime->folders && runtime->folders[i]; i++) {
        free(runtime->folders[i]);
    }
    free(runtime->folders);
    free(runtime);
}

/* Reads and checks the addresses. */
static int
read_addresses(struct hf_runtime *runtime, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    bool any;

    runtime->listen = host->option_string(runtime->options, "listen");
    if (!port_check_address(runtime->listen, &any)) {
        return host->fail(err, HF_EINVALID,
                          "runtime process: listen = %s: expected an IP address without port",
                          runtime->listen);
    }
    runtime->advertise = host->option_string(runtime->options, "advertise");
    if (!runtime->advertise || !*runtime->advertise) {
        runtime->advertise = runtime->listen;
    } else if (!port_check_address(runtime->advertise, &any)) {
        return host->fail(err, HF_EINVALID,
                          "runtime process: advertise = %s: expected an IP address without port",
                          runtime->advertise);
    }
    if (any) {
        return host->fail(err, HF_EINVALID,
                          "runtime process: listen = %s needs advertise = the address at which "
                          "leaves reach this machine",
                          runtime->listen);
    }
    return 0;
}

static int
process_create(const struct hf_driver_host *driver, const struct hf_options *options,
               const struct hf_runtime_events *events, void *arg, struct hf_runtime **ret,
               struct hf_err *err)
{
    struct hf_runtime *runtime = calloc(1, sizeof *runtime);
    int r;

    if (!runtime) {
        return driver->host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    runtime->driver = driver;
    runtime->host = driver->host;
    runtime->options = options;
    runtime->events = events;
    runtime->events_arg = arg;
    runtime->later.driver = driver;
    limits_init(&runtime->limits, runtime->host, options);
    r = image_read_folders(runtime, err);
    if (r == 0) {
        r = read_addresses(runtime, err);
    }
    if (r == 0) {
        r = environment_check(runtime->host, options, err);
    }
    if (r == 0) {
        r = users_new(runtime->host, options, &runtime->users, err);
    }
    if (r == 0) {
        r = logs_new(runtime->driver, options, &runtime->logs, err);
    }
    if (r < 0) {
        process_destroy(runtime);
        return r;
    }
    if (geteuid() == 0 && !runtime->users) {
        runtime->host->log(runtime->host, HF_HOST_NOTICE,
                           "instances run as root, though without capabilities: option 'user' "
                           "gives them users of their own");
    }
    *ret = runtime;
    return 0;
}

/* --- descriptor --------------------------------------------------------------------- */

static const struct hf_option process_options[] = {
    { .key = "path",
      .type = HF_OPT_PATHS,
      .help = "Folders with the executables of functions, searched in this order: the image "
              "hyperfaas-echo:latest is the file echo. Unset: the installed samples, in "
              "libexec/hyperfaas/functions. In a build tree its own samples follow." },
    { .key = "listen",
      .type = HF_OPT_STRING,
      .fallback = "127.0.0.1",
      .help = "IP address on which instances listen (LISTEN_ADDRESS), each on a port of its own "
              "(PORT)." },
    { .key = "advertise",
      .type = HF_OPT_STRING,
      .help = "IP address under which leaves reach instances. Default: that of 'listen'." },
    { .key = "env",
      .type = HF_OPT_LIST,
      .help = "Variables for all instances: NAME=VALUE, or NAME to pass on the node's own." },
    { .key = "memory_limit",
      .type = HF_OPT_ENUM,
      .fallback = "data",
      .choices = "none|data|address_space",
      .help = "How a function's memory limit is applied: to writable memory (RLIMIT_DATA), to all "
              "address space (RLIMIT_AS; too strict for Go and Java), or not at all." },
    { .key = "memory_headroom",
      .type = HF_OPT_SIZE,
      .fallback = "512MiB",
      .help = "Added to a function's memory limit, as stacks and reserves count that are hardly "
              "used. 0 makes the limit strict." },
    { .key = "cpu_limit",
      .type = HF_OPT_ENUM,
      .fallback = "none",
      .choices = "none|processors",
      .help = "How a function's CPU quota is applied: as the number of processors it may use, "
              "rounded up, or not at all." },
    { .key = "nice",
      .type = HF_OPT_UINT,
      .fallback = "0",
      .max = "19",
      .help = "How much less urgent than the node instances are." },
    { .key = "user",
      .type = HF_OPT_STRING,
      .help = "User whom instances run as, by name or number, or a range of numbers such as "
              "100000-165535, of which each function gets one of its own; for a worker that runs "
              "as root. Default: the worker's user." },
    { .key = "pids_limit",
      .type = HF_OPT_UINT,
      .fallback = "4096",
      .max = "4194304",
      .help = "Processes and threads of one user together, where 'user' is set; 0: no limit." },
    { .key = "core_dumps",
      .type = HF_OPT_BOOL,
      .fallback = "no",
      .help = "Whether an instance that crashes may leave an image of its memory." },
    { .key = "log_path",
      .type = HF_OPT_PATH,
      .help = "Folder for what instances write, one file each. Default: logs in the node's "
              "state_dir." },
    { .key = "log_size",
      .type = HF_OPT_SIZE,
      .fallback = "1MiB",
      .min = "4KiB",
      .max = "1GiB",
      .help = "Size at which a log file is put aside; the one before is kept." },
    { .key = "log_keep",
      .type = HF_OPT_UINT,
      .fallback = "200",
      .max = "100000",
      .help = "Logs kept of instances that have ended; the oldest go." },
    { 0 },
};

static const struct hf_runtime_ops process_ops = {
    .size = sizeof process_ops,
    .create = process_create,
    .destroy = process_destroy,
    .start = process_start,
    .stop = process_stop,
    .cancel = process_cancel,
    .list = process_list,
    .logs = process_logs,
    .image_present = process_image_present,
    .stats = process_stats,
    .show = process_show,
};

HF_RUNTIME_PLUGIN(process, "Runs instances as child processes of the worker.", process_ops,
                  process_options);
