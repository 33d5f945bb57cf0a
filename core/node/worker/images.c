/*
 * images.c - which images are here, of those that functions name.
 *
 * The runtime may have many more, which no leaf asks for.  What is present, and what changes, goes
 * to those that watch; it is a hint for them, so that there may be a limit.
 */
#include <stdlib.h>
#include <string.h>

#include "node/worker/worker.h"

/* Most that are looked after. */
#define IMAGES_MAX 1000

static struct hf_worker_image *
find(const struct hf_worker_role *worker, const char *tag)
{
    struct hf_map_node *node = hf_map_find(&worker->images, tag, strlen(tag));

    return node ? hf_container_of(node, struct hf_worker_image, node) : NULL;
}

static struct hf_worker_image *
image_new(struct hf_worker_role *worker, const char *tag)
{
    size_t len = strlen(tag);
    struct hf_worker_image *image = NULL;

    if (hf_map_count(&worker->images) < IMAGES_MAX) {
        image = calloc(1, sizeof *image + len + 1);
    }
    if (!image) {
        return NULL;
    }
    memcpy(image->tag, tag, len + 1);
    if (hf_map_add(&worker->images, &image->node, image->tag, len) < 0) {
        free(image);
        return NULL;
    }
    return image;
}

static void
set_present(struct hf_worker_role *worker, struct hf_worker_image *image, bool present)
{
    if (image->present != present) {
        image->present = present;
        hf_worker_tell_image(worker, image);
    }
}

static void
look(struct hf_worker_role *worker, struct hf_worker_image *image)
{
    set_present(worker, image,
                !worker->ops->image_present ||
                    worker->ops->image_present(worker->runtime, image->tag));
}

/* --- the functions that name them ------------------------------------------------------------ */

/* A function names it no longer. */
static void
leave(struct hf_worker_role *worker, const char *tag)
{
    struct hf_worker_image *image = find(worker, tag);

    if (image && --image->functions == 0) {
        set_present(worker, image, false);
        hf_map_remove(&worker->images, &image->node);
        free(image);
    }
}

static void
on_put(struct hf_catalog_listener *listener, struct hf_function_def *def,
       struct hf_function_def *old)
{
    struct hf_worker_role *worker = hf_container_of(listener, struct hf_worker_role, functions);
    struct hf_worker_image *image = find(worker, def->function.image);

    if (image) {
        image->functions++;
    } else if ((image = image_new(worker, def->function.image))) {
        image->functions = 1;
        look(worker, image);
    }
    if (old) {
        leave(worker, old->function.image);
    }
}

static void
on_delete(struct hf_catalog_listener *listener, struct hf_function_def *def)
{
    leave(hf_container_of(listener, struct hf_worker_role, functions), def->function.image);
}

/* --- the role -------------------------------------------------------------------------------- */

void
hf_worker_images_init(struct hf_worker_role *worker, uint64_t seed)
{
    hf_map_init(&worker->images, seed);
    worker->functions.on_put = on_put;
    worker->functions.on_delete = on_delete;
    hf_catalog_listen(worker->catalog, &worker->functions);
}

void
hf_worker_images_fini(struct hf_worker_role *worker)
{
    struct hf_map_node *node;

    hf_catalog_unlisten(&worker->functions);
    while ((node = hf_map_pop(&worker->images))) {
        free(hf_container_of(node, struct hf_worker_image, node));
    }
    hf_map_fini(&worker->images);
}

void
hf_worker_look_for_image(struct hf_worker_role *worker, const char *tag)
{
    struct hf_worker_image *image = find(worker, tag);

    if (image) {
        look(worker, image);
    }
}

void
hf_worker_on_images(void *arg)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);
    struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&worker->images, node))) {
        look(worker, hf_container_of(node, struct hf_worker_image, node));
    }
}
