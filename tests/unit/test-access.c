/*
 * test-access.c - who is at the other end of a connection, and who is a manager.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "loop/kin.h"
#include "loop/peer.h"
#include "node/access.h"
#include "node/managers.h"
#include "node/node_config.h"
#include "node/secret.h"
#include "unit.h"

/* A connection within this process: [0] was accepted, [1] connected. */
static void
connect_to_self(int domain, int fds[2])
{
    struct sockaddr_storage address = { .ss_family = (sa_family_t)domain };
    socklen_t len = sizeof address;
    int listener = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (domain == AF_INET) {
        ((struct sockaddr_in *)(void *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        ((struct sockaddr_in6 *)(void *)&address)->sin6_addr = in6addr_loopback;
    }
    CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    fds[1] = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fds[1], (struct sockaddr *)&address, len), 0);
    fds[0] = accept(listener, NULL, NULL);
    CU_ASSERT_FATAL(fds[0] >= 0);
    close(listener);
}

static void
check_self(int domain)
{
    struct hf_peer peer;
    struct stat st;
    int fds[2];

    connect_to_self(domain, fds);
    fstat(fds[1], &st);
    hf_peer_of_socket(fds[0], &peer);
    CU_ASSERT_EQUAL(peer.kind, HF_PEER_LOCAL);
    UNIT_U64(peer.uid, geteuid());
    UNIT_U64(peer.inode, st.st_ino);
    CU_ASSERT(hf_peer_ip_is_loopback(&peer.ip));
    CU_ASSERT_EQUAL(hf_kin_of_peer(fds[0], &peer), HF_KIN_NONE);
    close(fds[1]);
    hf_peer_of_socket(fds[0], &peer);
    CU_ASSERT_EQUAL(peer.kind, HF_PEER_UNKNOWN); /* not root, as the kernel's 0 would have it */
    close(fds[0]);
}

static void
peers_of_this_host_are_known(void)
{
    struct hf_peer peer;
    int pair[2];

    check_self(AF_INET);
    check_self(AF_INET6);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    hf_peer_of_socket(pair[0], &peer);
    CU_ASSERT_EQUAL(peer.kind, HF_PEER_LOCAL);
    UNIT_U64(peer.pid, getpid());
    close(pair[0]);
    close(pair[1]);
}

/* What a child has is not ours to trust. */
static void
children_are_recognised(void)
{
    struct hf_peer peer;
    int fds[2];
    int wait[2];
    pid_t child;

    connect_to_self(AF_INET, fds);
    CU_ASSERT_EQUAL_FATAL(pipe(wait), 0);
    child = fork();
    if (child == 0) {
        char byte;

        close(fds[0]);
        close(wait[1]);
        (void)!read(wait[0], &byte, 1);
        _exit(0);
    }
    close(fds[1]);
    close(wait[0]);
    hf_peer_of_socket(fds[0], &peer);
    CU_ASSERT_EQUAL(hf_kin_of_peer(fds[0], &peer), HF_KIN_OURS);
    close(wait[1]);
    waitpid(child, NULL, 0);
    hf_peer_of_socket(fds[0], &peer);
    CU_ASSERT_EQUAL(peer.kind, HF_PEER_UNKNOWN);
    close(fds[0]);
}

/* --- the list ---------------------------------------------------------------- */

static struct hf_options *
options_of(const char *managers, struct hf_config **ret)
{
    char text[512];
    const struct hf_option *rows = hf_node_section("node")->rows;
    struct hf_options *options = NULL;
    struct hf_err err = HF_ERR_INIT;

    snprintf(text, sizeof text, "[node]\nroles = leaf\nmanagers = %s\n", managers);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "test", ret, &err), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_options_new("node", hf_config_section(*ret, "node"), rows, &options, &err), 0);
    return options;
}

/* Whether `managers` has a peer: from elsewhere if `uid` is negative. */
static bool
has(const char *managers, const char *ip, long uid)
{
    struct hf_peer peer = {
        .kind = uid < 0 ? HF_PEER_REMOTE : HF_PEER_LOCAL,
        .uid = (uid_t)uid,
    };
    struct hf_config *config = NULL;
    struct hf_options *options = options_of(managers, &config);
    struct hf_managers list;
    bool found;

    CU_ASSERT_EQUAL_FATAL(hf_managers_read(options, &list, NULL), 0);
    CU_ASSERT_FATAL(hf_peer_ip_parse(ip, &peer.ip));
    found = hf_managers_have(&list, &peer);
    hf_managers_fini(&list);
    hf_options_free(options);
    hf_config_free(config);
    return found;
}

static void
lists_of_managers(void)
{
    static const struct {
        const char *managers;
        const char *ip;
        long uid; /* -1: from elsewhere */
        bool expected;
    } rows[] = {
        { "private", "10.1.2.3", -1, true },
        { "private", "172.31.0.1", -1, true },
        { "private", "172.32.0.1", -1, false },
        { "private", "192.168.1.1:4711", -1, true },
        { "private", "8.8.8.8", -1, false },
        { "private", "fd00::1", -1, true },
        { "private", "fe80::1", -1, true },
        { "private", "2001:db8::1", -1, false },
        { "private", "10.1.2.3", 1000, false }, /* of users of this host only the user counts */
        { "any", "8.8.8.8", -1, true },
        { "any", "2001:db8::1", -1, true },
        { "any", "127.0.0.1", 1000, false },
        { "none", "10.1.2.3", -1, false },
        { "10.0.0.5", "10.0.0.5", -1, true },
        { "10.0.0.5", "10.0.0.4", -1, false },
        { "10.0.0.4/30, fd00::/64", "10.0.0.7", -1, true },
        { "10.0.0.4/30, fd00::/64", "10.0.0.8", -1, false },
        { "10.0.0.4/30, fd00::/64", "[fd00::1]:80", -1, true },
        { "10.0.0.4/30, fd00::/64", "fd00:0:0:1::1", -1, false },
        { "127.0.0.1", "127.0.0.1", 1000, true },
        { "user:1000", "127.0.0.1", 1000, true },
        { "user:1000", "127.0.0.1", 1001, false },
        { "user:root", "10.1.2.3", 0, true },
        { "user:0", "10.1.2.3", -1, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = has(rows[i].managers, rows[i].ip, rows[i].uid);

        UNIT_INT(found, rows[i].expected);
    }
}

static void
words_that_are_none(void)
{
    static const char *const bad[] = {
        "10.0.0.0/33", "10.0.0.300", "fd00::/129", "10.0.0.5:80",
        "hello",       "user:",      "user:-1",    "user:nobody-has-this-name",
        "10.0.0.0/",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hf_config *config = NULL;
        struct hf_options *options = options_of(bad[i], &config);
        struct hf_err err = HF_ERR_INIT;
        struct hf_access *access = NULL;

        UNIT_INT(hf_access_new(options, &access, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i]);
        hf_access_free(access);
        hf_options_free(options);
        hf_config_free(config);
    }
}

/* --- the secret ---------------------------------------------------------------- */

static void
secrets_are_made_once(void)
{
    char first[HF_SECRET_MAX];
    char second[HF_SECRET_MAX];
    char file[PATH_MAX];
    struct hf_err err = HF_ERR_INIT;
    struct stat st;

    snprintf(file, sizeof file, "%s/secret", unit_folder());
    UNIT_INT(hf_secret_read(file, first, &err), HF_ENOTFOUND);
    UNIT_INT(hf_secret_keep(file, first, NULL), 0);
    UNIT_U64(strlen(first), 32);
    CU_ASSERT_EQUAL(stat(file, &st), 0);
    UNIT_U64(st.st_mode & 0777, 0600);
    UNIT_INT(hf_secret_keep(file, second, NULL), 0);
    UNIT_STR(second, first);
    CU_ASSERT_EQUAL(chmod(file, 0644), 0);
    UNIT_INT(hf_secret_keep(file, second, &err), HF_EDENIED);
    UNIT_CONTAINS(err.message, "chmod o=");
}

static void
secrets_that_are_none(void)
{
    static const char *const bad[] = { "", "short\n", "sixteen letters and a blank\n",
                                       "sixteen-letters-\x01\n" };
    char secret[HF_SECRET_MAX];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *file = unit_file("bad", bad[i]);
        struct hf_err err = HF_ERR_INIT;

        CU_ASSERT_EQUAL(chmod(file, 0600), 0);
        UNIT_INT(hf_secret_keep(file, secret, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "expected one line");
    }
    CU_ASSERT(hf_secret_is_for("127.0.0.1:50051", false));
    CU_ASSERT(hf_secret_is_for("localhost:50051", false));
    CU_ASSERT(hf_secret_is_for("unix:/run/x", false));
    CU_ASSERT_FALSE(hf_secret_is_for("10.0.0.5:50051", false));
    CU_ASSERT_FALSE(hf_secret_is_for("worker.example:50051", false));
    CU_ASSERT(hf_secret_is_for("10.0.0.5:50051", true));
}

UNIT_MAIN("access", UNIT_TEST(peers_of_this_host_are_known), UNIT_TEST(children_are_recognised),
          UNIT_TEST(lists_of_managers), UNIT_TEST(words_that_are_none),
          UNIT_TEST(secrets_are_made_once), UNIT_TEST(secrets_that_are_none))
