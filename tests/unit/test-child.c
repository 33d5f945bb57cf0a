/*
 * test-child.c - child processes, their ends and their groups.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "loop/child.h"
#include "loop/child_private.h"
#include "loop/loop.h"

#define LIMIT (10 * HF_SEC)

struct run {
    struct hf_loop *loop;
    struct hf_spawner *spawner;
    struct hf_child *child;
    int code;
    int signal;
    int ends;
};

static const char *const environment[] = { "PATH=/usr/bin:/bin", "WORD=seen", NULL };

static void
on_exit_of_child(void *arg, int code, int signal)
{
    struct run *run = arg;

    run->code = code;
    run->signal = signal;
    run->ends++;
}

static void
begin(struct run *run)
{
    *run = (struct run){ .code = -2, .signal = -2 };
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &run->loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_spawner_new(&run->spawner, NULL), 0);
}

static void
end(struct run *run)
{
    hf_child_free(run->child);
    hf_spawner_free(run->spawner);
    hf_loop_free(run->loop);
    CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no zombie, no stranger */
    CU_ASSERT_EQUAL(errno, ECHILD);
}

static void
start(struct run *run, const char *script, int output)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    struct hf_child_spec spec = {
        .path = "/bin/sh", .argv = argv, .envp = environment, .output = output
    };
    struct hf_err err = HF_ERR_INIT;
    int r =
        hf_child_spawn(run->spawner, run->loop, &spec, on_exit_of_child, run, &run->child, &err);

    UNIT_STR(err.message, "");
    CU_ASSERT_EQUAL_FATAL(r, 0);
}

static bool
has_ended(void *arg)
{
    return ((struct run *)arg)->ends > 0;
}

static bool
wait_for_end(struct run *run)
{
    return hf_loop_run_until(run->loop, has_ended, run, LIMIT);
}

static bool
is_gone(void *arg)
{
    return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

/* What the script prints, up to its end. */
static void
check_output(const char *script, const char *directory, const char *expected)
{
    struct run run;
    const char *argv[] = { "sh", "-c", script, NULL };
    struct hf_child_spec spec = {
        .path = "/bin/sh", .argv = argv, .envp = environment, .directory = directory
    };
    char found[256];
    ssize_t n;
    int fd;

    begin(&run);
    fd = open(unit_file("output", ""), O_RDWR | O_CLOEXEC);
    spec.output = fd;
    CU_ASSERT_EQUAL_FATAL(
        hf_child_spawn(run.spawner, run.loop, &spec, on_exit_of_child, &run, &run.child, NULL), 0);
    CU_ASSERT(wait_for_end(&run));
    n = pread(fd, found, sizeof found - 1, 0);
    found[n > 0 ? n : 0] = '\0';
    UNIT_STR(found, expected);
    close(fd);
    end(&run);
}

static void
the_exit_code_is_told(void)
{
    struct run run;

    begin(&run);
    start(&run, "exit 7", -1);
    CU_ASSERT(wait_for_end(&run));
    UNIT_INT(run.code, 7);
    UNIT_INT(run.signal, 0);
    UNIT_INT(run.ends, 1);
    UNIT_INT(hf_child_signal(run.child, SIGTERM), HF_ENOTFOUND);
    end(&run);
}

static void
the_signal_is_told(void)
{
    struct run run;

    begin(&run);
    start(&run, "kill -9 $$", -1);
    CU_ASSERT(wait_for_end(&run));
    UNIT_INT(run.code, -1);
    UNIT_INT(run.signal, SIGKILL);
    end(&run);
}

static void
output_environment_and_folder_are_as_told(void)
{
    check_output("echo $WORD; echo error >&2", NULL, "seen\nerror\n");
    check_output("pwd", "/usr", "/usr\n");
}

static void
no_descriptor_of_ours_leaks(void)
{
    int fd = dup(STDIN_FILENO); /* without close-on-exec */

    check_output("for i in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$i ] || echo $i; done", NULL, "");
    close(fd);
}

static void
a_child_leads_its_own_session_with_default_signals(void)
{
    sigset_t blocked;
    sigset_t before;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGPIPE, SIG_IGN);
    /* Of the mask all but signals 32 and 33, which glibc keeps for itself: its posix_spawn, which
     * make uses, leaves them ignored, and sigaction refuses to touch them. */
    check_output("set -- $(cat /proc/$$/stat); [ $1 = $5 ] && [ $1 = $6 ] && echo leader;"
                 "sed -nE '/Sig(Blk|Ign):/s/.*[02468ace][08](.{7})$/\\1/p' /proc/$$/status |"
                 "tr -d '0\\n'",
                 NULL, "leader\n");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

#define PROCESSOR_WORDS (CPU_SETSIZE / 64)

/* Of the processors that we may run on, the first alone. */
static void
first_processor(uint64_t ret[static PROCESSOR_WORDS])
{
    bool found = false;

    memset(ret, 0, PROCESSOR_WORDS * sizeof *ret);
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, CPU_SETSIZE / 8, (cpu_set_t *)(void *)ret), 0);
    for (size_t i = 0; i < PROCESSOR_WORDS; i++) {
        ret[i] = found ? 0 : ret[i] & -ret[i];
        found |= ret[i] != 0;
    }
}

static void
limits_are_applied(void)
{
    static const char script[] =
        "[ $(ulimit -n) = 99 ] && [ $(ulimit -v) = 1048576 ] && "
        "[ $(ulimit -d) = 262144 ] && [ $(nice) = $0 ] && [ $(nproc) = 1 ]";
    struct run run;
    char nice[16];
    const char *argv[] = { "sh", "-c", script, nice, NULL };
    uint64_t first[PROCESSOR_WORDS];
    struct hf_child_spec spec = { .path = "/bin/sh",
                                  .argv = argv,
                                  .envp = environment,
                                  .output = -1,
                                  .open_files = 99,
                                  .memory_bytes = UINT64_C(1) << 30,
                                  .data_bytes = UINT64_C(1) << 28,
                                  .processors = first,
                                  .processor_words = PROCESSOR_WORDS,
                                  .nice = 1 };

    first_processor(first);
    snprintf(nice, sizeof nice, "%d", hf_min(getpriority(PRIO_PROCESS, 0) + 1, 19));
    begin(&run);
    CU_ASSERT_EQUAL_FATAL(
        hf_child_spawn(run.spawner, run.loop, &spec, on_exit_of_child, &run, &run.child, NULL), 0);
    CU_ASSERT(wait_for_end(&run));
    UNIT_INT(run.code, 0);
    end(&run);
}

static void
what_cannot_run_is_refused(void)
{
    struct run run;
    const char *argv[] = { "x", NULL };
    struct hf_child_spec spec = {
        .path = "/no/such/file", .argv = argv, .envp = environment, .output = -1
    };
    struct hf_err err = HF_ERR_INIT;

    begin(&run);
    CU_ASSERT_EQUAL(
        hf_child_spawn(run.spawner, run.loop, &spec, on_exit_of_child, &run, &run.child, &err),
        HF_ENOTFOUND);
    UNIT_CONTAINS(err.message, "/no/such/file");
    spec.path = unit_file("text", "not a program");
    CU_ASSERT_EQUAL(
        hf_child_spawn(run.spawner, run.loop, &spec, on_exit_of_child, &run, &run.child, &err),
        HF_EDENIED);
    CU_ASSERT_PTR_NULL(run.child);
    end(&run);
}

/* Reads the number that a script wrote into a file. */
static pid_t
wait_for_pid(const char *path)
{
    for (int i = 0; i < 1000; i++) {
        FILE *file = fopen(path, "r");
        char line[32] = "";
        char *end_of_line = NULL;

        if (file) {
            end_of_line = fgets(line, sizeof line, file) ? strchr(line, '\n') : NULL;
            fclose(file);
        }
        if (end_of_line) {
            return (pid_t)strtol(line, NULL, 10);
        }
        usleep(5000);
    }
    return -1;
}

static void
the_group_ends_with_its_leader(void)
{
    struct run run;
    const char *path = unit_file("pid", "");
    char script[512];
    pid_t grandchild;

    begin(&run);
    snprintf(script, sizeof script, "sleep 1000 & echo $! > %s", path);
    start(&run, script, -1);
    CU_ASSERT(wait_for_end(&run));
    grandchild = wait_for_pid(path);
    CU_ASSERT(grandchild > 0);
    CU_ASSERT(unit_wait(is_gone, &grandchild));
    end(&run);
}

static void
a_freed_child_is_killed_and_reaped(void)
{
    struct run run;
    pid_t pid;

    begin(&run);
    start(&run, "trap '' TERM; while :; do sleep 1000; done", -1);
    pid = hf_child_pid(run.child);
    UNIT_INT(hf_child_signal(run.child, 0), 0);
    hf_child_free(run.child);
    run.child = NULL;
    CU_ASSERT(unit_wait(is_gone, &pid));
    CU_ASSERT_FALSE(hf_loop_run_until(run.loop, has_ended, &run, HF_MSEC));
    end(&run);
}

/* Whoever makes a session of its own, and loses its parent, is found all the same. */
static void
a_session_of_its_own_does_not_help(void)
{
    struct run run;
    const char *path = unit_file("pid", "");
    char script[512];
    pid_t hidden;

    begin(&run);
    snprintf(script, sizeof script,
             "(setsid sh -c 'echo $$ > %s; exec sleep 1000' &) ;"
             "while [ ! -s %s ]; do sleep 0.01; done",
             path, path);
    start(&run, script, -1);
    CU_ASSERT(wait_for_end(&run));
    hidden = wait_for_pid(path);
    CU_ASSERT(hidden > 0);
    CU_ASSERT(unit_wait(is_gone, &hidden));
    end(&run);
}

/* The supervisor is the only child of ours. */
static void
note_pid(void *arg, pid_t pid)
{
    *(pid_t *)arg = pid;
}

static bool
is_reaped(void *arg)
{
    const struct run *run = arg;
    pid_t pid = hf_child_pid(run->child);

    hf_spawner_reap(run->spawner);
    return is_gone(&pid);
}

static void
a_supervisor_that_is_killed_is_replaced(void)
{
    struct run run;
    pid_t supervisor = 0;

    UNIT_EXPECT_LOG("the supervisor of processes was killed"); /* before there are threads */
    begin(&run);
    start(&run, "exec sleep 1000", -1);
    CU_ASSERT_EQUAL_FATAL(hf_supervisor_children(note_pid, &supervisor), 0);
    CU_ASSERT_FATAL(supervisor > 0);
    kill(supervisor, SIGKILL);
    CU_ASSERT(wait_for_end(&run));
    UNIT_INT(run.signal, SIGKILL);
    CU_ASSERT(unit_wait(is_reaped, &run)); /* it came to us */
    hf_child_free(run.child);
    run.ends = 0;
    start(&run, "exit 3", -1);
    CU_ASSERT(wait_for_end(&run));
    UNIT_INT(run.code, 3);
    end(&run);
}

/* A node that is killed: its children go with it, and what hides in a session of its own. */
static void
check_killed_node(const char *how)
{
    const char *path = unit_file("pid", "");
    char script[512];
    pid_t grandchild;
    pid_t node;

    snprintf(script, sizeof script, "%s sh -c 'echo $$ > %s; exec sleep 1000' & wait", how, path);
    node = fork();
    if (node == 0) {
        struct run run;

        begin(&run);
        start(&run, script, -1);
        hf_loop_run(run.loop);
        _exit(1);
    }
    grandchild = wait_for_pid(path);
    CU_ASSERT(grandchild > 0);
    kill(node, SIGKILL);
    waitpid(node, NULL, 0);
    CU_ASSERT(unit_wait(is_gone, &grandchild));
    while (waitpid(-1, NULL, 0) > 0) { /* its supervisor comes to us, and ends */
    }
}

static void
children_die_with_us_whatever_happens(void)
{
    check_killed_node("");
    check_killed_node("setsid");
}

static bool
all_ended(void *arg)
{
    struct run *runs = arg;

    for (int i = 0; i < 50; i++) {
        if (!runs[i].ends) {
            return false;
        }
    }
    return true;
}

static void
many_at_once_are_all_reaped(void)
{
    struct run run;
    struct run runs[50];

    begin(&run);
    for (int i = 0; i < 50; i++) {
        runs[i] = (struct run){ .loop = run.loop, .spawner = run.spawner };
        start(&runs[i], "exit 3", -1);
    }
    CU_ASSERT(hf_loop_run_until(run.loop, all_ended, runs, LIMIT));
    for (int i = 0; i < 50; i++) {
        UNIT_INT(runs[i].code, 3);
        hf_child_free(runs[i].child);
    }
    end(&run);
}

UNIT_MAIN("child", UNIT_TEST(the_exit_code_is_told), UNIT_TEST(the_signal_is_told),
          UNIT_TEST(output_environment_and_folder_are_as_told),
          UNIT_TEST(no_descriptor_of_ours_leaks),
          UNIT_TEST(a_child_leads_its_own_session_with_default_signals),
          UNIT_TEST(limits_are_applied), UNIT_TEST(what_cannot_run_is_refused),
          UNIT_TEST(the_group_ends_with_its_leader), UNIT_TEST(a_session_of_its_own_does_not_help),
          UNIT_TEST(a_supervisor_that_is_killed_is_replaced),
          UNIT_TEST(a_freed_child_is_killed_and_reaped),
          UNIT_TEST(children_die_with_us_whatever_happens), UNIT_TEST(many_at_once_are_all_reaped))
