/*
 * images.h - which images the engine has, and pulling those that it has not.
 *
 * Many starts may want an image at the same time: it is pulled once.  A pull goes on when nobody
 * waits for it any more, so that a long one helps the next start.
 */
#ifndef HF_RUNTIME_DOCKER_IMAGES_H
#define HF_RUNTIME_DOCKER_IMAGES_H

#include "docker.h"

/* Someone who waits for an image; embedded. */
struct pull_waiter {
    struct pull_waiter *prev, *next; /* utlist */
    struct pull *pull;               /* NULL: waits for nothing */
    /* The image is there, or `message` says why not. */
    void (*done)(struct pull_waiter *, int code, const char *message);
};

int images_new(struct hf_runtime *, struct images **ret, struct hf_err *err);
/* Nobody who waits hears of it.  NULL is allowed. */
void images_free(struct images *);

/* What GET /images/json says: an element of its list, after all was forgotten. */
void images_clear(struct images *);
void images_take(struct images *, struct json_object *image);

/* A container was made from it, or could not be. */
void images_note(struct images *, const char *name, bool present);

bool images_present(const struct images *, const char *image);
size_t images_count(const struct images *);

/* Pulls an image, or joins the pull under way.  On 0 `done` follows, unless `images_leave`.
 * HF_EUNSUPPORTED: it is not to be pulled; HF_ENOMEM. */
int images_pull(struct images *, const char *image, struct pull_waiter *);
void images_leave(struct pull_waiter *);

/* Appends the pulls under way. */
void images_show(const struct images *, struct hf_text *);

#endif
