/*
 * message_json.h - protobuf-c's messages as JSON and back, by their descriptors.
 *
 * For the documents in the store: the JSON form of proto3
 * (https://protobuf.dev/programming-guides/json/), of the kinds of fields that they have: texts,
 * integers that are not negative, messages, lists of texts and messages, maps of texts, and points
 * in time.
 */
#ifndef HF_NODE_MESSAGE_JSON_H
#define HF_NODE_MESSAGE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct hf_arena;
struct hf_err;
struct hf_json;

/* What a reader takes. */
struct hf_message_rules {
    bool extensible; /* passes over fields that the message does not have */
    size_t text_max; /* bytes of a text that others are shown, so no control characters; 0: of any
                        length, and all but NUL */
};

/* Reads a document, HF_STORE_DOCUMENT_MAX long at most, into a message in the arena.  Takes both
 * spellings of a name, and integers as numbers or strings; null is the default.  HF_EINVALID names
 * the field, what was found and what would be right. */
int hf_message_read(const ProtobufCMessageDescriptor *type, const struct hf_message_rules *rules,
                    const char *json, size_t len, struct hf_arena *arena, ProtobufCMessage **ret,
                    struct hf_err *err);

/* Whether the rules take a text. */
bool hf_message_is_showable(const struct hf_message_rules *rules, const char *text, size_t len);

/* Writes a message: an object of the fields that are not at their default. */
void hf_message_write(struct hf_json *json, const char *key, const ProtobufCMessage *message);

/* Writes a field, though it be at its default, under its name in JSON.  `field` is its name in the
 * definition. */
void hf_message_write_field(struct hf_json *json, const ProtobufCMessage *message,
                            const char *field);

/* Whether a field is at its default. */
bool hf_message_is_default(const ProtobufCMessage *message, const char *field);

#endif
