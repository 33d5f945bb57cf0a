/*
 * instance.c - a fake instance from its start to its end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "models.h"

/* A start under way. */
struct hf_runtime_op {
    struct due due; /* first: the answer */
    struct instance *instance;
    hf_runtime_done_fn *done;
    void *arg;
};

/* A stop under way, also of what is not there. */
struct stop {
    struct due due; /* first: the answer */
    struct stop *next;
    struct hf_runtime *runtime;
    struct instance *instance;   /* NULL: there was none, or it has gone */
    struct hf_host_timer *grace; /* of the first stop of an instance with calls */
    hf_runtime_done_fn *done;
    void *arg;
    bool ended; /* the instance has ended by it */
};

void
instance_describe(const struct instance *instance, struct description *d)
{
    size_t stem_len;
    const char *stem = image_stem(instance->image, &stem_len);

    table_write_id(instance, d->id);
    table_write_address(instance, d->address);
    snprintf(d->name, sizeof d->name, "hyperfaas-%.*s-%.8s", stem_len < 64 ? (int)stem_len : 64,
             stem, d->id);
    d->info = (struct hf_instance_info){
        .size = sizeof d->info,
        .id = d->id,
        .name = d->name,
        .internal_address = d->address,
        .external_address = d->address,
        .function_id = instance->texts,
        .owner_id = instance->owner_id,
        .ready = 1,
    };
}

/* --- end ----------------------------------------------------------------------------- */

/* Drops its connections, gives its share back and frees it. */
static void
instance_end(struct instance *instance)
{
    struct hf_runtime *runtime = instance->runtime;
    char address[ADDRESS_SIZE];

    table_write_address(instance, address);
    table_remove(runtime, instance);
    calls_detach(instance);
    if (instance->state != INSTANCE_STARTING) {
        runtime->ended++;
        if (runtime->listener) {
            runtime->driver->listener_drop(runtime->listener, address);
        }
    }
    runtime->used_memory -= instance->memory;
    runtime->used_cpu -= instance->cpu;
    free(instance);
}

/* Gives the answer of a stop. */
static void
answer_stop(struct due *due, int code)
{
    struct stop *stop = (struct stop *)(void *)due;

    stop->runtime->driver->timer_free(stop->grace);
    if (code == 0 && !stop->ended) {
        stop->done(stop->arg, HF_ENOTFOUND, "there is no such instance", NULL);
    } else {
        stop->done(stop->arg, code, code == 0 ? "" : "the runtime is being closed", NULL);
    }
    free(stop);
}

/* The stops of an instance are answered soon, all of them. */
static void
release_stops(struct instance *instance, bool ended)
{
    struct stop *stop;

    while ((stop = instance->stops)) {
        instance->stops = stop->next;
        stop->instance = NULL;
        stop->ended = ended;
        if (!schedule_add(instance->runtime->schedule, &stop->due, 0, answer_stop)) {
            answer_stop(&stop->due, HF_ENOMEM);
        }
    }
}

void
instance_destroy(struct instance *instance)
{
    if (instance->start) {
        schedule_remove(instance->runtime->schedule, &instance->start->due);
        instance->start->due.run(&instance->start->due, HF_ECANCELLED);
        return;
    }
    while (instance->stops) {
        struct stop *stop = instance->stops;

        instance->stops = stop->next;
        answer_stop(&stop->due, HF_ECANCELLED);
    }
    instance_end(instance);
}

void
instance_crash(struct instance *instance, const char *why)
{
    struct hf_runtime *runtime = instance->runtime;
    bool stopping = instance->state == INSTANCE_STOPPING;
    struct hf_instance_end end = {
        .size = sizeof end, .exit_code = -1, .signal = SIGABRT, .message = why
    };
    char id[INSTANCE_ID_SIZE];

    table_write_id(instance, id);
    release_stops(instance, true);
    instance_end(instance);
    if (!stopping) {
        runtime->events->on_end(runtime->events_arg, id, &end);
    }
}

/* --- stop ---------------------------------------------------------------------------- */

static void
on_grace_over(void *arg)
{
    struct stop *stop = arg;
    struct instance *instance = stop->instance;

    if (instance) {
        release_stops(instance, true);
        instance_end(instance);
    }
}

void
instance_call_ended(struct instance *instance)
{
    /* By its timer rather than here: a connection of it is calling us. */
    for (struct stop *stop = instance->stops; stop && !instance->calls; stop = stop->next) {
        if (stop->grace) {
            instance->runtime->driver->timer_set(stop->grace, 0);
        }
    }
}

/* Lets the calls of an instance end, for as long as the grace allows. */
static int
begin_stop(struct stop *stop, struct instance *instance, uint64_t grace_ns)
{
    const struct hf_driver_host *driver = stop->runtime->driver;
    uint64_t grace = instance->calls && grace_ns < INT64_MAX ? grace_ns : 0;

    if (instance->state == INSTANCE_RUNNING) {
        stop->grace = driver->timer_new(driver, HF_CLOCK_REAL, on_grace_over, stop);
        if (!stop->grace) {
            return HF_ENOMEM;
        }
        instance->state = INSTANCE_STOPPING;
        driver->timer_set(stop->grace, (int64_t)grace);
    }
    stop->instance = instance;
    stop->next = instance->stops;
    instance->stops = stop;
    return 0;
}

int
fake_stop(struct hf_runtime *runtime, const char *instance_id, uint64_t grace_ns,
          hf_runtime_done_fn *done, void *arg, struct hf_err *err)
{
    struct instance *instance = table_find_id(runtime, instance_id);
    struct stop *stop = calloc(1, sizeof *stop);
    int r = stop ? 0 : HF_ENOMEM;

    if (r == 0) {
        stop->runtime = runtime;
        stop->done = done;
        stop->arg = arg;
        if (instance && instance->state != INSTANCE_STARTING) {
            r = begin_stop(stop, instance, grace_ns);
        } else if (!schedule_add(runtime->schedule, &stop->due, 0, answer_stop)) {
            r = HF_ENOMEM;
        }
    }
    if (r < 0) {
        free(stop);
        return runtime->host->fail(err, r, "out of memory");
    }
    return 0;
}

/* --- start --------------------------------------------------------------------------- */

/* The answer of a start: by its time, by a cancel, or by the end of all. */
static void
answer_start(struct due *due, int code)
{
    struct hf_runtime_op *op = (struct hf_runtime_op *)(void *)due;
    struct instance *instance = op->instance;
    struct hf_runtime *runtime = instance->runtime;
    struct description description;

    instance->start = NULL;
    if (code == 0 && chance_happens(&runtime->chance, runtime->settings.start_failure)) {
        code = HF_EUNAVAILABLE;
    }
    if (code == 0) {
        instance->state = INSTANCE_RUNNING;
        runtime->started++;
        instance_describe(instance, &description);
        op->done(op->arg, 0, "", &description.info);
    } else {
        instance_end(instance);
        op->done(op->arg, code,
                 code == HF_ECANCELLED ? "cancelled" : "failed by chance (option 'start_failure')",
                 NULL);
    }
    free(op);
}

static void
answer_cancelled(struct due *due, int code)
{
    (void)code;
    answer_start(due, HF_ECANCELLED);
}

void
fake_cancel(struct hf_runtime *runtime, struct hf_runtime_op *op)
{
    schedule_remove(runtime->schedule, &op->due);
    if (!schedule_add(runtime->schedule, &op->due, 0, answer_cancelled)) {
        answer_start(&op->due, HF_ECANCELLED);
    }
}

/* Refuses what does not fit, and says what it would need. */
static int
check_room(const struct hf_runtime *runtime, const struct hf_function *function, uint64_t cpu,
           struct hf_err *err)
{
    const struct settings *s = &runtime->settings;

    if (s->memory > 0 && runtime->used_memory + function->memory_bytes > s->memory) {
        return runtime->host->fail(err, HF_EFULL,
                                   "the fake runtime is full: the instance needs %ju bytes of "
                                   "memory, %ju of %ju are taken",
                                   (uintmax_t)function->memory_bytes,
                                   (uintmax_t)runtime->used_memory, (uintmax_t)s->memory);
    }
    if (s->cpu > 0 && runtime->used_cpu + cpu > s->cpu) {
        return runtime->host->fail(err, HF_EFULL,
                                   "the fake runtime is full: the instance needs %ju thousandths "
                                   "of a processor, %ju of %ju are taken",
                                   (uintmax_t)cpu, (uintmax_t)runtime->used_cpu, (uintmax_t)s->cpu);
    }
    if (runtime->n_instances >= s->max_instances) {
        return runtime->host->fail(err, HF_EFULL,
                                   "the fake runtime is full: %ju instances (max_instances)",
                                   (uintmax_t)s->max_instances);
    }
    return 0;
}

/* Makes an instance without a slot. */
static struct instance *
instance_new(struct hf_runtime *runtime, const struct hf_instance_spec *spec,
             const struct model *model)
{
    const struct hf_function *function = spec->function;
    size_t id_size = strlen(function->id) + 1, owner_size = strlen(spec->owner_id) + 1;
    size_t image_size = strlen(function->image) + 1;
    struct instance *instance = calloc(1, sizeof *instance + id_size + owner_size + image_size);

    if (!instance) {
        return NULL;
    }
    instance->runtime = runtime;
    instance->model = model;
    instance->memory = function->memory_bytes;
    memcpy(instance->texts, function->id, id_size);
    instance->owner_id = memcpy(instance->texts + id_size, spec->owner_id, owner_size);
    instance->image = memcpy(instance->texts + id_size + owner_size, function->image, image_size);
    return instance;
}

/* Gives an instance its slot and schedules the answer of its start. */
static bool
begin_start(struct instance *instance, struct hf_runtime_op *op)
{
    struct hf_runtime *runtime = instance->runtime;
    const struct settings *s = &runtime->settings;
    uint64_t delay =
        chance_time(&runtime->chance, s->start_distribution, s->start_delay, s->start_spread);

    if (!table_add(runtime, instance)) {
        return false;
    }
    if (!schedule_add(runtime->schedule, &op->due, delay, answer_start)) {
        table_remove(runtime, instance);
        return false;
    }
    op->instance = instance;
    instance->start = op;
    runtime->used_memory += instance->memory;
    runtime->used_cpu += instance->cpu;
    return true;
}

int
fake_start(struct hf_runtime *runtime, const struct hf_instance_spec *spec, uint64_t timeout_ns,
           hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    const struct hf_function *function = spec->function;
    uint64_t cpu =
        function->cpu_period_us > 0 ? function->cpu_quota_us * 1000 / function->cpu_period_us : 0;
    const struct model *model = model_find(runtime, function->image, err);
    struct instance *instance;
    struct hf_runtime_op *op;
    int r;

    (void)timeout_ns; /* the start delay is the experiment's; the worker has its own limit */
    if (!model) {
        return HF_ENOTFOUND;
    }
    r = check_room(runtime, function, cpu, err);
    if (r < 0) {
        return r;
    }
    instance = instance_new(runtime, spec, model);
    op = calloc(1, sizeof *op);
    if (instance && op) {
        instance->cpu = cpu;
        op->done = done;
        op->arg = arg;
    }
    if (!instance || !op || !begin_start(instance, op)) {
        free(instance);
        free(op);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    if (ret) {
        *ret = op;
    }
    return 0;
}
