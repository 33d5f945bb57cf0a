/* rooms.c - see rooms.h. */
#include "verify/rooms.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#define PAGE         ((size_t)4096)
#define ALIGN        _Alignof(max_align_t)
#define WATCHED      0xA5
#define REGIONS      32
#define ROUND(n, to) (((n) + (to)-1) & ~((to)-1))

/* Where rooms and lists lie, for the handler of signals. */
static struct region {
    const char *base;
    size_t size;
    enum hf_trespass kind;
} regions[REGIONS];

static char *
region_new(size_t size, int protection, enum hf_trespass kind)
{
    char *base = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t i = 0;

    hf_assert(base != MAP_FAILED);
    while (i < REGIONS && regions[i].base) {
        i++;
    }
    hf_assert(i < REGIONS);
    regions[i] = (struct region){ base, size, kind };
    return base;
}

static void
region_free(char *base)
{
    for (size_t i = 0; i < REGIONS; i++) {
        if (base && regions[i].base == base) {
            munmap(base, regions[i].size);
            regions[i].base = NULL;
        }
    }
}

enum hf_trespass
hf_rooms_trespass(const void *address)
{
    const char *at = address;

    for (size_t i = 0; i < REGIONS; i++) {
        if (regions[i].base && at >= regions[i].base && at < regions[i].base + regions[i].size) {
            return regions[i].kind;
        }
    }
    return HF_TRESPASS_NONE;
}

/* --- rooms ----------------------------------------------------------------------------------- */

void
hf_rooms_init(struct hf_rooms *rooms, size_t size, uint32_t count)
{
    *rooms = (struct hf_rooms){ .size = size, .count = 4 * count };
    rooms->stride = ROUND(size + ALIGN, PAGE) + PAGE;
    rooms->taken = calloc(rooms->count, sizeof *rooms->taken);
    hf_assert(rooms->taken);
    rooms->base = region_new(rooms->count * rooms->stride, PROT_NONE, HF_TRESPASS_ROOM);
}

void
hf_rooms_fini(struct hf_rooms *rooms)
{
    region_free(rooms->base);
    free(rooms->taken);
    *rooms = (struct hf_rooms){ 0 };
}

/* The pages of room `i` that may be touched. */
static char *
pages_of(const struct hf_rooms *rooms, uint32_t i)
{
    return rooms->base + i * rooms->stride;
}

void *
hf_room_new(struct hf_rooms *rooms)
{
    size_t open = rooms->stride - PAGE;
    char *pages;
    char *room;

    /* Others first: what was given back last stays closed the longest. */
    while (rooms->taken[rooms->next % rooms->count]) {
        rooms->next++;
    }
    rooms->taken[rooms->next % rooms->count] = true;
    pages = pages_of(rooms, rooms->next++ % rooms->count);
    hf_assert(mprotect(pages, open, PROT_READ | PROT_WRITE) == 0);
    room = pages + open - ROUND(rooms->size, ALIGN);
    memset(pages, WATCHED, open);
    memset(room, 0, rooms->size);
    return room;
}

static uint32_t
index_of(const struct hf_rooms *rooms, const void *room)
{
    /* A room without size begins behind its pages. */
    return (uint32_t)(((size_t)((const char *)room - rooms->base) - 1) / rooms->stride);
}

void
hf_room_free(struct hf_rooms *rooms, void *room)
{
    uint32_t i = index_of(rooms, room);

    rooms->taken[i] = false;
    mprotect(pages_of(rooms, i), rooms->stride - PAGE, PROT_NONE);
}

bool
hf_room_is_intact(const struct hf_rooms *rooms, const void *room)
{
    const char *pages = pages_of(rooms, index_of(rooms, room));
    const char *end = pages + rooms->stride - PAGE;

    for (const char *at = pages; at < end; at++) {
        if (at == room) {
            at += rooms->size;
        }
        if (at < end && *(const unsigned char *)at != WATCHED) {
            return false;
        }
    }
    return true;
}

/* --- lists ----------------------------------------------------------------------------------- */

void
hf_fence_init(struct hf_fence *fence, size_t size)
{
    fence->size = ROUND(size, PAGE);
    fence->base = region_new(fence->size + PAGE, PROT_READ | PROT_WRITE, HF_TRESPASS_LIST);
    hf_assert(mprotect(fence->base + fence->size, PAGE, PROT_NONE) == 0);
}

void
hf_fence_fini(struct hf_fence *fence)
{
    region_free(fence->base);
    fence->base = NULL;
}

void *
hf_fence_put(struct hf_fence *fence, const void *list, size_t size)
{
    char *place = fence->base + fence->size - size;

    hf_assert(size <= fence->size);
    return size > 0 ? memcpy(place, list, size) : place;
}
