/*
 * requests.h - what an engine is sent, and what containers and images are called.
 *
 * Nothing that a user wrote gets into a request but as a value that we put there: the socket is
 * as good as root.
 */
#ifndef HF_RUNTIME_DOCKER_REQUESTS_H
#define HF_RUNTIME_DOCKER_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

/* Where a function listens inside its container. */
#define FUNCTION_PORT        "50052"
#define FUNCTION_PORT_NUMBER 50052

/* What marks a container as ours. */
#define LABEL_CLUSTER  "hf.cluster"
#define LABEL_NODE     "hf.node"
#define LABEL_BOOT     "hf.boot"
#define LABEL_FUNCTION "hf.function"
#define LABEL_OWNER    "hf.owner"
#define LABEL_REVISION "hf.revision"

/* Who made a container. */
struct marks {
    const char *cluster;
    const char *node;
    const char *boot;
};

/* What all containers have in common. */
struct template
{
    struct marks marks;
    const char *network;    /* to be in; "": the engine's default */
    const char *publish;    /* IP address for the published port; "": do not publish */
    const char *volume;     /* mounted at /logs; "": none */
    const char *const *env; /* more variables, NULL-terminated */
    uint64_t pids;          /* processes and threads; 0: no limit */
    uint64_t log_bytes;     /* kept of what it writes, twice */
    bool read_only;         /* its files, but for /tmp and /logs */
};

/* What one has for itself. */
struct making {
    char *image;
    char *function_id;
    char *owner_id;
    char *controller; /* HOST:PORT */
    uint64_t memory_bytes;
    uint64_t cpu_period_us;
    uint64_t cpu_quota_us;
    uint64_t revision;
};

void making_fini(struct making *);

/* The body of POST /containers/create, to be freed; NULL: no memory. */
char *request_create(const struct template *, const struct making *);

/* The query `filters=...` for what has the marks of this node, in whichever of its lives, to be
 * freed.  `events`: of GET /events, for containers alone.  NULL: no memory. */
char *request_filters(const struct marks *, bool events);

/* --- names ---------------------------------------------------------------------------------- */

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
