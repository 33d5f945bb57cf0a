/*
 * signals.h - SIGTERM, SIGINT, SIGHUP and SIGCHLD as events of a loop.
 */
#ifndef HF_LOOP_SIGNALS_H
#define HF_LOOP_SIGNALS_H

#include "loop/loop.h"

struct hf_signals;

/* Undoes what whoever started us has left: no signal is blocked, and none but
 * SIGPIPE and SIGXFSZ ignored.
 * First of all, before there are threads. */
void hf_signals_clean(void);

/* `signal` is SIGTERM, SIGINT, SIGHUP or SIGCHLD. */
typedef void hf_signals_fn(void *arg, int signal);

/* Catches the four.  At most one at a time in a process.  The
 * first SIGTERM or SIGINT is reported; a second one ends the process at once with
 * 128 + its number, even if the loop no longer turns. */
int hf_signals_new(struct hf_loop *loop, hf_signals_fn *fn, void *arg, struct hf_signals **ret,
                   struct hf_err *err);

/* Whether SIGTERM or SIGINT has come since.  Any thread. */
bool hf_signals_are_ending(void);

/* Restores what was before.  NULL is allowed. */
void hf_signals_free(struct hf_signals *signals);

#endif
