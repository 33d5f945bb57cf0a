/* test-log-out.c - nobody waits for whoever reads the log: a pipe, a socket, a full disk. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "unit.h"

HF_LOG_MODULE(slow);

/* More than fits into a pipe or socket, and the queue behind it. */
#define LINES 5000

#define LOST " msg=\"lines of the log were lost\" dropped="

static int kept_stderr;

/* Makes `fd`, which is closed, standard error for the log. */
static void
begin(int fd)
{
    hf_log_set_sink(NULL, NULL);
    kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    CU_ASSERT_EQUAL(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

static void
end(void)
{
    CU_ASSERT_EQUAL(dup2(kept_stderr, STDERR_FILENO), STDERR_FILENO);
    close(kept_stderr);
}

static void
log_lines(int count)
{
    char filler[200];

    memset(filler, 'x', sizeof filler);
    for (int i = 0; i < count; i++) {
        hf_log(HF_LOG_INFO, "line", HF_KV_I64("i", i), HF_KV_MEM("filler", filler, sizeof filler));
    }
}

/* What has been read of a log: how many lines, and how many it says were lost. */
struct log_read {
    uint64_t lines;
    uint64_t lost;
    uint64_t broken;
};

/* Reads until each of `count` lines was seen, or said to be lost. */
static void
read_lines(int fd, uint64_t count, struct log_read *ret)
{
    FILE *file = fdopen(fd, "re");
    char line[4096];

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    *ret = (struct log_read){ 0 };
    while (ret->lines + ret->lost < count && fgets(line, sizeof line, file)) {
        const char *lost = strstr(line, LOST);

        ret->broken += strncmp(line, "time=", 5) != 0 || line[strlen(line) - 1] != '\n';
        ret->lines += strstr(line, " msg=line i=") != NULL;
        ret->lost += lost ? strtoull(lost + strlen(LOST), NULL, 10) : 0;
    }
    fclose(file);
}

static uint64_t
dropped(void)
{
    return hf_counter_value(hf_counter_find("log_lines_dropped"));
}

/* Nobody reads while much is logged; then somebody does. */
static void
check_slow_reader(int reader, int writer)
{
    uint64_t before = dropped();
    int flags = fcntl(writer, F_GETFL);
    struct log_read seen;

    begin(writer);
    log_lines(LINES);
    UNIT_INT(fcntl(STDERR_FILENO, F_GETFL), flags); /* others share it */
    CU_ASSERT(dropped() > before);
    read_lines(reader, LINES, &seen);
    end();
    UNIT_U64(seen.broken, 0);
    UNIT_U64(seen.lost, dropped() - before);
    UNIT_U64(seen.lines + seen.lost, LINES);
}

static void
a_full_pipe_keeps_nobody_waiting(void)
{
    int fds[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
    check_slow_reader(fds[0], fds[1]);
}

static void
nor_does_a_full_socket(void)
{
    int fds[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    check_slow_reader(fds[0], fds[1]);
}

static void
the_end_waits_for_a_reader_but_not_for_ever(void)
{
    struct log_read seen;
    int fds[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL_FATAL(fcntl(fds[1], F_SETPIPE_SZ, 4096), 4096);
    begin(fds[1]);
    log_lines(100);
    hf_log_flush(10 * HF_MSEC); /* comes back */
    read_lines(fds[0], 100, &seen);
    hf_log_flush(HF_SEC);
    end();
    UNIT_U64(seen.lines, 100);
}

static void
a_full_disk_is_told_of_afterwards(void)
{
    const char *path = unit_file("log", "");
    uint64_t before = dropped();
    char text[4096] = "";
    FILE *file;

    hf_log_set_sink(NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(hf_log_open("/dev/full", NULL), 0);
    log_lines(3);
    hf_log_flush(HF_SEC);
    UNIT_U64(dropped() - before, 3);
    CU_ASSERT_EQUAL_FATAL(hf_log_open(path, NULL), 0);
    log_lines(1);
    CU_ASSERT_EQUAL(hf_log_open(NULL, NULL), 0);
    file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    UNIT_CONTAINS(text, "level=warning module=log msg=\"lines of the log were lost\" dropped=3 "
                        "why=\"No space left on device\"\n");
}

static void
a_pipe_that_nobody_has_open_is_no_log(void)
{
    char path[256];
    struct hf_err err = HF_ERR_INIT;

    snprintf(path, sizeof path, "%s/fifo", unit_folder());
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CU_ASSERT(hf_log_open(path, &err) < 0); /* and does not wait for a reader */
    UNIT_CONTAINS(hf_err_message(&err), path);
}

UNIT_MAIN("log-out", UNIT_TEST(a_full_pipe_keeps_nobody_waiting), UNIT_TEST(nor_does_a_full_socket),
          UNIT_TEST(the_end_waits_for_a_reader_but_not_for_ever),
          UNIT_TEST(a_full_disk_is_told_of_afterwards),
          UNIT_TEST(a_pipe_that_nobody_has_open_is_no_log))
