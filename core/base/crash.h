/*
 * crash.h - last words of a process that crashes.
 *
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT leave one line in the log: the signal, the thread
 * and, if a module's code ran, which and for what (guest.h).  Then the process dies as it would
 * have without, with its core.
 */
#ifndef HF_BASE_CRASH_H
#define HF_BASE_CRASH_H

#include <signal.h>

/* By which the watchdog (loop/watchdog.h) asks a thread what it is doing; realtime signals that
 * nobody else here uses. */
#define HF_CRASH_WATCH_SIGNAL (SIGRTMIN + 5)

/* Catches the signals, for all threads.  Once, early. */
void hf_crash_catch(void);

/* Gives the calling thread a stack for the handler, so that an overflow of its own is told, too;
 * and takes it away. */
void hf_crash_thread_begin(void);
void hf_crash_thread_end(void);

/* All signals but those above, and the one that the watchdog uses: for threads that leave signals
 * to others. */
void hf_crash_mask_others(sigset_t *ret);

#endif
