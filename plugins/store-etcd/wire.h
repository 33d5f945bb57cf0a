/*
 * wire.h - what etcd's JSON gateway is asked with, and what it answers: numbers come as texts,
 * zeros and empty values not at all, keys and values as base64.
 *
 * etcd ignores fields that it does not know: a misspelt "start_revision" would mean "from now
 * on".  So all bodies are made here, and tests compare them letter by letter.  Each function
 * returns a malloc'ed text, or NULL without memory.
 */
#ifndef HF_STORE_ETCD_WIRE_H
#define HF_STORE_ETCD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Longest text for an operator, with its NUL. */
#define MESSAGE_SIZE 512

/* --- base64: the standard alphabet, padded -------------------------------------------------- */

/* A malloc'ed text, or NULL without memory. */
char *base64_encode(const void *data, size_t len);

/* The bytes, malloc'ed and with a NUL behind them; NULL if `text` is no base64, or without
 * memory. */
char *base64_decode(const char *text, size_t len, size_t *ret_len);

/* --- requests ------------------------------------------------------------------------------- */

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

/* --- answers -------------------------------------------------------------------------------- */

/* One whole JSON object, to be put back; NULL: it is none. */
struct json_object *answer_parse(const char *data, size_t len);

/* What an answer's header tells; 0 where it does not. */
struct header {
    uint64_t cluster;  /* whose answer it is */
    uint64_t term;     /* grows with each election of one cluster */
    uint64_t revision; /* of the store */
};
struct header answer_header(struct json_object *answer);
uint64_t answer_revision(struct json_object *answer);

/* What is kept under a key. */
struct pair {
    char *key, *value; /* both with a NUL behind; `value` is NULL if it is no base64 */
    size_t key_len, value_len;
    uint64_t revision; /* at which it changed last */
};

/* Reads a "kv"; false: it has no key that can be read. */
bool pair_read(struct json_object *kv, struct pair *ret);
void pair_fini(struct pair *);

/* What etcd says when it refuses: the gRPC code (2, UNKNOWN, if it gives none) and its message. */
uint32_t answer_refusal(const char *body, size_t len, char message[MESSAGE_SIZE]);

#endif
