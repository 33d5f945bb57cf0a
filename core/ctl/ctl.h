/*
 * ctl.h - the control socket: ask the running program, and tell it.
 *
 * A unix stream socket in the node's state folder, mode 0600.  Each module
 * registers its own commands, so whoever wrote the state also wrote its `show`.
 *
 * A request is one line, at most 64 KiB: words divided by blanks, a word with
 * blanks in double quotes (\" and \\ inside).  "--json" before the command asks
 * for JSON.  The answer is one line and a body:
 *
 *     ok LENGTH\n             the output, LENGTH bytes
 *     error CODE LENGTH\n     a message; CODE is the name of an HF_E code
 *
 * A connection may carry several requests, answered in their order.
 */
#ifndef HF_CTL_CTL_H
#define HF_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

struct hf_ctl;
struct hf_ctl_call;
struct hf_err;
struct hf_loop;
struct hf_text;

/* Makes the registry, with the built-in command `help`. */
int hf_ctl_new(struct hf_loop *loop, struct hf_ctl **ret, struct hf_err *err);

/* Opens a socket; may be called for several paths.  HF_EEXISTS: another process serves it. */
int hf_ctl_listen(struct hf_ctl *ctl, const char *path, struct hf_err *err);

/* Closes sockets and connections; runs the loop for a second at most, so that calls under way get
 * their answers.  Commands stay until their owners take them away.  NULL is allowed. */
void hf_ctl_close(struct hf_ctl *ctl);

/* Closes, if that has not been done, and frees.  NULL is allowed. */
void hf_ctl_free(struct hf_ctl *ctl);

/* --- commands ------------------------------------------------------------------------------ */

/* What a handler returns besides 0 and HF_E codes: it will call `hf_ctl_finish`. */
#define HF_CTL_LATER 1

/* Appends to `hf_ctl_out(call)`.  Loop thread. */
typedef int hf_ctl_fn(void *arg, struct hf_ctl_call *call, struct hf_err *err);

/* A row of a module's static table; the table ends with a row whose name is NULL. */
struct hf_ctl_command {
    const char *name;      /* "lb/show" */
    const char *arguments; /* "[FUNCTION]", "" */
    const char *help;      /* one sentence */
    unsigned int min_args;
    unsigned int max_args;
    bool json; /* writes JSON when `hf_ctl_json(call)`; otherwise its text becomes a string */
    hf_ctl_fn *fn;
};

/* Adds commands; the table is borrowed until `unregister`.  HF_EEXISTS: a name is taken. */
int hf_ctl_register(struct hf_ctl *ctl, const struct hf_ctl_command *commands, void *arg,
                    struct hf_err *err);

/* Takes them away; calls of theirs under way must have been finished. */
void hf_ctl_unregister(struct hf_ctl *ctl, const struct hf_ctl_command *commands, void *arg);

/* --- in a handler -------------------------------------------------------------------------- */

unsigned int hf_ctl_argc(const struct hf_ctl_call *call);

/* NULL behind the last. */
const char *hf_ctl_arg(const struct hf_ctl_call *call, unsigned int i);

bool hf_ctl_json(const struct hf_ctl_call *call);

struct hf_text *hf_ctl_out(struct hf_ctl_call *call);

/* Answers a call whose handler returned HF_CTL_LATER; the call is gone.  `code` and
 * `err` as a handler returns them.  Not from within the handler. */
void hf_ctl_finish(struct hf_ctl_call *call, int code, const struct hf_err *err);

#endif
