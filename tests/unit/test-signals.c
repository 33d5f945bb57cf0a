/*
 * test-signals.c - signals as events of a loop.
 */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "loop/loop.h"
#include "loop/signals.h"

#define LIMIT (10 * HF_SEC)

struct heard {
    int count[NSIG];
    int total;
};

static void
on_signal(void *arg, int signal)
{
    struct heard *heard = arg;

    heard->count[signal]++;
    heard->total++;
}

static bool
two_heard(void *arg)
{
    return ((struct heard *)arg)->total >= 2;
}

static void
signals_become_events(void)
{
    struct heard heard = { .total = 0 };
    struct hf_loop *loop = NULL;
    struct hf_signals *signals = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_signals_new(loop, on_signal, &heard, &signals, NULL), 0);
    raise(SIGHUP);
    raise(SIGTERM);
    CU_ASSERT(hf_loop_run_until(loop, two_heard, &heard, LIMIT));
    UNIT_INT(heard.count[SIGHUP], 1);
    UNIT_INT(heard.count[SIGTERM], 1);
    hf_signals_free(signals);
    hf_signals_free(NULL);
    hf_loop_free(loop);
}

/* In a child: what becomes of two signals while its loop does not turn. */
static int
status_after(int first, int second)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct heard heard = { .total = 0 };
        struct hf_loop *loop = NULL;
        struct hf_signals *signals = NULL;

        hf_loop_new("test", &loop, NULL);
        hf_signals_new(loop, on_signal, &heard, &signals, NULL);
        raise(first);
        raise(second);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
a_second_request_ends_the_process(void)
{
    UNIT_INT(status_after(SIGTERM, SIGTERM), 128 + SIGTERM);
    UNIT_INT(status_after(SIGTERM, SIGINT), 128 + SIGINT);
    UNIT_INT(status_after(SIGHUP, SIGTERM), 0);
    UNIT_INT(status_after(SIGHUP, SIGHUP), 0);
}

static void
handlers_are_put_back(void)
{
    struct heard heard = { .total = 0 };
    struct hf_loop *loop = NULL;
    struct hf_signals *signals = NULL;
    struct sigaction action;

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_signals_new(loop, on_signal, &heard, &signals, NULL), 0);
    hf_signals_free(signals);
    CU_ASSERT_EQUAL(sigaction(SIGTERM, NULL, &action), 0);
    CU_ASSERT(action.sa_handler == SIG_DFL);
    hf_loop_free(loop);
}

/* In a child, which was started with signals ignored and blocked: what is left of that. */
static int
clean_up(void)
{
    struct sigaction action;
    sigset_t mask;

    sigfillset(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    hf_signals_clean();
    for (int i = 1; i < NSIG; i++) {
        bool ignored = sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN;

        sigprocmask(SIG_SETMASK, NULL, &mask);
        if (ignored != (i == SIGPIPE || i == SIGXFSZ) || sigismember(&mask, i) == 1) {
            return i;
        }
    }
    return 0;
}

static void
nothing_is_left_of_what_was_inherited(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(clean_up());
    }
    waitpid(pid, &status, 0);
    CU_ASSERT(WIFEXITED(status));
    UNIT_INT(WEXITSTATUS(status), 0);
}

UNIT_MAIN("signals", UNIT_TEST(signals_become_events), UNIT_TEST(a_second_request_ends_the_process),
          UNIT_TEST(handlers_are_put_back), UNIT_TEST(nothing_is_left_of_what_was_inherited))
