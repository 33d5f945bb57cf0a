/*
 * node_place.h - errors of a configuration with their place: "FILE:LINE: [section] key: ...".
 */
#ifndef HF_NODE_NODE_PLACE_H
#define HF_NODE_NODE_PLACE_H

struct hf_config;
struct hf_err;

/* Puts place, section and key before what is wrong with a value.  The place is that of the key's
 * value, of a list the one with the word `item` (NULL: the last); of a key that is not given it is
 * the section's.  Returns `code`. */
int hf_node_wrap_value(const struct hf_config *config, const char *section, const char *key,
                       const char *item, int code, struct hf_err *err);

/* Fails with HF_EINVALID, and the same before the message. */
int hf_node_refuse(const struct hf_config *config, const char *section, const char *key,
                   const char *item, struct hf_err *err, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Puts place and section before what a module said when it was created: the place of the option
 * that the message names, or of the section.  Returns `code`. */
int hf_node_wrap_module(const struct hf_config *config, const char *section, const char *module,
                        int code, struct hf_err *err);

#endif
