/*
 * names.h - what containers and images are called.
 */
#ifndef HF_RUNTIME_DOCKER_NAMES_H
#define HF_RUNTIME_DOCKER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A container's name: short enough for the engine's DNS, which takes 63 characters. */
#define NAME_SIZE 64

/* An instance id: the first 12 digits of the container's, which is its host name. */
#define INSTANCE_ID_SIZE 13

/* Writes `hyperfaas-<image>-<8 hex>`: the image without its prefix, a plain ":latest", and what
 * a name must not have. */
void name_container(const char *image, uint64_t unique, char ret[static NAME_SIZE]);

/* Splits a reference for a pull: the repository, and the tag or digest ("latest" if it has
 * none).  The repository is to be freed; NULL: no memory. */
char *name_repository(const char *image, const char **ret_tag);

/* The name without what engines put before it: Docker knows "docker.io/library/x:1" as "x:1",
 * Podman calls an image of its own "localhost/x:1". */
const char *name_plain(const char *image);

/* Writes the instance id of a container id; false if that is none. */
bool name_instance(const char *container_id, char ret[static INSTANCE_ID_SIZE]);

/* Escapes a text for a URL's path or query; to be freed.  NULL: no memory. */
char *name_escape(const char *text);

#endif
