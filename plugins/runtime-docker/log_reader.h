/*
 * log_reader.h - reading the log of an instance.
 */
#ifndef HF_RUNTIME_DOCKER_LOG_READER_H
#define HF_RUNTIME_DOCKER_LOG_READER_H

#include "docker.h"

/* The operation `logs` of runtimes. */
int log_reader_begin(struct hf_runtime *, const char *instance_id, uint32_t tail, bool follow,
                     hf_runtime_log_fn *each, void *arg, struct hf_runtime_op **ret,
                     struct hf_err *err);

/* Ends all readers with HF_ECANCELLED. */
void log_readers_destroy(struct hf_runtime *);

#endif
