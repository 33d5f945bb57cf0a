/*
 * log_reader.c - reads the log of an instance: its last lines, then what comes.
 *
 * A log is two files, the one before and the present one.  A reader goes back
 * from the end to where the wanted lines begin, then forward, one piece in
 * each turn of the loop; at the end it may stay as a follower of the output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utlist.h>

#include "process.h"

enum phase {
    PHASE_BACK,    /* looking for where to begin */
    PHASE_FORWARD, /* handing over what there is */
    PHASE_FOLLOW   /* waiting for more */
};

struct log_reader {
    struct hf_runtime_op op; /* first: handed out */
    struct hf_runtime *runtime;
    struct log_reader *prev, *next; /* utlist */
    struct follower follower;
    struct hf_host_timer *timer;
    hf_runtime_log_fn *each;
    void *arg;
    bool cancelled;
    bool follow;

    char id[INSTANCE_ID_SIZE];
    int files[2];       /* the earlier one and the present one; -1: none */
    uint64_t sizes[2];  /* when it began */
    uint64_t rotations; /* of the output, when the present file was opened */
    enum phase phase;
    uint32_t lines;    /* still to be found on the way back */
    uint64_t position; /* in both files, one after the other */
};

static void
reader_end(struct log_reader *reader, int code)
{
    DL_DELETE(reader->runtime->readers, reader);
    output_unfollow(&reader->follower);
    reader->runtime->driver->timer_free(reader->timer);
    for (int i = 0; i < 2; i++) {
        if (reader->files[i] >= 0) {
            close(reader->files[i]);
        }
    }
    reader->each(reader->arg, code, NULL, 0);
    free(reader);
}

void
log_reader_destroy(struct log_reader *reader)
{
    reader_end(reader, HF_ECANCELLED);
}

static struct log_reader *
reader_of(struct follower *follower)
{
    return (struct log_reader *)(void *)((char *)follower - offsetof(struct log_reader, follower));
}

static void
on_data(struct follower *follower, const void *data, size_t len)
{
    struct log_reader *reader = reader_of(follower);

    reader->each(reader->arg, 0, data, len);
}

static void
on_end(struct follower *follower)
{
    reader_end(reader_of(follower), 0);
}

static void
cancel_reader(struct hf_runtime_op *op)
{
    struct log_reader *reader = (struct log_reader *)(void *)op;

    reader->cancelled = true;
    reader->runtime->driver->timer_set(reader->timer, 0);
}

/* --- one turn ------------------------------------------------------------------------ */

/* Reads up to `len` bytes at a position; what one file has. */
static ssize_t
read_at(const struct log_reader *reader, uint64_t position, char *data, size_t len)
{
    int file = position >= reader->sizes[0];
    uint64_t offset = file ? position - reader->sizes[0] : position;

    if (!file && len > reader->sizes[0] - offset) {
        len = (size_t)(reader->sizes[0] - offset);
    }
    return reader->files[file] < 0 ? 0 : pread(reader->files[file], data, len, (off_t)offset);
}

/* Goes back one piece, counting the ends of lines. */
static void
step_back(struct log_reader *reader)
{
    char *buffer = logs_buffer(reader->runtime->logs);
    uint64_t end = reader->position, floor = end > reader->sizes[0] ? reader->sizes[0] : 0;
    size_t len = end - floor < LOGS_PIECE ? (size_t)(end - floor) : LOGS_PIECE;
    ssize_t n = read_at(reader, end - len, buffer, len);
    bool at_end = end == reader->sizes[0] + reader->sizes[1];

    if (len == 0 || n != (ssize_t)len) {
        reader->phase = PHASE_FORWARD;
        return;
    }
    for (size_t i = len; i > 0; i--) {
        bool last = at_end && i == len; /* the end of the last line begins none */

        if (buffer[i - 1] == '\n' && !last && --reader->lines == 0) {
            reader->position = end - len + i;
            reader->phase = PHASE_FORWARD;
            return;
        }
    }
    reader->position = end - len;
}

/* All that was in the files has been handed over: more may have come meanwhile. */
static void
at_end_of_files(struct log_reader *reader)
{
    struct instance *instance = instance_find(reader->runtime, reader->id);
    char path[PATH_MAX];

    if (!reader->follow || !instance) {
        reader_end(reader, 0);
        return;
    }
    if (output_rotations(instance->output) == reader->rotations &&
        reader->position - reader->sizes[0] >= output_size(instance->output)) {
        reader->phase = PHASE_FOLLOW;
        output_follow(instance->output, &reader->follower);
        return;
    }
    if (reader->files[1] >= 0) {
        close(reader->files[1]);
    }
    logs_path(reader->runtime->logs, output_name(instance->output), false, path);
    reader->files[1] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (output_rotations(instance->output) != reader->rotations) {
        reader->rotations = output_rotations(instance->output);
        reader->position = reader->sizes[0];
    }
    if (reader->files[1] < 0) {
        reader_end(reader, HF_EIO);
        return;
    }
    reader->runtime->driver->timer_set(reader->timer, 0);
}

/* Hands over one piece. */
static void
step_forward(struct log_reader *reader)
{
    char *buffer = logs_buffer(reader->runtime->logs);
    ssize_t n = read_at(reader, reader->position, buffer, LOGS_PIECE);

    if (n < 0) {
        reader_end(reader, HF_EIO);
    } else if (n == 0) {
        at_end_of_files(reader);
    } else {
        reader->position += (uint64_t)n;
        reader->runtime->driver->timer_set(reader->timer, 0);
        reader->each(reader->arg, 0, buffer, (size_t)n);
    }
}

static void
on_timer(void *arg)
{
    struct log_reader *reader = arg;

    if (reader->cancelled) {
        reader_end(reader, HF_ECANCELLED);
    } else if (reader->phase == PHASE_BACK) {
        step_back(reader);
        reader->runtime->driver->timer_set(reader->timer, 0);
    } else if (reader->phase == PHASE_FORWARD) {
        step_forward(reader);
    }
}

/* --- beginning ----------------------------------------------------------------------- */

/* Opens both files of a log and notes their sizes. */
static void
open_files(struct log_reader *reader, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    for (int i = 0; i < 2; i++) {
        logs_path(reader->runtime->logs, name, i == 0, path);
        reader->files[i] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (reader->files[i] >= 0 && fstat(reader->files[i], &st) == 0) {
            reader->sizes[i] = (uint64_t)st.st_size;
        }
    }
}

int
process_logs(struct hf_runtime *runtime, const char *instance_id, uint32_t tail, bool follow,
             hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret, struct hf_err *err)
{
    struct instance *instance = instance_find(runtime, instance_id);
    char name[NAME_MAX + 1];
    struct log_reader *reader;

    if (!instance && !logs_find(runtime->logs, instance_id, name)) {
        return runtime->host->fail(err, HF_ENOTFOUND, "there is no log of an instance '%.64s'",
                                   instance_id);
    }
    reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->timer =
            runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_timer, reader);
    }
    if (!reader || !reader->timer) {
        free(reader);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    reader->op.cancel = cancel_reader;
    reader->runtime = runtime;
    reader->each = each;
    reader->arg = arg;
    reader->follow = follow;
    reader->lines = tail;
    reader->phase = tail > 0 ? PHASE_BACK : PHASE_FORWARD;
    reader->follower.on_data = on_data;
    reader->follower.on_end = on_end;
    reader->rotations = instance ? output_rotations(instance->output) : 0;
    snprintf(reader->id, sizeof reader->id, "%s", instance_id);
    open_files(reader, instance ? output_name(instance->output) : name);
    reader->position = tail > 0 ? reader->sizes[0] + reader->sizes[1] : 0;
    DL_APPEND(runtime->readers, reader);
    runtime->driver->timer_set(reader->timer, 0);
    if (ret) {
        *ret = &reader->op;
    }
    return 0;
}
