/*
 * listing.h - what runs from before, and what the engine has that it should not.
 */
#ifndef HF_RUNTIME_DOCKER_LISTING_H
#define HF_RUNTIME_DOCKER_LISTING_H

#include "docker.h"

/* The operation `list` of runtimes. */
int listing_begin(struct hf_runtime *, hf_runtime_list_fn *each, void *arg, struct hf_err *err);

/* The engine is there: asks it; it is lost: what waits for it fails. */
void listings_go_on(struct hf_runtime *);
void listings_give_up(struct hf_runtime *, const char *why);

/* The runtime is being closed. */
void listings_destroy(struct hf_runtime *);

/* The path that lists this node's containers, to be freed; NULL: no memory. */
char *listing_path(const struct hf_runtime *);

/* A container that the engine had at a moment: if nobody knows it, it is removed. */
void listing_consider(struct hf_runtime *, struct json_object *container, uint64_t moment);

/* All were considered: instances whose container is not there or does not run have ended. */
void listing_reconcile(struct hf_runtime *, uint64_t moment);

#endif
