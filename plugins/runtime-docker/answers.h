/*
 * answers.h - what an engine says.
 */
#ifndef HF_RUNTIME_DOCKER_ANSWERS_H
#define HF_RUNTIME_DOCKER_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#define ADDRESS_SIZE 96
#define REASON_SIZE  256

/* Where the addresses of a container are to be found. */
struct addressing {
    const char *network;   /* "": the engine's default */
    const char *advertise; /* host part of the external address; "": the published one's */
};

/* A container as inspected. */
struct inspected {
    bool running; /* and not paused */
    bool paused;
    bool out_of_memory;
    int32_t exit_code;
    char reason[REASON_SIZE];    /* the engine's own word on why it did not run; "" if none */
    char internal[ADDRESS_SIZE]; /* in the network; "" if it has none there */
    char external[ADDRESS_SIZE]; /* on the host; "" if not published */
};

/* Reads GET /containers/ID/json. */
void answer_inspect(struct json_object *, const struct addressing *, struct inspected *ret);

/* A container as listed; texts belong to the JSON. */
struct listed {
    const char *id;
    const char *name; /* without its slash */
    const char *boot;
    const char *function_id;
    const char *owner_id;
    uint64_t revision;
    bool running;
    char internal[ADDRESS_SIZE];
    char external[ADDRESS_SIZE];
};

/* Reads one of GET /containers/json; false if that cannot be one of ours. */
bool answer_listed(struct json_object *, const struct addressing *, struct listed *ret);

/* What happens to a container. */
enum event_kind { EVENT_OTHER, EVENT_DIED, EVENT_PAUSED, EVENT_MADE };

struct event {
    enum event_kind kind;
    const char *id;   /* of the container; the JSON's */
    const char *boot; /* of the process that asked for it */
    uint64_t time_ns; /* the engine's; 0: unknown */
    bool killed;      /* EVENT_DIED of SIGKILL */
};

/* Reads an object of GET /events, of Docker's and of Podman's. */
void answer_event(struct json_object *, struct event *ret);

/* One line of a pull: what failed, or NULL; where it is, or "". */
const char *answer_pull_error(struct json_object *);
const char *answer_pull_status(struct json_object *);

/* The message of a failure, or NULL. */
const char *answer_message(struct json_object *);

/* Whether a start was refused since somebody has the port that the engine chose to publish at. */
bool answer_is_port_taken(const char *message);

/* The gateway of a network as GET /networks/NAME tells it: an IPv4 address.  False if it names
 * none: Docker does not for its own bridge until it was started anew.  Then `ret` is the first
 * address of the network, which it mostly is, or "". */
#define GATEWAY_SIZE 64
bool answer_gateway(struct json_object *, char ret[static GATEWAY_SIZE]);

/* The interface on the engine's machine that a network hangs on, or "". */
const char *answer_bridge(struct json_object *);

/* Seconds since 1970 of an HTTP date; 0 if it is none. */
uint64_t answer_date(const char *date);

/* The version to speak: the engine's, or ours if that is older, into `ret`; false if the engine
 * is too old for us. */
#define VERSION_SIZE 16
bool answer_version(const char *engine, char ret[static VERSION_SIZE]);

#endif
