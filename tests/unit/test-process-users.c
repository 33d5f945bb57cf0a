/*
 * test-process-users.c - the runtime "process": whom instances run as, what is missing to run a
 * file, and files that are replaced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/runtime.h>

#include "plugins/runtime-process/process.h"
#include "runtime-bench.h"
#include "unit.h"

/* --- bench ---------------------------------------------------------------------------------- */

static char path_setting[200], log_setting[200];

/* The file of an image. */
static const char *
install(const char *name, const char *text)
{
    char file[64], folder[160];
    const char *path;

    snprintf(folder, sizeof folder, "%s/functions", unit_folder());
    mkdir(folder, 0755);
    snprintf(file, sizeof file, "functions/%s", name);
    path = unit_file(file, text);
    CU_ASSERT_EQUAL(chmod(path, 0755), 0);
    return path;
}

static const char *const *
settings_with(const char *setting)
{
    static const char *settings[4];

    snprintf(path_setting, sizeof path_setting, "path=%s/functions", unit_folder());
    snprintf(log_setting, sizeof log_setting, "log_path=%s/logs", unit_folder());
    settings[0] = path_setting;
    settings[1] = log_setting;
    settings[2] = setting;
    settings[3] = NULL;
    return settings;
}

/* --- users ---------------------------------------------------------------------------------- */

static void
bad_users_are_refused(void)
{
    static const struct {
        const char *setting, *says;
    } cases[] = {
        { "user=no-such-user-here", "there is no such user" },
        { "user=0", "this is root" },
        { "user=root", "this is root" },
        { "user=0-100", "this is root" },
        { "user=12x", "this is no number" },
        { "user=100-", "this is no range" },
        { "user=100-99", "this is no range" },
        { "user=100-200x", "this is no range" },
        { "user=1-65537", "more than 65536" },
        { "user=4294967295", "no such user" }, /* which the system takes for "none" */
        { "user=-5", "no such user" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hf_err err =
            runtime_bench_refusal(&hyperfaas_plugin, settings_with(cases[i].setting));

        UNIT_CONTAINS(err.message, cases[i].says);
        UNIT_CONTAINS(err.message, cases[i].setting + 5); /* what was written */
    }
}

static void
only_root_chooses(void)
{
    if (geteuid() != 0) {
        UNIT_CONTAINS(
            runtime_bench_refusal(&hyperfaas_plugin, settings_with("user=100000-100009")).message,
            "only a worker that runs as root");
    }
}

static struct users *
open_users(struct runtime_bench *b, const char *setting)
{
    struct users *users = NULL;

    runtime_bench_open(b, &hyperfaas_plugin, settings_with(setting));
    CU_ASSERT_EQUAL_FATAL(users_new(fake_driver(b->fake)->host, b->options, &users, NULL), 0);
    return users;
}

static void
each_function_has_a_user_of_its_own(void)
{
    struct runtime_bench b;
    struct users *users;
    struct user *a, *a_again, *other, *third;
    struct hf_err err = { 0 };

    if (geteuid() != 0) {
        return;
    }
    users = open_users(&b, "user=100000-100001");
    CU_ASSERT_EQUAL_FATAL(users_take(users, "a", &a, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(users_take(users, "a", &a_again, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(users_take(users, "b", &other, NULL), 0);
    CU_ASSERT_EQUAL(user_uid(a), user_uid(a_again));
    CU_ASSERT_EQUAL(user_uid(a) + user_uid(other), 100000 + 100001);
    CU_ASSERT_EQUAL(users_gid(users, other), user_uid(other));
    CU_ASSERT_EQUAL(users_take(users, "c", &third, &err), HF_EFULL);
    UNIT_CONTAINS(err.message, "all 2 users");
    users_release(users, a);
    CU_ASSERT_EQUAL(users_take(users, "c", &third, NULL), HF_EFULL); /* one still runs */
    users_release(users, a_again);
    CU_ASSERT_EQUAL_FATAL(users_take(users, "c", &third, NULL), 0);
    CU_ASSERT_NOT_EQUAL(user_uid(third), user_uid(other));
    users_free(users);
    runtime_bench_close(&b);
}

static void
one_user_is_for_all(void)
{
    struct runtime_bench b;
    struct users *users;
    struct user *a, *other;

    if (geteuid() != 0) {
        return;
    }
    users = open_users(&b, "user=nobody");
    CU_ASSERT_EQUAL_FATAL(users_take(users, "a", &a, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(users_take(users, "b", &other, NULL), 0);
    CU_ASSERT_EQUAL(user_uid(a), user_uid(other));
    CU_ASSERT_NOT_EQUAL(users_gid(users, a), 0);
    CU_ASSERT_STRING_NOT_EQUAL(users_home(users), "/root");
    users_free(users);
    runtime_bench_close(&b);
}

/* --- interpreters --------------------------------------------------------------------------- */

static void
what_is_missing_is_named(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "#!/no/such/node --flag\n", "its interpreter /no/such/node, which its first line names" },
        { "#! /no/such/node", "its interpreter /no/such/node, " },
        { "#!/bin/sh\r\necho\r\n", "carriage return" },
        { "#!/bin/sh\n", "" },
        { "#!", "" },
        { "", "" },
        { "\177ELF", "" },
        { "text", "" },
    };
    char text[512];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image_explain_interpreter(install("explained", cases[i].text), text, sizeof text);
        if (*cases[i].says) {
            UNIT_CONTAINS(text, cases[i].says);
        } else {
            UNIT_STR(text, "");
        }
    }
    image_explain_interpreter("/proc/self/exe", text, sizeof text);
    UNIT_STR(text, ""); /* we run */
    image_explain_interpreter("/no/such/file", text, sizeof text);
    UNIT_STR(text, "");
}

/* A program of this system whose loader is changed to one that is not there. */
static void
a_missing_loader_is_named(void)
{
    static char program[8192];
    FILE *file = fopen("/bin/sh", "r");
    char text[512], *loader = NULL;
    size_t len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    len = fread(program, 1, 4096, file);
    fclose(file);
    for (size_t i = 0; i + 8 < len && !loader; i++) {
        loader = memcmp(program + i, "/ld-linux", 9) == 0 ? program + i : NULL;
    }
    if (!loader) {
        return; /* another kind of system */
    }
    loader[1] = 'x';
    file = fopen(install("strange", ""), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(program, 1, len, file), len);
    fclose(file);
    image_explain_interpreter(install("explained", ""), text, sizeof text);
    UNIT_STR(text, "");
    snprintf(text, sizeof text, "%s/functions/strange", unit_folder());
    image_explain_interpreter(strdupa(text), text, sizeof text);
    UNIT_CONTAINS(text, "/xd-linux");
    UNIT_CONTAINS(text, "built for another system");
}

static void
a_start_says_what_is_missing(void)
{
    struct runtime_answer answer = { 0 };
    struct hf_err err = { 0 };
    struct runtime_bench b;

    install("orphan", "#!/no/such/node\n");
    runtime_bench_open(&b, &hyperfaas_plugin, settings_with(NULL));
    CU_ASSERT_EQUAL(runtime_begin(&b, "orphan", &answer, NULL, &err), HF_ENOTFOUND);
    UNIT_CONTAINS(err.message, "functions/orphan: its interpreter /no/such/node, which");
    runtime_bench_close(&b);
}

/* --- replaced files ------------------------------------------------------------------------- */

/* As an installation does: the new file takes the place of the old one. */
static void
replace(const char *name, const char *text)
{
    char new_path[200], path[200];

    snprintf(path, sizeof path, "%s/functions/%s", unit_folder(), name);
    snprintf(new_path, sizeof new_path, "%s", install("new", text));
    CU_ASSERT_EQUAL(rename(new_path, path), 0);
}

/* The shell opens its script after the start was answered. */
static void
wait_for_line(struct runtime_bench *b, const char *id, const char *text)
{
    static struct runtime_log log;
    struct hf_runtime_op *op = NULL;
    uint64_t limit = fake_real_now() + UINT64_C(60000000000);

    memset(&log, 0, sizeof log);
    CU_ASSERT_EQUAL_FATAL(b->ops->logs(b->runtime, id, 0, true, runtime_on_log, &log, &op, NULL),
                          0);
    while (!strstr(log.text, text) && fake_real_now() < limit) {
        fake_turn(b->fake, 20);
    }
    UNIT_CONTAINS(log.text, text);
    b->ops->cancel(b->runtime, op);
    CU_ASSERT_TRUE(fake_wait(b->fake, &log.ended, 1));
}

static void
a_replaced_file_is_run_and_noticed(void)
{
    struct runtime_answer old, new;
    struct runtime_bench b;
    size_t lines;

    install("version", "#!/bin/sh\necho one\nexec sleep 1000\n");
    runtime_bench_open(&b, &hyperfaas_plugin, settings_with(NULL));
    old = runtime_start(&b, "version");
    wait_for_line(&b, old.id, "one");
    lines = fake_logged(b.fake, HF_HOST_NOTICE);
    replace("version", "#!/bin/sh\necho two\nsleep 1000\n");
    new = runtime_start(&b, "version");
    CU_ASSERT_EQUAL(fake_logged(b.fake, HF_HOST_NOTICE), lines + 1);
    wait_for_line(&b, new.id, "two");
    CU_ASSERT_STRING_NOT_EQUAL(old.id, new.id);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 2); /* the old one goes on */
    runtime_bench_close(&b);
}

UNIT_MAIN("process-users", UNIT_TEST(bad_users_are_refused), UNIT_TEST(only_root_chooses),
          UNIT_TEST(each_function_has_a_user_of_its_own), UNIT_TEST(one_user_is_for_all),
          UNIT_TEST(what_is_missing_is_named), UNIT_TEST(a_missing_loader_is_named),
          UNIT_TEST(a_start_says_what_is_missing), UNIT_TEST(a_replaced_file_is_run_and_noticed))
