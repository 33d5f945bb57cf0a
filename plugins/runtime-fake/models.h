/*
 * models.h - what fake instances do when they are called.
 */
#ifndef HF_RUNTIME_FAKE_MODELS_H
#define HF_RUNTIME_FAKE_MODELS_H

#include <hyperfaas/host.h>

#include "fake.h"

struct model {
    const char *image;  /* without prefix and version */
    const char *method; /* the only one it has; NULL: any */
    const char *help;
    /* Answers a unary call whose request has come.  NULL: returns each message
     * as it comes. */
    void (*serve)(struct call *);
};

/* The model of an image tag, or NULL and an error that names those there are. */
const struct model *model_find(const struct hf_runtime *, const char *image, struct hf_err *err);

/* The part of a tag between prefix and version; its length in `*ret_len`. */
const char *image_stem(const char *image, size_t *ret_len);

#endif
