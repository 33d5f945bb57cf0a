/*
 * users.h - the users that instances run as, if the worker may choose: one for all, or one of a
 * range for each function.
 */
#ifndef HF_RUNTIME_PROCESS_USERS_H
#define HF_RUNTIME_PROCESS_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/host.h>

struct users;
struct user; /* held by an instance */

/* Reads the option `user`: NAME, UID or UID-UID.  `*ret` is NULL if it is unset: then instances run
 * as the worker does. */
int users_new(const struct hf_host *, const struct hf_options *, struct users **ret,
              struct hf_err *err);
void users_free(struct users *); /* NULL is allowed */

/* The user for an instance of a function: of those of a range, one that no other function has at
 * present.  HF_EFULL: all are taken. */
int users_take(struct users *, const char *function_id, struct user **ret, struct hf_err *err);
void users_release(struct users *, struct user *); /* NULL is allowed */

uint32_t user_uid(const struct user *);
uint32_t users_gid(const struct users *, const struct user *);

/* Their home; instances do not get the worker's own. */
const char *users_home(const struct users *);

#endif
