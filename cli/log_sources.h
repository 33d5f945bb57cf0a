/*
 * log_sources.h - the logs that `hyperfaas logs` reads, and their lines on one output.
 */
#ifndef HF_CLI_LOG_SOURCES_H
#define HF_CLI_LOG_SOURCES_H

#include "base/list.h"
#include "workers.h"

/* Where all lines go. */
struct cli_log_output {
    bool json;     /* an object for each line */
    bool prefixed; /* lines begin with the instance's id */
    bool failed;   /* nobody reads them */
    struct hf_err *err;
};

struct cli_logs {
    struct cli *cli;
    const char *word; /* the function or the instance */
    bool all;
    uint32_t tail;
    struct cli_workers workers;
    struct hf_list sources;
    size_t source_count;
    bool is_function; /* so the word was found to be */
    bool reading;     /* all workers have been heard: new sources are read at once */
    struct cli_log_output output;
};

/* The log of an instance. */
struct cli_log_source {
    struct hf_list node;
    struct cli_logs *logs;
    struct cli_worker *worker;
    char *function;
    struct hf_text line; /* that has not ended */
    uint64_t ended_ns;   /* wall clock; 0: it runs */
    bool of_function;    /* found by the function's id, not by its own */
    bool maybe;          /* its log may not be there any more */
    bool missing;        /* there is no such log */
    bool done;
    char id[];
};

/* Adds an instance's log.  NULL: it is there, or there are too many. */
struct cli_log_source *cli_log_source_add(struct cli_logs *logs, struct cli_worker *worker,
                                          const char *id, const char *function);

/* Begins to read it. */
void cli_log_source_read(struct cli_log_source *source);

void cli_log_source_free(struct cli_log_source *source);

#endif
