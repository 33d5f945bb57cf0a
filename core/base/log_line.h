/*
 * log_line.h - how a log line looks; between log.c and its formats only.
 */
#ifndef HF_BASE_LOG_LINE_H
#define HF_BASE_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* POSIX promises that writes of up to PIPE_BUF bytes, 4096 on Linux, reach a
 * pipe in one piece. */
#define HF_LOG_LINE_MAX 4096

struct hf_log_line {
    size_t len;
    char data[HF_LOG_LINE_MAX];
};

/* Writes the line with its newline.  What does not fit is cut, and said to be. */
void hf_log_line_format(struct hf_log_line *ret, enum hf_log_format format, uint64_t wall_ns,
                        const char *module, int level, const struct hf_kv *fields, size_t n);

#endif
