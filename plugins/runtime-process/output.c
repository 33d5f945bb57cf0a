/*
 * output.c - carries what an instance writes to its log and its followers.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_SIZE = 200, /* of the last line that is kept */
    LAST_PIECES = 16 /* taken from the pipe of an instance that has ended */
};

struct output {
    const struct hf_driver_host *driver;
    struct logs *logs;
    int pipe;
    struct hf_host_watch *watch; /* NULL once the pipe has ended */
    int file;                    /* -1 until there is output */
    uint64_t size;
    uint64_t rotations;
    struct follower *followers;
    size_t line_len;
    char line[LINE_SIZE]; /* being written */
    char last_line[LINE_SIZE];
    char name[];
};

/* Keeps the last line that is not empty, for messages. */
static void
end_line(struct output *output)
{
    if (output->line_len > 0) {
        memcpy(output->last_line, output->line, output->line_len);
        output->last_line[output->line_len] = '\0';
        output->line_len = 0;
    }
}

static void
keep_line(struct output *output, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n') {
            if (output->line_len + 1 < LINE_SIZE) {
                output->line[output->line_len++] =
                    (char)((unsigned char)data[i] < ' ' ? ' ' : data[i]);
            }
        } else {
            end_line(output);
        }
    }
}

const char *
output_last_line(const struct output *output)
{
    return output->last_line;
}

const char *
output_name(const struct output *output)
{
    return output->name;
}

uint64_t
output_size(const struct output *output)
{
    return output->size;
}

uint64_t
output_rotations(const struct output *output)
{
    return output->rotations;
}

/* Writes what fits into one file; false: the disk does not take it. */
static bool
write_part(struct output *output, const char *data, size_t len)
{
    bool full = output->size + len > logs_limit(output->logs) && output->size > 0;
    ssize_t n;

    if (full && output->file >= 0) {
        close(output->file);
        output->file = -1;
        output->size = 0;
        output->rotations++;
    }
    if (output->file < 0) {
        output->file = logs_open(output->logs, output->name, full);
    }
    while (output->file >= 0 && len > 0) {
        n = write(output->file, data, len);
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        output->size += (uint64_t)n;
        data += n;
        len -= (size_t)n; /* after a short write the next one says why */
    }
    return len == 0;
}

/* Writes to the log, a piece that is larger than a file into several; what the disk does not take
 * is lost, not waited for. */
static void
write_log(struct output *output, const char *data, size_t len)
{
    uint64_t limit = logs_limit(output->logs);

    while (len > 0) {
        size_t part = len < limit ? len : (size_t)limit;

        if (!write_part(output, data, part)) {
            logs_lost(output->logs, output->name, len, errno);
            return;
        }
        data += part;
        len -= part;
    }
}

/* Takes one piece from the pipe; false if there is none. */
static bool
take_piece(struct output *output)
{
    char *buffer = logs_buffer(output->logs);
    ssize_t n = read(output->pipe, buffer, LOGS_PIECE);
    struct follower *next;

    if (n <= 0) {
        if (output->watch && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
            output->driver->watch_free(output->watch);
            output->watch = NULL;
        }
        return false;
    }
    keep_line(output, buffer, (size_t)n);
    write_log(output, buffer, (size_t)n);
    for (struct follower *f = output->followers; f; f = next) {
        next = f->next;
        f->on_data(f, buffer, (size_t)n);
    }
    return true;
}

static void
on_readable(void *arg, uint32_t events)
{
    (void)events;
    take_piece(arg);
}

void
output_follow(struct output *output, struct follower *follower)
{
    follower->next = output->followers;
    follower->link = &output->followers;
    if (follower->next) {
        follower->next->link = &follower->next;
    }
    output->followers = follower;
}

void
output_unfollow(struct follower *follower)
{
    if (follower->link) {
        *follower->link = follower->next;
        if (follower->next) {
            follower->next->link = follower->link;
        }
        follower->link = NULL;
    }
}

int
output_new(const struct hf_driver_host *driver, struct logs *logs, const char *name,
           struct output **ret, int *ret_fd, struct hf_err *err)
{
    size_t size = strlen(name) + 1;
    struct output *output = calloc(1, sizeof *output + size);
    int fds[2];

    if (!output) {
        return driver->host->fail(err, HF_ENOMEM, "out of memory");
    }
    if (pipe2(fds, O_CLOEXEC) != 0) {
        int error = errno;

        free(output);
        return driver->host->fail(err, HF_EFULL, "cannot open a pipe: %s", strerror(error));
    }
    output->driver = driver;
    output->logs = logs;
    output->pipe = fds[0];
    output->file = -1;
    memcpy(output->name, name, size);
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    output->watch = driver->watch_new(driver, fds[0], HF_WATCH_READ, on_readable, output);
    if (!output->watch) {
        close(fds[1]);
        output_free(output);
        return driver->host->fail(err, HF_ENOMEM, "out of memory");
    }
    *ret = output;
    *ret_fd = fds[1];
    return 0;
}

void
output_drain(struct output *output)
{
    for (int i = 0; i < LAST_PIECES && take_piece(output); i++) {
    }
    end_line(output);
}

void
output_free(struct output *output)
{
    struct follower *follower;

    if (!output) {
        return;
    }
    while ((follower = output->followers)) {
        output_unfollow(follower);
        follower->on_end(follower);
    }
    output->driver->watch_free(output->watch);
    close(output->pipe);
    if (output->file >= 0) {
        close(output->file);
    }
    if (output->size > 0 || output->rotations > 0) {
        logs_retire(output->logs, output->name);
    }
    free(output);
}
