/*
 * log_sources.h - the logs that `hyperfaas logs` reads, and the workers that have them.
 */
#ifndef HF_CLI_LOG_SOURCES_H
#define HF_CLI_LOG_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "log_lines.h"

struct cli;
struct hf_err;

struct cli_logs;

/* A worker that is asked. */
struct cli_log_worker {
    struct cli_logs *logs;
    const char *address;
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *watch; /* NULL: it has ended */
    bool synced;                       /* it has told what there is, or will not */
};

/* The log of an instance. */
struct cli_log_source {
    struct hf_list node;
    struct cli_logs *logs;
    struct cli_log_worker *worker;
    struct cli_log_lines lines;
    uint64_t ended_ns; /* wall clock; 0: it runs */
    bool of_function;  /* found by the function's id, not by its own */
    bool maybe;        /* its log may not be there any more */
    bool done;
    char id[];
};

struct cli_logs {
    struct cli *cli;
    const char *word; /* the function or the instance */
    bool follow;
    bool all;
    uint32_t tail;
    struct hf_loop *loop;
    struct cli_log_worker *workers;
    size_t worker_count;
    struct hf_list sources;
    size_t source_count;
    bool is_function; /* so the word was found to be */
    bool reading;     /* all workers have been heard: new sources are read at once */
    bool interrupted;
    bool complete;
    bool ending; /* what ends now is ended by us */
    struct cli_log_output output;
};

/* Asks a worker what instances there are; those that fit the word become sources.  When it cannot
 * be asked, that is reported and counts as an answer. */
void cli_log_worker_watch(struct cli_log_worker *worker, struct hf_err *err);

/* Adds an instance's log.  NULL: there are too many. */
struct cli_log_source *cli_log_source_add(struct cli_log_worker *worker, const char *id,
                                          const char *function);

/* Begins to read it. */
void cli_log_source_read(struct cli_log_source *source);

#endif
