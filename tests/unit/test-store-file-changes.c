/*
 * test-store-file-changes.c - the store "file": changes that are hard to see, and writes that fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file-bench.h"
#include "unit.h"

/* A path beside the store's folder. */
static const char *
beside(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    return path;
}

static void
make_folder(const char *path)
{
    CU_ASSERT_TRUE(mkdir(path, 0755) == 0 || errno == EEXIST);
}

/* Writes a file whose times say `age` seconds ago. */
static void
write_old(const char *path, const char *text, time_t age)
{
    struct timespec times[2];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age;
    times[1] = times[0];
    CU_ASSERT_EQUAL(futimens(fd, times), 0);
    close(fd);
}

/* Waits for the next version and checks it; its revision must have grown. */
static void
expect_version(struct files_bench *b, const char *data)
{
    uint64_t before = b->revision;

    CU_ASSERT_TRUE(fake_wait(b->fake, &b->puts, b->puts + 1));
    CU_ASSERT_STRING_EQUAL(b->data, data);
    CU_ASSERT_TRUE(b->revision > before);
}

/* --- changes ------------------------------------------------------------------------------ */

/* Put back from a backup: `mv`, `cp -p`, `rsync -a`, and a hard link. */
static void
an_older_file_is_news(void)
{
    struct files_bench b;

    files_begin(&b);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[1]", HF_STORE_ANY, 0), 0);
    write_old(beside("backup"), "[2]", 3600);
    CU_ASSERT_EQUAL(rename(beside("backup"), files_of("f.json")), 0);
    expect_version(&b, "[2]");
    write_old(files_of("f.json"), "[3]", 7200);
    expect_version(&b, "[3]");
    write_old(beside("backup"), "[4]", 9000);
    CU_ASSERT_EQUAL(unlink(files_of("f.json")), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    CU_ASSERT_EQUAL(link(beside("backup"), files_of("f.json")), 0);
    expect_version(&b, "[4]");
    CU_ASSERT_EQUAL(b.bad, 0);
    files_close(&b);
}

/* What is read and what is told are of one revision, and can be written over, also where the file's
 * own one went back. */
static void
revisions_agree_where_time_went_back(void)
{
    struct files_bench b;
    char old[600];

    make_folder(beside("releases"));
    write_old(beside("releases/1"), "[1]", 5000);
    files_begin(&b);
    fake_settle(b.fake, 20);
    write_old(beside("releases/2"), "[2]", 0);
    snprintf(old, sizeof old, "%s", beside("releases/1"));
    CU_ASSERT_EQUAL(symlink(beside("releases/2"), files_of("f.json")), 0);
    expect_version(&b, "[2]");
    CU_ASSERT_EQUAL(symlink(old, files_of(".new")), 0);
    files_rename(".new", "f.json"); /* the older release: its file did not change at all */
    CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "[1]");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(b.puts, 2);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[3]", HF_STORE_AT_REVISION, b.revision - 1), HF_ECONFLICT);
    CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[3]", HF_STORE_AT_REVISION, b.revision), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.data, "[3]");
    files_close(&b);
}

/* A volume of Kubernetes: files are links through `..data`, which is swapped. */
static void
a_swapped_folder_of_links_is_seen(void)
{
    struct files_bench b;
    char data[600];

    files_begin(&b);
    make_folder(files_of("..1"));
    make_folder(files_of("..2"));
    snprintf(data, sizeof data, "%s", files_of("..data"));
    CU_ASSERT_EQUAL(symlink("..1", data), 0);
    files_write_text("..1/f.json", "[1]");
    CU_ASSERT_EQUAL(symlink("..data/f.json", files_of("f.json")), 0);
    expect_version(&b, "[1]");
    files_write_text("..2/f.json", "[2]");
    CU_ASSERT_EQUAL(symlink("..2", files_of("..data_tmp")), 0);
    CU_ASSERT_EQUAL(rename(files_of("..data_tmp"), data), 0);
    expect_version(&b, "[2]");
    CU_ASSERT_EQUAL(b.bad, 0);
    files_close(&b);
}

/* The kernel tells nothing of what happens behind a link. */
static void
what_a_link_leads_to_is_looked_at(void)
{
    struct files_bench b;

    files_begin(&b);
    write_old(beside("target"), "[1]", 0);
    CU_ASSERT_EQUAL(symlink(beside("target"), files_of("f.json")), 0);
    expect_version(&b, "[1]");
    write_old(beside("target"), "[2]", 0);
    expect_version(&b, "[2]");
    write_old(beside("target"), "[3]", 9999);
    expect_version(&b, "[3]");
    CU_ASSERT_EQUAL(unlink(beside("target")), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    files_close(&b);
}

/* The same times, the same length, other content. */
static void
content_is_compared(void)
{
    const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    struct files_bench b;

    files_begin(&b);
    for (int i = 1; i <= 5; i++) {
        char text[8];

        snprintf(text, sizeof text, "[%d]", i);
        files_write_text(".new", text);
        CU_ASSERT_EQUAL(utimensat(AT_FDCWD, files_of(".new"), times, 0), 0);
        files_rename(".new", "f.json");
        expect_version(&b, text);
    }
    CU_ASSERT_EQUAL(chmod(files_of("f.json"), 0600), 0); /* is no change of the document */
    CU_ASSERT_EQUAL(link(files_of("f.json"), beside("copy")), 0);
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(b.puts, 5);
    files_close(&b);
}

/* The store's folder is a link, which then leads elsewhere. */
static void
a_folder_that_became_another_is_followed(void)
{
    struct files_bench b;
    char store[600];

    snprintf(store, sizeof store, "%s", beside("store"));
    make_folder(beside("a"));
    make_folder(beside("b"));
    make_folder(beside("a/functions"));
    make_folder(beside("b/functions"));
    CU_ASSERT_EQUAL(symlink("a", store), 0);
    write_old(beside("a/functions/f.json"), "[1]", 10);
    write_old(beside("b/functions/f.json"), "[2]", 500);
    write_old(beside("a/functions/g.json"), "[1]", 10);
    files_begin(&b);
    CU_ASSERT_EQUAL(b.puts, 2);
    CU_ASSERT_EQUAL(symlink("b", beside("next")), 0);
    CU_ASSERT_EQUAL(rename(beside("next"), store), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.data, "[2]");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    files_write_text("h.json", "[3]"); /* and it is the new one that events come from */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 4));
    CU_ASSERT_EQUAL(b.lost, 0);
    files_close(&b);
}

/* --- writes --------------------------------------------------------------------------------- */

static mode_t
mode_of(const char *path)
{
    struct stat st = { 0 };

    CU_ASSERT_EQUAL(lstat(path, &st), 0);
    return st.st_mode & (S_IFMT | 0777);
}

static void
others_may_not_read(void)
{
    mode_t mask = umask(0);
    struct files_bench b;

    files_begin(&b);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[1]", HF_STORE_ANY, 0), 0);
    CU_ASSERT_EQUAL(mode_of(files_of("f.json")), S_IFREG | 0640);
    CU_ASSERT_EQUAL(mode_of(files_of(".lock")), S_IFREG | 0640);
    CU_ASSERT_EQUAL(mode_of(files_of("")), S_IFDIR | 0750);
    CU_ASSERT_EQUAL(mode_of(beside("store")), S_IFDIR | 0750);
    files_close(&b);
    umask(mask);
}

/* Links that somebody put where we write lead us nowhere. */
static void
links_are_not_written_through(void)
{
    struct files_bench b;

    files_begin(&b);
    write_old(beside("precious"), "[0]", 0);
    CU_ASSERT_EQUAL(symlink(beside("precious"), files_of(".writing")), 0);
    CU_ASSERT_EQUAL(symlink(beside("precious"), files_of("f.json")), 0);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[1]", HF_STORE_ANY, 0), 0);
    CU_ASSERT_EQUAL(mode_of(files_of("f.json")), S_IFREG | 0640);
    CU_ASSERT_EQUAL(unlink(files_of(".lock")), 0);
    CU_ASSERT_EQUAL(symlink(beside("made"), files_of(".lock")), 0);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[2]", HF_STORE_ANY, 0), HF_EIO);
    CU_ASSERT_NOT_EQUAL(access(beside("made"), F_OK), 0);
    CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "[1]");
    CU_ASSERT_EQUAL(truncate(beside("precious"), 3), 0);
    files_close(&b);
}

/* There is no room for the new version: the old one stays, and the next write has no trouble. */
static void
a_write_that_fails_loses_nothing(void)
{
    struct rlimit before, none = { 0 };
    struct files_bench b;

    files_begin(&b);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[1]", HF_STORE_ANY, 0), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &none);
    CU_ASSERT_EQUAL(files_put(&b, "f", "[2]", HF_STORE_ANY, 0), HF_EIO);
    setrlimit(RLIMIT_FSIZE, &before);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, "functions 'f': cannot write"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, strerror(EFBIG)));
    CU_ASSERT_NOT_EQUAL(access(files_of(".writing"), F_OK), 0);
    CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "[1]");
    CU_ASSERT_EQUAL(files_put(&b, "f", "[3]", HF_STORE_ANY, 0), 0);
    files_close(&b);
}

UNIT_MAIN("store-file-changes", UNIT_TEST(an_older_file_is_news),
          UNIT_TEST(revisions_agree_where_time_went_back),
          UNIT_TEST(a_swapped_folder_of_links_is_seen),
          UNIT_TEST(what_a_link_leads_to_is_looked_at), UNIT_TEST(content_is_compared),
          UNIT_TEST(a_folder_that_became_another_is_followed), UNIT_TEST(others_may_not_read),
          UNIT_TEST(links_are_not_written_through), UNIT_TEST(a_write_that_fails_loses_nothing))
