/* crash.c - the handler of fatal signals; see crash.h.  It only makes system calls. */
#include "base/crash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/guest.h"
#include "base/log.h"
#include "base/macros.h"

#define STACK_BYTES (64u << 10)
#define LINE_MAX    512

static const struct {
    int number;
    const char *name;
} fatal[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },   { SIGFPE, "SIGFPE" },
    { SIGILL, "SIGILL" },   { SIGABRT, "SIGABRT" },
};

static struct sigaction before[hf_countof(fatal)];
static atomic_bool is_crashing;

/* --- putting a line together ---------------------------------------------------------------- */

struct line {
    size_t len;
    char data[LINE_MAX];
};

static void
put(struct line *line, const char *text)
{
    while (*text && line->len < LINE_MAX - 2) {
        line->data[line->len++] = *text++;
    }
}

static void
put_number(struct line *line, uint64_t value, unsigned int base, unsigned int digits)
{
    char text[32];
    size_t at = sizeof text - 1;

    text[at] = '\0';
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
        digits -= digits > 0;
    } while (value > 0 || digits > 0);
    put(line, text + at);
}

/* The date of a day since 1970-01-01, by era of 400 years from a March on. */
static void
put_date(struct line *line, uint64_t day)
{
    uint64_t shifted = day + 719468;
    uint64_t of_era = shifted % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month = (5 * of_year + 2) / 153; /* 0: March */

    put_number(line, year_of_era + shifted / 146097 * 400 + (month >= 10), 10, 4);
    put(line, "-");
    put_number(line, month < 10 ? month + 3 : month - 9, 10, 2);
    put(line, "-");
    put_number(line, of_year - (153 * month + 2) / 5 + 1, 10, 2);
}

static void
put_time(struct line *line)
{
    struct timespec now;
    uint64_t second;

    clock_gettime(CLOCK_REALTIME, &now);
    second = (uint64_t)now.tv_sec;
    put_date(line, second / 86400);
    put(line, "T");
    put_number(line, second / 3600 % 24, 10, 2);
    put(line, ":");
    put_number(line, second / 60 % 60, 10, 2);
    put(line, ":");
    put_number(line, second % 60, 10, 2);
    put(line, ".");
    put_number(line, (uint64_t)now.tv_nsec / 1000000, 10, 3);
    put(line, "Z");
}

/* --- the handler ---------------------------------------------------------------------------- */

static void
tell(size_t which, const siginfo_t *info)
{
    struct line line = { .len = 0 };
    char thread[16] = "";

    prctl(PR_GET_NAME, thread);
    put(&line, "time=");
    put_time(&line);
    put(&line, " level=error module=crash msg=\"the process crashes\" signal=");
    put(&line, fatal[which].name);
    if (info->si_code > 0 && fatal[which].number != SIGABRT) {
        put(&line, " address=0x");
        put_number(&line, (uint64_t)(uintptr_t)info->si_addr, 16, 0);
    }
    put(&line, " thread=");
    put(&line, thread);
    line.len = hf_guest_describe(&hf_guest_now, line.data, line.len, LINE_MAX - 1);
    line.data[line.len++] = '\n';
    hf_log_emergency(line.data, line.len);
}

/* Says it and lets the process die: of the same instruction again, or of the signal sent anew. */
static void
on_fatal(int number, siginfo_t *info, void *context)
{
    size_t which = 0;

    (void)context;
    while (fatal[which].number != number) {
        which++;
    }
    if (!atomic_exchange(&is_crashing, true)) {
        tell(which, info);
    }
    sigaction(number, &before[which], NULL);
    if (info->si_code <= 0 && number != SIGABRT) {
        raise(number);
    }
}

void
hf_crash_catch(void)
{
    struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < hf_countof(fatal); i++) {
        sigaction(fatal[i].number, &action, &before[i]);
    }
    hf_crash_thread_begin();
}

/* --- threads -------------------------------------------------------------------------------- */

static _Thread_local void *stack;

void
hf_crash_thread_begin(void)
{
    stack_t given = { .ss_sp = NULL };

    if (stack || sigaltstack(NULL, &given) < 0 || !(given.ss_flags & SS_DISABLE)) {
        return; /* a sanitizer's will do */
    }
    stack = malloc(STACK_BYTES);
    if (stack) {
        given = (stack_t){ .ss_sp = stack, .ss_size = STACK_BYTES };
        sigaltstack(&given, NULL);
    }
}

void
hf_crash_thread_end(void)
{
    stack_t none = { .ss_flags = SS_DISABLE };

    if (stack) {
        sigaltstack(&none, NULL);
        free(stack);
        stack = NULL;
    }
}

int
hf_crash_thread_create(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
    sigset_t others;
    sigset_t mask;
    int r;

    sigfillset(&others);
    for (size_t i = 0; i < hf_countof(fatal); i++) {
        sigdelset(&others, fatal[i].number);
    }
    sigdelset(&others, HF_CRASH_WATCH_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &others, &mask);
    r = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return r;
}
