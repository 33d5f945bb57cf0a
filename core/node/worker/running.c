/*
 * running.c - what runs here, on disk: so that a worker can say after its own end, whatever that
 * was, which instances are no more.  Existing leaves call them until they hear of it.
 *
 * The file has one line for each thing that happened, and is written anew when most of it is
 * history.
 *
 *     + ID FUNCTION          serves
 *     - ID                   has ended as a leaf had asked
 *     ! SECONDS ID FUNCTION  was found to be gone at that time
 *
 * What is gone is told to each new listener, for a day, the latest thousand.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "node/node.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

HF_COUNTER(worker_vanished, "Instances of before that were found to be gone.");

#define GONE_MAX   1024
#define GONE_AGE_S 86400u

/* Of the file when it is read: more than any worker has is nonsense. */
#define READ_MAX 200000

/* Lines that may be history before the file is written anew, beside as many as are not. */
#define HISTORY_MAX 4096

/* --- what is known of before ---------------------------------------------------------------- */

static struct hf_worker_past_instance *
find(const struct hf_worker_role *worker, const char *id)
{
    struct hf_map_node *node = hf_map_find(&worker->past_by_id, id, strlen(id));

    return node ? hf_container_of(node, struct hf_worker_past_instance, by_id) : NULL;
}

static void
forget(struct hf_worker_role *worker, struct hf_worker_past_instance *past)
{
    if (past) {
        worker->gone_count -= past->gone;
        hf_map_remove(&worker->past_by_id, &past->by_id);
        hf_list_remove(&past->node);
        free(past);
    }
}

/* Adds one that may still run. */
static struct hf_worker_past_instance *
add(struct hf_worker_role *worker, const char *id, const char *function)
{
    size_t id_size = strlen(id) + 1;
    size_t function_size = strlen(function) + 1;
    struct hf_worker_past_instance *past;

    forget(worker, find(worker, id));
    past = calloc(1, sizeof *past + id_size + function_size);
    if (!past) {
        return NULL;
    }
    memcpy(past->texts, id, id_size);
    memcpy(past->texts + id_size, function, function_size);
    past->id = past->texts;
    past->function_id = past->texts + id_size;
    if (hf_map_add(&worker->past_by_id, &past->by_id, past->id, id_size - 1) < 0) {
        free(past);
        return NULL;
    }
    hf_list_append(&worker->before, &past->node);
    return past;
}

static void
set_gone(struct hf_worker_role *worker, struct hf_worker_past_instance *past, uint64_t seconds)
{
    past->gone = true;
    past->gone_s = seconds;
    hf_list_remove(&past->node);
    hf_list_append(&worker->gone, &past->node);
    if (++worker->gone_count > GONE_MAX) {
        forget(worker, hf_container_of(worker->gone.next, struct hf_worker_past_instance, node));
    }
}

static uint64_t
now_s(void)
{
    return hf_wall_now() / HF_SEC;
}

/* --- the file ------------------------------------------------------------------------------- */

static void
complain(const struct hf_worker_role *worker, int error)
{
    hf_log_limited(HF_LOG_WARNING, "what runs cannot be written down",
                   HF_KV_STR("file", worker->running_path), HF_KV_STR("why", strerror(error)));
}

/* Ids and functions have neither blanks nor line ends; what is otherwise is not written down. */
static bool
is_word(const char *text)
{
    return *text && !text[strcspn(text, " \n\r\t")];
}

static void rewrite(struct hf_worker_role *worker);

/* Adds a line. */
__attribute__((format(printf, 2, 3))) static void
append(struct hf_worker_role *worker, const char *fmt, ...)
{
    va_list args;
    int len;

    if (worker->running_fd < 0) {
        return;
    }
    va_start(args, fmt);
    len = vdprintf(worker->running_fd, fmt, args);
    va_end(args);
    if (len >= 0) {
        worker->running_lines++;
    } else {
        complain(worker, errno);
        worker->running_lines = UINT32_MAX / 2; /* a line may be torn: it is written anew */
    }
    if (worker->running_lines > 2 * worker->count + HISTORY_MAX) {
        rewrite(worker);
    }
}

static void
format_all(struct hf_worker_role *worker, struct hf_text *out)
{
    const struct hf_worker_past_instance *past;
    const struct hf_worker_instance *instance;
    uint64_t now = now_s();

    worker->running_lines = 0;
    HF_LIST_FOR (past, &worker->gone, node) {
        if (now < past->gone_s + GONE_AGE_S) {
            hf_text_printf(out, "! %" PRIu64 " %s %s\n", past->gone_s, past->id, past->function_id);
            worker->running_lines++;
        }
    }
    HF_LIST_FOR (past, &worker->before, node) {
        hf_text_printf(out, "+ %s %s\n", past->id, past->function_id);
        worker->running_lines++;
    }
    HF_LIST_FOR (instance, &worker->instances, node) {
        if (instance->served && is_word(instance->facts.id)) {
            hf_text_printf(out, "+ %s %s\n", instance->facts.id, instance->facts.function_id);
            worker->running_lines++;
        }
    }
}

/* A whole new file takes the place of the old one, which stays if that fails. */
static void
rewrite(struct hf_worker_role *worker)
{
    hf_autofree char *path = hf_strdup_printf("%s.new", worker->running_path);
    hf_autotext struct hf_text text;
    int fd;

    hf_text_init(&text);
    format_all(worker, &text);
    if (!path) {
        return;
    }
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 || write(fd, hf_text_str(&text), text.len) != (ssize_t)text.len ||
        rename(path, worker->running_path) < 0) {
        complain(worker, errno);
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    if (worker->running_fd >= 0) {
        close(worker->running_fd);
    }
    worker->running_fd = fd;
}

/* One line of the file; what cannot be read is passed over. */
static void
take_line(struct hf_worker_role *worker, char *line)
{
    char *rest = NULL;
    const char *kind = strtok_r(line, " \n", &rest);
    const char *first = strtok_r(NULL, " \n", &rest);
    const char *second = strtok_r(NULL, " \n", &rest);
    const char *third = strtok_r(NULL, " \n", &rest);
    struct hf_worker_past_instance *past;

    if (!kind || !first) {
        return;
    }
    if (*kind == '+' && second) {
        add(worker, first, second);
    } else if (*kind == '-') {
        forget(worker, find(worker, first));
    } else if (*kind == '!' && third) {
        uint64_t seconds = strtoull(first, NULL, 10);

        past = now_s() < seconds + GONE_AGE_S ? add(worker, second, third) : NULL;
        if (past) {
            set_gone(worker, past, seconds);
        } else {
            forget(worker, find(worker, second));
        }
    }
}

static void
read_file(struct hf_worker_role *worker)
{
    int fd = open(worker->running_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    hf_autofree char *line = NULL;
    size_t size = 0;

    if (!file) {
        if (fd >= 0) {
            close(fd);
        } else if (errno != ENOENT) {
            complain(worker, errno);
        }
        return;
    }
    for (size_t i = 0; i < READ_MAX && getline(&line, &size, file) > 0; i++) {
        take_line(worker, line);
    }
    fclose(file);
}

/* --- what happens --------------------------------------------------------------------------- */

void
hf_worker_running_init(struct hf_worker_role *worker)
{
    hf_list_init(&worker->before);
    hf_list_init(&worker->gone);
    hf_map_init(&worker->past_by_id, hf_node_seed(worker->node, "worker past"));
    worker->running_fd = -1;
}

void
hf_worker_running_open(struct hf_worker_role *worker, const char *name)
{
    worker->running_path = hf_strdup_printf("%s/%s", hf_node_state_dir(worker->node), name);
    if (worker->running_path) {
        read_file(worker);
        rewrite(worker);
    }
}

void
hf_worker_running_fini(struct hf_worker_role *worker)
{
    struct hf_list *lists[] = { &worker->before, &worker->gone };

    for (size_t i = 0; i < hf_countof(lists); i++) {
        while (!hf_list_is_empty(lists[i])) {
            forget(worker, hf_container_of(lists[i]->next, struct hf_worker_past_instance, node));
        }
    }
    hf_map_fini(&worker->past_by_id);
    if (worker->running_fd >= 0) {
        close(worker->running_fd);
    }
    free(worker->running_path);
}

void
hf_worker_running_add(struct hf_worker_role *worker, const char *id, const char *function_id)
{
    forget(worker, find(worker, id));
    if (is_word(id) && is_word(function_id)) {
        append(worker, "+ %s %s\n", id, function_id);
    }
}

void
hf_worker_running_remove(struct hf_worker_role *worker, const char *id)
{
    append(worker, "- %s\n", id);
}

void
hf_worker_running_gone(struct hf_worker_role *worker, const char *id, const char *function_id)
{
    struct hf_worker_past_instance *past = add(worker, id, function_id);

    if (past) {
        set_gone(worker, past, now_s());
    }
    if (is_word(id) && is_word(function_id)) {
        append(worker, "! %" PRIu64 " %s %s\n", now_s(), id, function_id);
    }
}

void
hf_worker_running_seen(struct hf_worker_role *worker, const char *id)
{
    struct hf_worker_past_instance *past = find(worker, id);

    if (past) {
        past->seen = true;
    }
}

void
hf_worker_running_settle(struct hf_worker_role *worker)
{
    struct hf_worker_past_instance *past;
    struct hf_worker_past_instance *next;
    uint32_t count = 0;

    HF_LIST_FOR_SAFE (past, next, &worker->before, node) {
        if (!past->seen) {
            set_gone(worker, past, now_s());
            count++;
        }
    }
    if (count > 0) {
        hf_count_n(&worker_vanished, count);
        hf_log(HF_LOG_NOTICE, "instances of before are gone", HF_KV_U64("instances", count));
    }
    if (worker->running_path) {
        rewrite(worker);
    }
}
