/*
 * logs.h - the folder of log files: one file per instance, in bounds.
 *
 * What an instance writes goes to `<name>.log`; when that has reached its
 * limit, it becomes `<name>.log.1` and a new one begins.  Files of instances
 * that have ended stay until there are more than are to be kept; this counts
 * the files of earlier runs too.
 */
#ifndef HF_RUNTIME_PROCESS_LOGS_H
#define HF_RUNTIME_PROCESS_LOGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/host.h>

struct logs;

/* Opens the folder, made if missing, and removes what is too much. */
int logs_new(const struct hf_driver_host *, const struct hf_options *, struct logs **ret,
             struct hf_err *err);
void logs_free(struct logs *);

/* The path of a log; its part before the last if `earlier`. */
void logs_path(const struct logs *, const char *name, bool earlier, char path[PATH_MAX]);

/* Writes the name of the log of an instance that has ended; false if there is none. */
bool logs_find(const struct logs *, const char *instance_id, char name[NAME_MAX + 1]);

/* Notes that the instance of a log has ended: its files may go some day. */
void logs_retire(struct logs *, const char *name);

/* The size at which a file is full. */
uint64_t logs_limit(const struct logs *);

/* Opens the file of a log for writing, a full one moved away before if `rotate`.
 * A descriptor or -1; the first failure of a run is logged. */
int logs_open(struct logs *, const char *name, bool rotate);

/* The disk did not take so many bytes of an instance's output: they are counted, and that they are
 * lost is logged, at most once a minute. */
void logs_lost(struct logs *, const char *name, size_t bytes, int errnum);

/* Room for one piece of output, shared by all that run on the loop. */
#define LOGS_PIECE 65536
char *logs_buffer(const struct logs *);

#endif
