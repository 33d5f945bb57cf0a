/*
 * test-runtime-process.c - the runtime "process": the contract of runtimes, and
 * what is particular to child processes: files, ports, environment, signals,
 * limits, logs.  Its functions are scripts of the shell.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/runtime.h>

#include "contract-runtime.h"
#include "plugins/runtime-process/process.h"
#include "runtime-bench.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;

const struct hf_plugin *const contract_runtime_plugin = &hyperfaas_plugin;
const char *const contract_runtime_image = "hyperfaas-idle:latest";

static const struct {
    const char *name, *script;
    mode_t mode;
} functions[] = {
    { "idle", "#!/bin/sh\nexec sleep 1000\n", 0755 },
    { "env", "#!/bin/sh\nenv\npwd\nulimit -d\nulimit -v\necho end\nexec sleep 1000\n", 0755 },
    { "fails", "#!/bin/sh\necho first\necho 'cannot open the model' >&2\nexit 3\n", 0755 },
    { "aborts", "#!/bin/sh\nkill -ABRT $$\n", 0755 },
    { "deaf", "#!/bin/sh\ntrap '' TERM\necho deaf\nwhile :; do sleep 1000; done\n", 0755 },
    { "polite", "#!/bin/sh\ntrap 'echo bye; exit 0' TERM\necho up\nsleep 1000 & wait\n", 0755 },
    { "parent", "#!/bin/sh\nsleep 1000 &\necho child $!\nwait\n", 0755 },
    { "numbers",
      "#!/bin/sh\ni=0\nwhile [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done\n"
      "echo end\nexec sleep 1000\n",
      0755 },
    { "plain", "not executable\n", 0644 },
    { "orphan", "#!/no/such/interpreter\n", 0755 },
};

/* --- bench ------------------------------------------------------------------------ */

static char path_setting[200], log_setting[200];

/* Writes the functions into this test's folder, once. */
const char *const *
contract_runtime_settings(void)
{
    static const char *const settings[] = { path_setting, log_setting, NULL };
    char folder[160];

    snprintf(folder, sizeof folder, "%s/functions", unit_folder());
    snprintf(path_setting, sizeof path_setting, "path=/no/such/folder,%s", folder);
    snprintf(log_setting, sizeof log_setting, "log_path=%s/logs/deep", unit_folder());
    if (mkdir(folder, 0755) == 0) {
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
            char name[64];

            snprintf(name, sizeof name, "functions/%s", functions[i].name);
            CU_ASSERT_EQUAL(chmod(unit_file(name, functions[i].script), functions[i].mode), 0);
        }
    }
    return settings;
}

static void
open_bench(struct runtime_bench *b)
{
    runtime_bench_open(b, &hyperfaas_plugin, contract_runtime_settings());
}

/* Opens a runtime with two more options. */
static void
open_with(struct runtime_bench *b, const char *one, const char *two)
{
    const char *settings[5] = { NULL };

    memcpy(settings, contract_runtime_settings(), 2 * sizeof settings[0]);
    settings[2] = one;
    settings[3] = two;
    runtime_bench_open(b, &hyperfaas_plugin, settings);
}

/* Follows the log of an instance until it holds `text`. */
static void
follow_until(struct runtime_bench *b, const char *id, const char *text, struct runtime_log *log)
{
    struct hf_runtime_op *op = NULL;
    uint64_t limit = fake_real_now() + 60 * SECOND;

    memset(log, 0, sizeof *log);
    CU_ASSERT_EQUAL_FATAL(b->ops->logs(b->runtime, id, 0, true, runtime_on_log, log, &op, NULL), 0);
    CU_ASSERT_EQUAL(log->len, 0);
    while (!strstr(log->text, text) && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    UNIT_CONTAINS(log->text, text);
    b->ops->cancel(b->runtime, op);
    CU_ASSERT_EQUAL(log->ended, 0);
    CU_ASSERT_TRUE(fake_wait(b->fake, &log->ended, 1));
    UNIT_INT(log->code, HF_ECANCELLED);
}

/* Reads the last lines of a log. */
static int
read_log(struct runtime_bench *b, const char *id, uint32_t tail, struct runtime_log *log)
{
    int r;

    memset(log, 0, sizeof *log);
    r = b->ops->logs(b->runtime, id, tail, false, runtime_on_log, log, NULL, NULL);
    if (r == 0) {
        CU_ASSERT_TRUE(fake_wait(b->fake, &log->ended, 1));
        UNIT_INT(log->code, 0);
    }
    return r;
}

static struct runtime_log log_a;

/* --- images ------------------------------------------------------------------------ */

static void
finds_images(void)
{
    static const struct {
        const char *image;
        int code;
        const char *says;
    } cases[] = {
        { "idle", 0, "" },
        { "idle:latest", 0, "" },
        { "hyperfaas-idle", 0, "" },
        { "hyperfaas-idle:v2", HF_ENOTFOUND, "'idle:v2'" },
        { "hyperfaas-gone:latest", HF_ENOTFOUND, "/no/such/folder" },
        { "hyperfaas-gone:latest", HF_ENOTFOUND, "aborts" },
        { "../functions/idle", HF_EINVALID, "'.'" },
        { "functions/idle", HF_EINVALID, "'/'" },
        { "", HF_EINVALID, "names no file" },
        { "hyperfaas-:latest", HF_EINVALID, "names no file" },
        { "plain", HF_EDENIED, "chmod" },
        { "orphan", HF_ENOTFOUND, "orphan" },
        { "boxed", 0, "" },
        { "empty", HF_ENOTFOUND, "boxed" },
    };
    struct runtime_bench b;
    char folder[200];

    open_bench(&b);
    snprintf(folder, sizeof folder, "%s/functions/boxed", unit_folder());
    CU_ASSERT_EQUAL(mkdir(folder, 0755), 0);
    CU_ASSERT_EQUAL(chmod(unit_file("functions/boxed/boxed", functions[0].script), 0755), 0);
    snprintf(folder, sizeof folder, "%s/functions/empty", unit_folder());
    CU_ASSERT_EQUAL(mkdir(folder, 0755), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct runtime_answer a = runtime_start(&b, cases[i].image);

        if (strncmp(cases[i].image, "../", 3) == 0) {
            CU_ASSERT_TRUE(a.code == HF_EINVALID);
        } else {
            UNIT_INT(a.code, cases[i].code);
            UNIT_CONTAINS(a.message, cases[i].says);
        }
    }
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 4);
    runtime_bench_close(&b);
}

/* --- what an instance sees ------------------------------------------------------------ */

static void
environment(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    char expected[128];

    setenv("FROM_NODE", "passed", 1);
    setenv("SECRET_OF_NODE", "hidden", 1);
    open_with(&b, "env=GREETING=hello world,FROM_NODE,LANG=C", "memory_headroom=0");
    a = runtime_start(&b, "hyperfaas-env:latest");
    UNIT_INT(a.code, 0);
    follow_until(&b, a.id, "end\n", &log_a);
    UNIT_CONTAINS(log_a.text, "FUNCTION_ID=f\n");
    UNIT_CONTAINS(log_a.text, "CONTROLLER_ADDRESS=127.0.0.1:50051\n");
    UNIT_CONTAINS(log_a.text, "LISTEN_ADDRESS=127.0.0.1\n");
    UNIT_CONTAINS(log_a.text, "GREETING=hello world\n");
    UNIT_CONTAINS(log_a.text, "FROM_NODE=passed\n");
    UNIT_CONTAINS(log_a.text, "LANG=C\n");
    UNIT_CONTAINS(log_a.text, "PATH=");
    UNIT_CONTAINS(log_a.text, "/functions\n"); /* its folder */
    UNIT_CONTAINS(log_a.text, "262144\n");     /* 256 MiB in KiB */
    CU_ASSERT_PTR_NULL(strstr(log_a.text, "SECRET_OF_NODE"));
    snprintf(expected, sizeof expected, "INSTANCE_ID=%s\n", a.id);
    UNIT_CONTAINS(log_a.text, expected);
    snprintf(expected, sizeof expected, "PORT=%s\n", strrchr(a.internal, ':') + 1);
    UNIT_CONTAINS(log_a.text, expected);
    CU_ASSERT_EQUAL(strncmp(a.name, "hyperfaas-env-", 14), 0);
    CU_ASSERT_EQUAL(strncmp(a.name + 14, a.id, 8), 0);
    runtime_bench_close(&b);
    unsetenv("FROM_NODE");
    unsetenv("SECRET_OF_NODE");
}

/* Folders may be relative, though instances start elsewhere. */
static void
relative_folders(void)
{
    const char *settings[] = { "path=functions", NULL, NULL };
    char before[256];
    struct runtime_bench b;

    contract_runtime_settings();
    settings[1] = log_setting;
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
    CU_ASSERT_EQUAL_FATAL(chdir(unit_folder()), 0);
    runtime_bench_open(&b, &hyperfaas_plugin, settings);
    UNIT_INT(runtime_start(&b, "idle").code, 0);
    CU_ASSERT_EQUAL(chdir(before), 0);
    UNIT_INT(runtime_start(&b, "idle").code, 0);
    runtime_bench_close(&b);
}

static void
advertises(void)
{
    struct runtime_answer a;
    struct runtime_bench b;

    open_with(&b, "listen=0.0.0.0", "advertise=192.0.2.7");
    a = runtime_start(&b, "idle");
    CU_ASSERT_EQUAL(strncmp(a.external, "192.0.2.7:", 10), 0);
    CU_ASSERT_EQUAL(strncmp(a.internal, "192.0.2.7:", 10), 0);
    runtime_bench_close(&b);
}

static void
refuses_bad_options(void)
{
    static const struct {
        const char *setting, *says;
    } cases[] = {
        { "listen=localhost", "listen = localhost" },
        { "listen=127.0.0.1:80", "without port" },
        { "listen=0.0.0.0", "advertise" },
        { "advertise=nowhere", "advertise = nowhere" },
        { "env=PORT=80", "set by the platform" },
        { "env==x", "NAME=VALUE" },
        { "log_path=/proc/nowhere", "log_path" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[4] = { NULL };

        memcpy(settings, contract_runtime_settings(), 2 * sizeof settings[0]);
        settings[2] = cases[i].setting;
        UNIT_CONTAINS(runtime_bench_refusal(&hyperfaas_plugin, settings).message, cases[i].says);
    }
}

/* --- ends ----------------------------------------------------------------------------- */

static void
tells_ends(void)
{
    struct runtime_answer a;
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, "fails");
    if (a.code == 0) { /* it may have ended before its start was answered */
        CU_ASSERT_TRUE(fake_wait(b.fake, &b.ends, 1));
        UNIT_INT(b.end.exit_code, 3);
        UNIT_INT(b.end.signal, 0);
        UNIT_STR(b.end_id, a.id);
        UNIT_CONTAINS(b.end_message, "exited with code 3");
        UNIT_CONTAINS(b.end_message, "cannot open the model");
    } else {
        UNIT_CONTAINS(a.message, "cannot open the model");
        b.ends++;
    }
    a = runtime_start(&b, "aborts");
    if (a.code == 0) {
        CU_ASSERT_TRUE(fake_wait(b.fake, &b.ends, 2));
        UNIT_INT(b.end.signal, SIGABRT);
        UNIT_INT(b.end.exit_code, -1);
        UNIT_CONTAINS(b.end_message, "SIGABRT");
    } else {
        UNIT_CONTAINS(a.message, "SIGABRT");
    }
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0);
    runtime_bench_close(&b);
}

static void
stops_with_grace(void)
{
    struct runtime_answer polite, deaf;
    struct runtime_bench b;
    uint64_t before;

    open_bench(&b);
    polite = runtime_start(&b, "polite");
    follow_until(&b, polite.id, "up\n", &log_a);
    UNIT_INT(runtime_stop(&b, polite.id, 60 * SECOND).code, 0);
    CU_ASSERT_EQUAL(read_log(&b, polite.id, 1, &log_a), 0);
    UNIT_STR(log_a.text, "bye\n");

    deaf = runtime_start(&b, "deaf");
    follow_until(&b, deaf.id, "deaf\n", &log_a);
    before = fake_real_now();
    UNIT_INT(runtime_stop(&b, deaf.id, SECOND / 10).code, 0);
    CU_ASSERT_TRUE(fake_real_now() - before >= SECOND / 10);
    CU_ASSERT_EQUAL(b.ends, 0);
    runtime_bench_close(&b);
}

/* Whether a process is there and not just a corpse. */
static bool
is_alive(int pid)
{
    char path[64], line[256] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (!file) {
        return false;
    }
    (void)!fgets(line, sizeof line, file);
    fclose(file);
    return !strstr(line, ") Z ");
}

static void
takes_descendants_along(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    uint64_t limit = fake_real_now() + 60 * SECOND;
    int pid;

    open_bench(&b);
    a = runtime_start(&b, "parent");
    follow_until(&b, a.id, "child ", &log_a);
    follow_until(&b, a.id, "\n", &log_a);
    CU_ASSERT_EQUAL_FATAL(sscanf(log_a.text, "child %d", &pid), 1);
    CU_ASSERT_TRUE(is_alive(pid));
    UNIT_INT(runtime_stop(&b, a.id, 0).code, 0);
    while (is_alive(pid) && fake_real_now() < limit) {
        fake_turn(b.fake, 5);
    }
    CU_ASSERT_FALSE(is_alive(pid));
    runtime_bench_close(&b);
}

/* --- logs ------------------------------------------------------------------------------- */

static size_t
count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t n = 0;

    while (dir && (entry = readdir(dir))) {
        n += entry->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

static void
reads_logs(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    char expected[64];

    open_with(&b, "log_size=1MiB", NULL);
    a = runtime_start(&b, "numbers");
    follow_until(&b, a.id, "end\n", &log_a);
    CU_ASSERT_EQUAL(strncmp(log_a.text, "line 1\nline 2\n", 14), 0);
    UNIT_U64(log_a.len, strlen("line \n") * 3000 + 9 + 90 * 2 + 900 * 3 + 2001 * 4 + 4);
    CU_ASSERT_EQUAL(read_log(&b, a.id, 0, &log_a), 0);
    CU_ASSERT_EQUAL(strncmp(log_a.text, "line 1\n", 7), 0);
    CU_ASSERT_EQUAL(read_log(&b, a.id, 3, &log_a), 0);
    UNIT_STR(log_a.text, "line 2999\nline 3000\nend\n");
    CU_ASSERT_EQUAL(read_log(&b, a.id, 1000000, &log_a), 0);
    CU_ASSERT_EQUAL(strncmp(log_a.text, "line 1\n", 7), 0);
    UNIT_INT(b.ops->logs(b.runtime, "0123456789ab", 0, false, runtime_on_log, &log_a, NULL, NULL),
             HF_ENOTFOUND);
    /* Who follows is told of the end. */
    memset(&log_a, 0, sizeof log_a);
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 1, true, runtime_on_log, &log_a, NULL, NULL), 0);
    fake_settle(b.fake, 10);
    CU_ASSERT_EQUAL(log_a.ended, 0);
    UNIT_INT(runtime_stop(&b, a.id, 0).code, 0);
    CU_ASSERT_EQUAL(log_a.ended, 1);
    UNIT_INT(log_a.code, 0);
    UNIT_STR(log_a.text, "end\n");
    /* The log of an instance that has ended can still be read. */
    snprintf(expected, sizeof expected, "end\n");
    CU_ASSERT_EQUAL(read_log(&b, a.id, 1, &log_a), 0);
    UNIT_STR(log_a.text, expected);
    runtime_bench_close(&b);
    open_bench(&b); /* after a restart too */
    CU_ASSERT_EQUAL(read_log(&b, a.id, 1, &log_a), 0);
    UNIT_STR(log_a.text, expected);
    runtime_bench_close(&b);
}

static void
bounds_logs(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    char folder[200], path[300];
    struct stat st;

    snprintf(folder, sizeof folder, "%s/logs/deep", unit_folder());
    open_with(&b, "log_size=4KiB", "log_keep=3");
    a = runtime_start(&b, "numbers");
    follow_until(&b, a.id, "end\n", &log_a);
    snprintf(path, sizeof path, "%s/hyperfaas-numbers-%s.log.1", folder, a.id);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(read_log(&b, a.id, 1, &log_a), 0);
    UNIT_STR(log_a.text, "end\n");
    CU_ASSERT_EQUAL(read_log(&b, a.id, 2000, &log_a), 0);
    CU_ASSERT_TRUE(log_a.len <= (size_t)2 * 4096);
    CU_ASSERT_EQUAL(runtime_stop(&b, a.id, 0).code, 0);
    for (int i = 0; i < 6; i++) {
        a = runtime_start(&b, "polite");
        follow_until(&b, a.id, "up\n", &log_a);
        runtime_stop(&b, a.id, 0);
    }
    UNIT_U64(count_files(folder), 3);
    runtime_start(&b, "idle");
    UNIT_U64(count_files(folder), 3); /* no output, no file */
    runtime_bench_close(&b);
    open_with(&b, "log_keep=1", NULL);
    UNIT_U64(count_files(folder), 1);
    runtime_bench_close(&b);
}

static void
destroy_with_reader(void)
{
    struct runtime_answer a;
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, "idle");
    memset(&log_a, 0, sizeof log_a);
    CU_ASSERT_EQUAL(b.ops->logs(b.runtime, a.id, 0, true, runtime_on_log, &log_a, NULL, NULL), 0);
    runtime_bench_close(&b);
    CU_ASSERT_EQUAL(log_a.ended, 1);
    UNIT_INT(log_a.code, HF_ECANCELLED);
}

/* --- ports -------------------------------------------------------------------------------- */

/* Binds and listens as a server does; 0 or errno. */
static int
serve(uint32_t address, uint16_t port, bool reuse, int *ret_fd)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr.s_addr = htonl(address) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (reuse) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    }
    if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(fd, 16) != 0) {
        int error = errno;

        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static void
reserves_ports(void)
{
    enum { N = 1000 };
    static int fds[N];
    static bool taken[65536];
    uint16_t port = 0;
    int fd = -1, other = -1;

    memset(taken, 0, sizeof taken);
    for (int i = 0; i < N; i++) {
        fds[i] = port_reserve("127.0.0.1", &port);
        CU_ASSERT_TRUE_FATAL(fds[i] >= 0);
        CU_ASSERT_FALSE(taken[port]);
        CU_ASSERT_TRUE(port < 50050 || port > 50053);
        taken[port] = true;
    }
    /* The instance may listen, on one address or on all; nobody else after it. */
    UNIT_INT(serve(INADDR_LOOPBACK, port, true, &fd), 0);
    UNIT_INT(serve(INADDR_LOOPBACK, port, true, &other), EADDRINUSE);
    close(fd);
    UNIT_INT(serve(INADDR_ANY, port, true, &fd), 0);
    close(fd);
    for (int i = 0; i < N; i++) { /* chosen ports never collide with reserved ones */
        struct sockaddr_in sin = { .sin_family = AF_INET };
        socklen_t len = sizeof sin;

        UNIT_INT(serve(INADDR_LOOPBACK, 0, true, &fd), 0);
        getsockname(fd, (struct sockaddr *)&sin, &len);
        CU_ASSERT_FALSE(taken[ntohs(sin.sin_port)]);
        close(fd);
    }
    for (int i = 0; i < N; i++) {
        close(fds[i]);
    }
    fd = port_reserve("::1", &port);
    CU_ASSERT_TRUE(fd >= 0);
    close(fd);
}

UNIT_MAIN("runtime-process", CONTRACT_RUNTIME_TESTS UNIT_TEST(finds_images), UNIT_TEST(environment),
          UNIT_TEST(relative_folders), UNIT_TEST(advertises), UNIT_TEST(refuses_bad_options),
          UNIT_TEST(tells_ends), UNIT_TEST(stops_with_grace), UNIT_TEST(takes_descendants_along),
          UNIT_TEST(reads_logs), UNIT_TEST(bounds_logs), UNIT_TEST(destroy_with_reader),
          UNIT_TEST(reserves_ports))
