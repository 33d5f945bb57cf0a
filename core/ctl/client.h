/*
 * client.h - asking a node over its control socket; for command line tools.
 */
#ifndef HF_CTL_CLIENT_H
#define HF_CTL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct hf_err;
struct hf_text;

/* Sends one request and waits for its answer, at most `timeout_ns`.  `words` are the
 * command and its arguments.  0 and the output; or the command's code with its message;
 * or HF_EUNAVAILABLE, HF_ETIMEOUT. */
int hf_ctl_ask(const char *socket_path, const char *const *words, size_t count, uint64_t timeout_ns,
               struct hf_text *ret, struct hf_err *err);

#endif
