/*
 * answers.h - reading etcd's JSON: numbers come as texts, zeros and empty values not at all.
 */
#ifndef HF_STORE_ETCD_ANSWERS_H
#define HF_STORE_ETCD_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Longest text for an operator, with its NUL. */
#define MESSAGE_SIZE 512

/* One whole JSON object, to be put back; NULL: it is none. */
struct json_object *answer_parse(const char *data, size_t len);

/* The member, or NULL; `object` may be NULL too. */
struct json_object *answer_member(struct json_object *object, const char *name);
uint64_t answer_u64(struct json_object *object, const char *name);
bool answer_bool(struct json_object *object, const char *name);
const char *answer_text(struct json_object *object, const char *name); /* never NULL */
size_t answer_count(struct json_object *array);

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
