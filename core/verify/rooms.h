/*
 * rooms.h - memory in which a step too far is noticed.
 *
 * A module's room for an endpoint, or for a function, lies at the end of a page behind which
 * nothing may be touched; what stands before it is watched.  The room of something that has left
 * may not be touched any more.  Lists that a module is given end in the same way.
 */
#ifndef HF_VERIFY_ROOMS_H
#define HF_VERIFY_ROOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/probe.h"

struct hf_rooms {
    char *base;
    size_t size;   /* of a room, as the module wants it */
    size_t stride; /* from one to the next */
    uint32_t count;
    uint32_t next;
    bool *taken;
};

/* Rooms of `size` bytes, of which `count` are in use at most.  Ends the process without memory. */
void hf_rooms_init(struct hf_rooms *rooms, size_t size, uint32_t count);
void hf_rooms_fini(struct hf_rooms *rooms);

/* A room, zeroed and aligned for any type; and its end. */
void *hf_room_new(struct hf_rooms *rooms);
void hf_room_free(struct hf_rooms *rooms, void *room);

/* Whether what surrounds a room is as it was. */
bool hf_room_is_intact(const struct hf_rooms *rooms, const void *room);

/* A place for a list of up to `size` bytes. */
struct hf_fence {
    char *base;
    size_t size;
};

void hf_fence_init(struct hf_fence *fence, size_t size);
void hf_fence_fini(struct hf_fence *fence);

/* Copies a list there, so that it ends where the place does. */
void *hf_fence_put(struct hf_fence *fence, const void *list, size_t size);

/* What an address that must not be touched belongs to.  Async-signal-safe. */
enum hf_trespass hf_rooms_trespass(const void *address);

#endif
