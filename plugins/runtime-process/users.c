/*
 * users.c - the users that instances run as.
 */
#include "users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without this, uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define RANGE_MAX 65536u

struct user {
    UT_hash_handle hh; /* by `function` */
    uint32_t uid;
    unsigned instances;
    char function[];
};

struct users {
    const struct hf_host *host;
    uint32_t first;
    uint32_t count;
    bool each;    /* function has one of its own */
    uint32_t gid; /* of the only one */
    char *home;
    struct user *by_function; /* uthash */
    struct user **taken;      /* by uid - first; NULL: free */
};

/* --- the option ----------------------------------------------------------------------------- */

static int
fail_option(const struct hf_host *host, const char *text, const char *why, struct hf_err *err)
{
    return host->fail(err, HF_EINVALID,
                      "runtime process: user = %s: %s; expected the name of a user, a number, or "
                      "a range of numbers such as 100000-165535",
                      text, why);
}

/* Reads a number that ends at `*end`; false: there is none, or it is no uid. */
static bool
read_uid(const char *text, const char **end, uint32_t *ret)
{
    char *stop;
    unsigned long long value;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    value = strtoull(text, &stop, 10);
    if (errno || value >= UINT32_MAX) {
        return false;
    }
    *end = stop;
    *ret = (uint32_t)value;
    return true;
}

/* What the system knows of a user, by name or, if that is NULL, by number; false: nothing. */
static bool
look_up(struct users *users, const char *name)
{
    struct passwd entry, *found = NULL;
    char texts[16384];
    int r = name ? getpwnam_r(name, &entry, texts, sizeof texts, &found)
                 : getpwuid_r(users->first, &entry, texts, sizeof texts, &found);

    if (r != 0 || !found) {
        return false;
    }
    users->first = found->pw_uid;
    users->gid = found->pw_gid;
    users->home = strdup(found->pw_dir);
    return true;
}

static int
read_range(struct users *users, const char *text, const char *rest, struct hf_err *err)
{
    uint32_t last;

    if (!read_uid(rest, &rest, &last) || *rest || last < users->first) {
        return fail_option(users->host, text, "this is no range", err);
    }
    if (last - users->first >= RANGE_MAX) {
        return fail_option(users->host, text, "these are more than 65536", err);
    }
    users->count = last - users->first + 1;
    users->each = true;
    return 0;
}

static int
read_user(struct users *users, const char *text, struct hf_err *err)
{
    const char *rest;
    int r = 0;

    users->count = 1;
    if (!read_uid(text, &rest, &users->first)) {
        if (!look_up(users, text)) {
            return fail_option(users->host, text, "there is no such user", err);
        }
    } else if (*rest == '-') {
        r = read_range(users, text, rest + 1, err);
    } else if (*rest) {
        return fail_option(users->host, text, "this is no number", err);
    } else if (!look_up(users, NULL)) {
        users->gid = users->first;
    }
    if (r == 0 && users->first == 0) {
        return fail_option(users->host, text, "this is root", err);
    }
    return r;
}

int
users_new(const struct hf_host *host, const struct hf_options *options, struct users **ret,
          struct hf_err *err)
{
    const char *text = host->option_string(options, "user");
    struct users *users;
    int r;

    *ret = NULL;
    if (!text || !*text) {
        return 0;
    }
    users = calloc(1, sizeof *users);
    if (!users) {
        return host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    users->host = host;
    r = read_user(users, text, err);
    if (r == 0 && geteuid() != 0) {
        r = host->fail(err, HF_EDENIED,
                       "runtime process: user = %s: only a worker that runs as root can start "
                       "instances as other users; leave it unset, or start the worker as root",
                       text);
    }
    if (r == 0) {
        users->taken = calloc(users->count, sizeof(struct user *));
        users->home = users->home ? users->home : strdup("/");
        r = users->taken && users->home
                ? 0
                : host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    if (r < 0) {
        users_free(users);
        return r;
    }
    *ret = users;
    return 0;
}

void
users_free(struct users *users)
{
    struct user *user, *next;

    if (!users) {
        return;
    }
    HASH_ITER (hh, users->by_function, user, next) {
        HASH_DEL(users->by_function, user);
        free(user);
    }
    free(users->taken);
    free(users->home);
    free(users);
}

/* --- who has which -------------------------------------------------------------------------- */

/* The place of a user that nobody has, for the same function mostly the same; `count`: none. */
static uint32_t
find_free(const struct users *users, const char *function, size_t len)
{
    uint32_t start = (uint32_t)(users->host->hash(function, len) % users->count);

    for (uint32_t i = 0; i < users->count; i++) {
        uint32_t place = (start + i) % users->count;

        if (!users->taken[place]) {
            return place;
        }
    }
    return users->count;
}

int
users_take(struct users *users, const char *function_id, struct user **ret, struct hf_err *err)
{
    const char *key = users->each ? function_id : "";
    size_t len = strlen(key);
    struct user *user;
    uint32_t place;

    HASH_FIND(hh, users->by_function, key, len, user);
    if (user) {
        user->instances++;
        *ret = user;
        return 0;
    }
    place = find_free(users, key, len);
    if (place == users->count) {
        return users->host->fail(err, HF_EFULL, "other functions have all %u users (option 'user')",
                                 (unsigned)users->count);
    }
    user = calloc(1, sizeof *user + len + 1);
    if (user) {
        memcpy(user->function, key, len + 1);
        user->uid = users->first + place;
        user->instances = 1;
        HASH_ADD_KEYPTR(hh, users->by_function, user->function, len, user);
    }
    if (!user || !user->hh.tbl) {
        free(user);
        return users->host->fail(err, HF_ENOMEM, "out of memory");
    }
    users->taken[place] = user;
    *ret = user;
    return 0;
}

void
users_release(struct users *users, struct user *user)
{
    if (user && --user->instances == 0) {
        users->taken[user->uid - users->first] = NULL;
        HASH_DEL(users->by_function, user);
        free(user);
    }
}

uint32_t
user_uid(const struct user *user)
{
    return user->uid;
}

uint32_t
users_gid(const struct users *users, const struct user *user)
{
    return users->each ? user->uid : users->gid;
}

const char *
users_home(const struct users *users)
{
    return users->home;
}
