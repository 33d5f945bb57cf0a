/*
 * requests.h - the JSON that etcd's gateway is asked with; keys and values are base64.
 *
 * etcd ignores fields that it does not know: a misspelt "start_revision" would mean "from now
 * on".  So all bodies are made here, and tests compare them letter by letter.  Each function
 * returns a malloc'ed text, or NULL without memory.
 */
#ifndef HF_STORE_ETCD_REQUESTS_H
#define HF_STORE_ETCD_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_RANGE           "/v3/kv/range"
#define PATH_PUT             "/v3/kv/put"
#define PATH_DELETE          "/v3/kv/deleterange"
#define PATH_TXN             "/v3/kv/txn"
#define PATH_WATCH           "/v3/watch"
#define PATH_AUTHENTICATE    "/v3/auth/authenticate"
#define PATH_LEASE_GRANT     "/v3/lease/grant"
#define PATH_LEASE_KEEPALIVE "/v3/lease/keepalive"
#define PATH_LEASE_REVOKE    "/v3/lease/revoke"

char *request_get(const char *key);

/* Up to `limit` keys from `first` to before `end`, as they were at `revision` (0: now). */
char *request_list(const char *first, const char *end, unsigned limit, uint64_t revision,
                   bool keys_only);

char *request_put(const char *key, const char *value);

/* A put if there is no such key, and a put over exactly `revision`, which else reads the key. */
char *request_put_absent(const char *key, const char *value);
char *request_put_over(const char *key, const char *value, uint64_t revision);

/* A put under a lease, unless the key is there under it already. */
char *request_put_leased(const char *key, const char *value, uint64_t lease);

char *request_lease_grant(uint64_t ttl_seconds);

/* To keep it alive, and to revoke it. */
char *request_lease(uint64_t lease);

char *request_remove(const char *key);

/* All changes of the range from `revision` on. */
char *request_watch(const char *first, const char *end, uint64_t revision);

char *request_authenticate(const char *user, const char *password);

#endif
