/*
 * test-ctl.c - the control socket, asked by its own client and by strangers.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/words.h"
#include "loop/address.h"
#include "loop/loop.h"
#include "loop/thread.h"

#define LIMIT (10 * HF_SEC)

HF_LOG_MODULE(test_ctl);

/* --- a node with nothing but a control socket ---------------------------------------------- */

struct fixture {
    struct hf_thread *thread;
    struct hf_ctl *ctl;
    struct hf_ctl_call *later;
    char path[256];
};

static int
echo(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)err;
    for (unsigned int i = 0; i < hf_ctl_argc(call); i++) {
        hf_text_printf(hf_ctl_out(call), "[%s]", hf_ctl_arg(call, i));
    }
    CU_ASSERT_PTR_NULL(hf_ctl_arg(call, hf_ctl_argc(call)));
    return 0;
}

static int
refuse(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)call;
    return hf_fail(err, HF_ESTATE, "not now");
}

static int
large(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)arg;
    (void)err;
    hf_text_pad(hf_ctl_out(call), 'x', 3000000);
    return 0;
}

static int
later(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct fixture *f = arg;

    (void)err;
    f->later = call;
    return HF_CTL_LATER;
}

static int
now(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct fixture *f = arg;

    (void)call;
    (void)err;
    hf_text_add(hf_ctl_out(f->later), "at last");
    hf_ctl_finish(f->later, 0, NULL);
    return 0;
}

static const struct hf_ctl_command commands[] = {
    { "test/echo", "[WORD...]", "Says what it heard.", 0, 60, false, echo },
    { "test/refuse", "", "Fails.", 0, 0, false, refuse },
    { "test/large", "", "Says much.", 0, 0, false, large },
    { "test/later", "", "Waits for test/now.", 0, 0, false, later },
    { "test/now", "", "Answers test/later.", 0, 0, false, now },
    { .name = NULL },
};

static void
open_ctl(void *arg)
{
    struct fixture *f = arg;

    CU_ASSERT_EQUAL_FATAL(hf_ctl_new(hf_thread_loop(f->thread), &f->ctl, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_register(f->ctl, commands, f, NULL), 0);
    CU_ASSERT_EQUAL(hf_ctl_register(f->ctl, commands, f, NULL), HF_EEXISTS);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_listen(f->ctl, f->path, NULL), 0);
}

static void
close_ctl(void *arg)
{
    struct fixture *f = arg;

    hf_ctl_unregister(f->ctl, commands, f);
    hf_ctl_free(f->ctl);
}

static void
begin(struct fixture *f)
{
    *f = (struct fixture){ .later = NULL };
    snprintf(f->path, sizeof f->path, "%s/ctl", unit_folder());
    CU_ASSERT_EQUAL_FATAL(hf_thread_new("ctl", &f->thread, NULL), 0);
    hf_thread_do(f->thread, open_ctl, f);
}

static void
end(struct fixture *f)
{
    hf_thread_do(f->thread, close_ctl, f);
    hf_thread_free(f->thread);
}

/* Asks, and checks code and output, or the message of the error. */
static void
check(const char *path, const char *const *words, size_t count, int code, const char *expected)
{
    hf_autotext struct hf_text out;
    struct hf_err err = HF_ERR_INIT;

    hf_text_init(&out);
    UNIT_INT(hf_ctl_ask(path, words, count, LIMIT, &out, &err), code);
    UNIT_CONTAINS(code < 0 ? err.message : hf_text_str(&out), expected);
}

#define CHECK(f, code, expected, ...)                                                              \
    check((f)->path, (const char *const[]){ __VA_ARGS__ },                                         \
          hf_countof(((const char *const[]){ __VA_ARGS__ })), (code), (expected))

/* --- words --------------------------------------------------------------------------------- */

static void
check_words(const char *line, int count, const char *expected)
{
    hf_autofree char *copy = strdup(line);
    hf_autotext struct hf_text joined;
    char *words[HF_CTL_WORDS_MAX];

    hf_text_init(&joined);
    UNIT_INT(hf_ctl_words_split(copy, words, NULL), count);
    for (int i = 0; i < count; i++) {
        hf_text_printf(&joined, "[%s]", words[i]);
    }
    UNIT_STR(hf_text_str(&joined), expected);
}

static void
lines_are_split_into_words(void)
{
    check_words("", 0, "");
    check_words("  \t ", 0, "");
    check_words("a", 1, "[a]");
    check_words(" a  bc\td\r", 3, "[a][bc][d]");
    check_words("\"a b\" \"\" x\"y z\"", 3, "[a b][][xy z]");
    check_words("\"say \\\"hi\\\" \\\\\" \\n", 2, "[say \"hi\" \\][\\n]");
    check_words("\"open", HF_EINVALID, "");
}

static void
words_survive_both_ways(void)
{
    static const char *const words[] = { "plain", "", "two words", "\"", "\\", "a\\b c", "tab\t" };
    hf_autotext struct hf_text line;
    hf_autofree char *copy = NULL;
    char *found[HF_CTL_WORDS_MAX];

    hf_text_init(&line);
    for (size_t i = 0; i < hf_countof(words); i++) {
        CU_ASSERT_EQUAL(hf_ctl_words_add(&line, words[i], NULL), 0);
    }
    copy = hf_text_steal(&line);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_words_split(copy, found, NULL), (int)hf_countof(words));
    for (size_t i = 0; i < hf_countof(words); i++) {
        UNIT_STR(found[i], words[i]);
    }
    CU_ASSERT_EQUAL(hf_ctl_words_add(&line, "line\nbreak", NULL), HF_EINVALID);
}

/* --- requests ------------------------------------------------------------------------------ */

static void
commands_are_answered(void)
{
    struct fixture f;
    struct stat st;

    begin(&f);
    CU_ASSERT_EQUAL(stat(f.path, &st), 0);
    UNIT_U64(st.st_mode & 0777, 0600);
    CHECK(&f, 0, "[a b][\"]", "test/echo", "a b", "\"");
    CHECK(&f, 0, "", "test/echo");
    CHECK(&f, 0, "\"[x]\"\n", "--json", "test/echo", "x");
    CHECK(&f, HF_ESTATE, "not now", "test/refuse");
    CHECK(&f, HF_ENOTFOUND, "'test/ehco'", "test/ehco");
    CHECK(&f, HF_EINVALID, "usage: test/refuse", "test/refuse", "x");
    CHECK(&f, HF_EINVALID, "no command", "--json");
    end(&f);
}

static void
help_lists_what_there_is(void)
{
    struct fixture f;

    begin(&f);
    CHECK(&f, 0, "test/echo [WORD...]\n    Says what it heard.\n", "help");
    CHECK(&f, 0, "{\"name\":\"test/echo\",\"arguments\":\"[WORD...]\"", "--json", "help");
    end(&f);
}

static void
large_answers_arrive_whole(void)
{
    struct fixture f;
    hf_autotext struct hf_text out;

    begin(&f);
    hf_text_init(&out);
    CU_ASSERT_EQUAL(hf_ctl_ask(f.path, (const char *const[]){ "test/large" }, 1, LIMIT, &out, NULL),
                    0);
    UNIT_U64(out.len, 3000000);
    end(&f);
}

static void
log_counters_and_faults_are_reached(void)
{
    struct fixture f;

    begin(&f);
    CHECK(&f, 0, "", "log/set", "test_ctl", "debug");
    CHECK(&f, 0, "test_ctl debug\n", "log/show");
    CHECK(&f, 0, "\"test_ctl\":\"debug\"", "--json", "log/show");
    CU_ASSERT(hf_log_enabled(&hf_log_this, HF_LOG_DEBUG));
    CHECK(&f, HF_EINVALID, "loud", "log/set", "loud");
    CHECK(&f, HF_ENOTFOUND, "nobody", "log/set", "nobody", "info");
    CHECK(&f, 0, "", "log/set", "info");
    CHECK(&f, 0, "listener_accepted ", "counters", "listener_");
    CHECK(&f, 0, "\"listener_accepted\":", "--json", "counters");
    CHECK(&f, 0, "", "fault/set", "http", "count", "1");
    CU_ASSERT(hf_fault(HF_FAULT_HTTP));
    CHECK(&f, 0, "http: ", "fault/list");
    CHECK(&f, 0, "", "fault/set", "http", "always");
    CHECK(&f, 0, "", "fault/clear");
    CU_ASSERT_FALSE(hf_fault(HF_FAULT_HTTP));
    CHECK(&f, HF_ENOTFOUND, "no.such", "fault/set", "no.such", "always");
    end(&f);
}

/* --- connections by hand ------------------------------------------------------------------- */

static int
connect_by_hand(const char *path)
{
    static const struct timeval limit = { .tv_sec = 10 };
    struct hf_address address;
    char text[300];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(text, sizeof text, "unix:%s", path);
    CU_ASSERT_EQUAL_FATAL(hf_address_parse(text, &address, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, &address.u.any, address.len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* Reads until as much has come as is expected, or the end. */
static void
expect_bytes(int fd, const char *expected)
{
    char found[512] = "";
    size_t len = 0;

    while (len < strlen(expected)) {
        ssize_t n = read(fd, found + len, strlen(expected) - len);

        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    found[len] = '\0';
    UNIT_STR(found, expected);
}

static void
send_bytes(int fd, const char *bytes)
{
    CU_ASSERT_EQUAL(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

static void
one_connection_carries_many_requests(void)
{
    struct fixture f;
    int fd;
    char byte;

    begin(&f);
    fd = connect_by_hand(f.path);
    send_bytes(fd, "test/echo 1\ntest/echo 2\nnonsense\ntest/ec");
    expect_bytes(fd, "ok 3\n[1]ok 3\n[2]error not-found 67\n"
                     "there is no command 'nonsense'; 'help' lists the commands ther");
    send_bytes(fd, "ho 3\n");
    shutdown(fd, SHUT_WR);
    expect_bytes(fd, "e areok 3\n[3]");
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    close(fd);
    end(&f);
}

static void
a_late_answer_holds_back_the_next(void)
{
    struct fixture f;
    int fd;

    begin(&f);
    fd = connect_by_hand(f.path);
    send_bytes(fd, "test/echo 1\ntest/later\ntest/echo 2\n");
    expect_bytes(fd, "ok 3\n[1]");
    CHECK(&f, 0, "", "test/now");
    expect_bytes(fd, "ok 7\nat lastok 3\n[2]");
    close(fd);
    end(&f);
}

static void
a_client_may_leave_before_its_answer(void)
{
    struct fixture f;
    int fd;

    begin(&f);
    fd = connect_by_hand(f.path);
    send_bytes(fd, "test/echo 1\ntest/later\n");
    expect_bytes(fd, "ok 3\n[1]");
    close(fd);
    CHECK(&f, 0, "", "test/now");
    end(&f);
}

static void
a_line_without_end_is_refused(void)
{
    static char much[HF_CTL_LINE_MAX + 4096];
    struct fixture f;
    char byte;
    int fd;

    begin(&f);
    memset(much, 'x', sizeof much);
    fd = connect_by_hand(f.path);
    for (size_t sent = 0; sent < sizeof much;) {
        ssize_t n = send(fd, much + sent, sizeof much - sent, MSG_NOSIGNAL);

        if (n <= 0) {
            break;
        }
        sent += (size_t)n;
    }
    CU_ASSERT(read(fd, &byte, 1) <= 0);
    close(fd);
    CHECK(&f, 0, "[still here]", "test/echo", "still here");
    end(&f);
}

static bool
has_later(void *arg)
{
    return ((struct fixture *)arg)->later != NULL;
}

struct answer {
    struct hf_task task;
    struct hf_ctl_call *call;
};

static void
answer(struct hf_task *task)
{
    struct hf_ctl_call *call = hf_container_of(task, struct answer, task)->call;

    hf_text_add(hf_ctl_out(call), "at last");
    hf_ctl_finish(call, 0, NULL);
}

static void
closing_waits_for_answers(void)
{
    struct fixture f = { .later = NULL };
    struct answer soon = { .task = { .run = answer } };
    struct hf_loop *loop = NULL;
    char byte;
    int fd;

    snprintf(f.path, sizeof f.path, "%s/ctl", unit_folder());
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("ctl", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_new(loop, &f.ctl, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_register(f.ctl, commands, &f, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_listen(f.ctl, f.path, NULL), 0);
    fd = connect_by_hand(f.path);
    send_bytes(fd, "test/later\n");
    CU_ASSERT_FATAL(hf_loop_run_until(loop, has_later, &f, LIMIT));
    soon.call = f.later;
    hf_loop_post(loop, &soon.task);
    hf_ctl_close(f.ctl);
    expect_bytes(fd, "ok 7\nat last");
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    close(fd);
    hf_ctl_free(f.ctl);
    hf_loop_free(loop);
}

static void
a_second_process_is_refused(void)
{
    struct fixture f;
    struct hf_loop *loop = NULL;
    struct hf_ctl *second = NULL;
    struct hf_err err = HF_ERR_INIT;

    begin(&f);
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("second", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_ctl_new(loop, &second, NULL), 0);
    CU_ASSERT_EQUAL(hf_ctl_listen(second, f.path, &err), HF_EEXISTS);
    UNIT_CONTAINS(err.message, f.path);
    hf_ctl_free(second);
    hf_loop_free(loop);
    CHECK(&f, 0, "[x]", "test/echo", "x");
    end(&f);
    CHECK(&f, HF_EUNAVAILABLE, f.path, "help");
}

UNIT_MAIN("ctl", UNIT_TEST(lines_are_split_into_words), UNIT_TEST(words_survive_both_ways),
          UNIT_TEST(commands_are_answered), UNIT_TEST(help_lists_what_there_is),
          UNIT_TEST(large_answers_arrive_whole), UNIT_TEST(log_counters_and_faults_are_reached),
          UNIT_TEST(one_connection_carries_many_requests),
          UNIT_TEST(a_late_answer_holds_back_the_next),
          UNIT_TEST(a_client_may_leave_before_its_answer), UNIT_TEST(a_line_without_end_is_refused),
          UNIT_TEST(closing_waits_for_answers), UNIT_TEST(a_second_process_is_refused))
