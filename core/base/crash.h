/*
 * crash.h - last words of a process that crashes.
 *
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT leave one line in the log: the signal, the thread
 * and, if a module's code ran, which and for what (guest.h).  Then the process dies as it would
 * have without, with its core.
 */
#ifndef HF_BASE_CRASH_H
#define HF_BASE_CRASH_H

#include <pthread.h>
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

/* Starts a thread that leaves signals to others, but for those above and the watchdog's; 0 or an
 * errno. */
int hf_crash_thread_create(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
