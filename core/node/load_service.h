/*
 * load_service.h - tells others how busy this node is: hyperfaas.v1.Node/Load.
 *
 * Nothing is measured while nobody listens.  Each listener hears all at the next beat, of which
 * there are two in a second, then the figures of each and the rooms that have changed.  One that
 * reads slowly misses beats, costs no memory, and hears all rooms again when it can.
 *
 * Control thread.
 */
#ifndef HF_NODE_LOAD_SERVICE_H
#define HF_NODE_LOAD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct hf_err;
struct hf_grpc_server;
struct hf_load_service;
struct hf_loop;

/* How busy a node is, with all below it; see hyperfaas.v1.LoadReport. */
struct hf_load_figures {
    uint32_t calls;
    uint32_t waiting;
    uint32_t starting;
    bool load_known;
    uint32_t load_millis;
    uint64_t disk_bytes;
    uint64_t disk_used_bytes;
};

struct hf_load_service_config {
    struct hf_loop *loop;
    bool managed; /* the server asks for a secret */
    void (*measure)(void *arg, struct hf_load_figures *ret);
    /* Says each room that is known by hf_load_service_room.  NULL: there are none. */
    void (*rooms)(void *arg, struct hf_load_service *);
    /* The first listener has come, or the last one gone.  NULL: no matter. */
    void (*wanted)(void *arg, bool wanted);
    void *arg;
};

int hf_load_service_new(const struct hf_load_service_config *config, struct hf_load_service **ret,
                        struct hf_err *err);
int hf_load_service_serve(struct hf_load_service *, struct hf_grpc_server *server,
                          struct hf_err *err);

/* Inside of `rooms`: a function has so many free slots; `told` is the caller's, for this, -1 at
 * first. */
void hf_load_service_room(struct hf_load_service *, const char *id, uint32_t room, int64_t *told);

/* Whether anybody listens. */
bool hf_load_service_is_wanted(const struct hf_load_service *);

/* Ends the streams. */
void hf_load_service_end(struct hf_load_service *);

/* After the server is gone.  NULL is ignored. */
void hf_load_service_free(struct hf_load_service *);

#endif
