/*
 * instance.c - an instance from its start to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

struct instance *
instance_find(const struct hf_runtime *runtime, const char *id)
{
    struct instance *instance;

    HASH_FIND_STR(runtime->instances, id, instance);
    return instance;
}

void
instance_describe(const struct instance *instance, struct hf_instance_info *ret)
{
    *ret = (struct hf_instance_info){
        .size = sizeof(struct hf_instance_info),
        .id = instance->id,
        .name = instance->name,
        .internal_address = instance->address,
        .external_address = instance->address,
        .function_id = instance->function_id,
        .owner_id = instance->owner_id,
    };
}

/* --- end ---------------------------------------------------------------------------- */

/* Frees an instance; a child that still runs is killed, and its group in any case. */
static void
instance_free(struct instance *instance)
{
    struct hf_runtime *runtime = instance->runtime;

    if (instance->hh.tbl) {
        HASH_DEL(runtime->instances, instance);
    }
    runtime->driver->child_free(instance->child);
    output_free(instance->output);
    users_release(runtime->users, instance->user);
    program_release(runtime, instance->program);
    if (instance->port >= 0) {
        close(instance->port);
    }
    runtime->driver->timer_free(instance->timer);
    free(instance->name);
    free(instance->address);
    free(instance->function_id);
    free(instance->owner_id);
    free(instance);
}

static void
answer_start(struct instance *instance, int code, const char *message,
             const struct hf_instance_info *info)
{
    hf_runtime_done_fn *done = instance->done;

    instance->done = NULL;
    if (done) {
        done(instance->arg, code, message, info);
    }
}

void
instance_destroy(struct instance *instance)
{
    struct stop *stops = instance->stops;

    answer_start(instance, HF_ECANCELLED, "cancelled", NULL);
    instance_free(instance);
    stops_answer(&stops, HF_ECANCELLED, "the runtime is being closed");
}

/* Puts in words how a process ended. */
static void
describe_end(struct instance *instance, const struct hf_host_exit *end, char *message, size_t size)
{
    const char *line;
    int n;

    output_drain(instance->output);
    line = output_last_line(instance->output);
    if (end->signal) {
        const char *name = sigabbrev_np(end->signal);

        n = snprintf(message, size, "%s was killed by signal %d (SIG%s)", instance->name,
                     end->signal, name ? name : "?");
    } else {
        n = snprintf(message, size, "%s exited with code %d", instance->name, end->code);
    }
    if (n > 0 && (size_t)n < size && *line) {
        snprintf(message + n, size - (size_t)n, "; the last line of its log: %s", line);
    }
}

/* The process has ended. */
static void
on_exit_of(void *arg, const struct hf_host_exit *end)
{
    struct instance *instance = arg;
    struct hf_runtime *runtime = instance->runtime;
    struct stop *stops = instance->stops;
    enum instance_state state = instance->state;
    struct hf_instance_end event = { .size = sizeof event };
    char message[512], id[INSTANCE_ID_SIZE];

    describe_end(instance, end, message, sizeof message);
    memcpy(id, instance->id, sizeof id);
    event.exit_code = end->code;
    event.signal = end->signal;
    event.message = message;
    if (state == INSTANCE_STARTING) {
        answer_start(instance, instance->cancelled ? HF_ECANCELLED : HF_EUNAVAILABLE, message,
                     NULL);
    }
    instance_free(instance);
    if (state == INSTANCE_RUNNING) {
        runtime->events->on_end(runtime->events_arg, id, &event);
    }
    stops_answer(&stops, 0, "");
}

/* --- start -------------------------------------------------------------------------- */

static void
cancel_start(struct hf_runtime_op *op)
{
    struct instance *instance = (struct instance *)(void *)op;

    if (instance->done) {
        instance->cancelled = true;
        instance->runtime->driver->timer_set(instance->timer, 0);
    }
}

static void
on_timer(void *arg)
{
    struct instance *instance = arg;
    const struct hf_host *host = instance->runtime->host;

    if (instance->state == INSTANCE_STOPPING) {
        host->log(host, HF_HOST_NOTICE, "instance %s does not end when asked to: killing it",
                  instance->id);
        instance->runtime->driver->child_signal(instance->child, SIGKILL);
    } else if (instance->cancelled) {
        instance_destroy(instance);
    } else {
        struct hf_instance_info info;

        instance_describe(instance, &info);
        instance->state = INSTANCE_RUNNING;
        answer_start(instance, 0, "", &info);
    }
}

/* Gives it an id that no other instance has, and its name. */
static bool
name_instance(struct instance *instance, const char *image)
{
    const struct hf_driver_host *driver = instance->runtime->driver;
    char name[NAME_MAX + 1], digits[9];

    do {
        snprintf(instance->id, sizeof instance->id, "%012" PRIx64, driver->random(driver) >> 16);
    } while (instance_find(instance->runtime, instance->id));
    snprintf(digits, sizeof digits, "%.8s", instance->id);
    image_instance_name(image, digits, name, sizeof name);
    instance->name = strdup(name);
    return instance->name;
}

/* Makes an instance that has no process yet. */
static struct instance *
instance_new(struct hf_runtime *runtime, const struct hf_instance_spec *spec)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance) {
        return NULL;
    }
    instance->runtime = runtime;
    instance->op.cancel = cancel_start;
    instance->port = -1;
    instance->timer =
        runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_timer, instance);
    instance->function_id = strdup(spec->function->id);
    instance->owner_id = strdup(spec->owner_id);
    if (!instance->timer || !instance->function_id || !instance->owner_id ||
        !name_instance(instance, spec->function->image)) {
        instance_free(instance);
        return NULL;
    }
    HASH_ADD_STR(runtime->instances, id, instance);
    if (!instance->hh.tbl) {
        instance_free(instance);
        return NULL;
    }
    return instance;
}

/* Gives it its user, its port and its log. */
static int
equip(struct instance *instance, const char *image, uint16_t *ret_port, int *ret_output,
      struct hf_err *err)
{
    struct hf_runtime *runtime = instance->runtime;
    const struct hf_host *host = runtime->host;
    char log[NAME_MAX + 1];
    bool is_v6 = strchr(runtime->advertise, ':');
    int r = runtime->users ? users_take(runtime->users, instance->function_id, &instance->user, err)
                           : 0;

    if (r < 0) {
        return r;
    }
    instance->port = port_reserve(runtime->listen, ret_port);
    if (instance->port < 0) {
        return host->fail(err, HF_EFULL, "cannot reserve a port on %s: %s", runtime->listen,
                          strerror(errno));
    }
    if (asprintf(&instance->address, is_v6 ? "[%s]:%u" : "%s:%u", runtime->advertise,
                 (unsigned)*ret_port) < 0) {
        instance->address = NULL;
        return host->fail(err, HF_ENOMEM, "out of memory");
    }
    image_instance_name(image, instance->id, log, sizeof log);
    return output_new(runtime->driver, runtime->logs, log, &instance->output, ret_output, err);
}

/* Says more of a file that is there and does not start. */
static int
explain_failure(const struct instance *instance, const char *path, int code, struct hf_err *err)
{
    const struct hf_host *host = instance->runtime->host;
    char why[512] = "";

    if (code == HF_ENOTFOUND) {
        image_explain_interpreter(path, why, sizeof why);
    } else if (code == HF_EDENIED && instance->user) {
        snprintf(why, sizeof why,
                 "permission denied: may user %u execute it, and enter its folder?",
                 (unsigned)user_uid(instance->user));
    } else if (code == HF_EDENIED && geteuid() == 0) {
        snprintf(why, sizeof why,
                 "permission denied: instances have no capabilities, so root, too, needs the right "
                 "to execute it, and to enter its folder");
    }
    return *why ? host->fail(err, code, "cannot start %s: %s", path, why) : code;
}

static void
set_user(const struct instance *instance, struct hf_host_spawn *spawn)
{
    if (instance->user) {
        spawn->change_user = 1;
        spawn->uid = user_uid(instance->user);
        spawn->gid = users_gid(instance->runtime->users, instance->user);
    }
}

/* Starts the process. */
static int
launch(struct instance *instance, const struct hf_instance_spec *spec, const char *path,
       uint16_t port, int output, struct hf_err *err)
{
    struct hf_runtime *runtime = instance->runtime;
    struct identity identity = {
        .function_id = instance->function_id,
        .instance_id = instance->id,
        .controller_address = spec->controller_address,
        .host = runtime->listen,
        .home = runtime->users ? users_home(runtime->users) : NULL,
        .port = port,
    };
    char **environment = environment_new(runtime->host, runtime->options, &identity);
    const char *argv[] = { path, NULL };
    uint64_t processors[LIMITS_PROCESSOR_WORDS];
    char folder[PATH_MAX];
    struct hf_host_spawn spawn = {
        .size = sizeof spawn,
        .path = path,
        .argv = argv,
        .envp = (const char *const *)environment,
        .directory = folder,
        .output = output,
    };
    int r;

    instance->program = program_take(runtime, path, &instance->mark);
    if (!environment || !instance->program) {
        free(environment);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    set_user(instance, &spawn);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    limits_apply(&runtime->limits, spec->function, runtime->started++, processors, &spawn);
    r = runtime->driver->spawn(runtime->driver, &spawn, on_exit_of, instance, &instance->child,
                               err);
    free(environment);
    return r < 0 ? explain_failure(instance, path, r, err) : 0;
}

int
process_start(struct hf_runtime *runtime, const struct hf_instance_spec *spec, uint64_t timeout_ns,
              hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    char path[PATH_MAX];
    struct instance *instance;
    int output = -1, r;
    uint16_t port;

    (void)timeout_ns; /* nothing here waits: the start is answered at the loop's next turn */
    r = image_find(runtime->host, (const char *const *)runtime->folders, spec->function->image,
                   path, err);
    if (r < 0) {
        return r;
    }
    instance = instance_new(runtime, spec);
    if (!instance) {
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    r = equip(instance, spec->function->image, &port, &output, err);
    if (r == 0) {
        r = launch(instance, spec, path, port, output, err);
        close(output);
    }
    if (r < 0) {
        instance_free(instance);
        return r;
    }
    instance->done = done;
    instance->arg = arg;
    runtime->driver->timer_set(instance->timer, 0);
    if (ret) {
        *ret = &instance->op;
    }
    return 0;
}

/* --- stop --------------------------------------------------------------------------- */

int
process_stop(struct hf_runtime *runtime, const char *instance_id, uint64_t grace_ns,
             hf_runtime_done_fn *done, void *arg, struct hf_err *err)
{
    struct instance *instance = instance_find(runtime, instance_id);

    if (!instance || instance->state == INSTANCE_STARTING) {
        return stops_refuse(&runtime->later, done, arg, err);
    }
    if (!stops_add(&instance->stops, done, arg)) {
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    if (instance->state == INSTANCE_STOPPING) {
        return 0;
    }
    instance->state = INSTANCE_STOPPING;
    runtime->driver->child_signal(instance->child, grace_ns > 0 ? SIGTERM : SIGKILL);
    runtime->driver->timer_set(instance->timer,
                               grace_ns > INT64_MAX ? INT64_MAX : (int64_t)grace_ns);
    return 0;
}
