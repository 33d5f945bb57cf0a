/*
 * requests.h - what an engine is sent.
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
struct mould {
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
char *request_create(const struct mould *, const struct making *);

/* The query `filters=...` for what has the marks of this node, in whichever of its lives, to be
 * freed.  `events`: of GET /events, for containers alone.  NULL: no memory. */
char *request_filters(const struct marks *, bool events);

#endif
