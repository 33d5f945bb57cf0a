/*
 * log_out.h - where log lines go, without anybody waiting for it; between log.c and this only.
 *
 * A line is written at once, as long as that can be done without waiting.  When whoever
 * reads a pipe, a terminal or a socket is slow, lines queue up in a bounded buffer that a
 * thread of its own empties; when that is full too, they are dropped, counted, and said to
 * have been dropped as soon as something can be written again.  So it is for what cannot
 * be written at all (a full disk).
 */
#ifndef HF_BASE_LOG_OUT_H
#define HF_BASE_LOG_OUT_H

#include <stdint.h>

#include "base/log_line.h"

struct hf_err;

/* Writes a line, or queues or drops it.  Any thread; never waits for a reader. */
void hf_log_out_write(const struct hf_log_line *line);

/* log.c: the line that says how many lines were lost, and why: an errno, or 0 for a slow reader. */
void hf_log_lost_line(struct hf_log_line *ret, uint64_t lost, int errnum);

#endif
