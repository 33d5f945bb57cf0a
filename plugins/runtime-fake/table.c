/*
 * table.c - instances by number: the number is in the address and in the id, so
 * finding one is arithmetic.
 *
 * Slot i has the address 127.(1 + i / 65536).(i / 256 % 256).(i % 256).  A slot
 * rests before it is used again, so that a late call to an instance that has
 * gone does not reach its successor.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum {
    SLOT_BITS = 24,
    RESTING = 1024 /* freed slots that are kept while fresh ones are left */
};

#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)

static uint32_t
slot_of(const struct instance *instance)
{
    return (uint32_t)(instance->number & SLOT_MASK);
}

/* Doubles both arrays; false if memory is exhausted. */
static bool
grow(struct hf_runtime *runtime)
{
    uint32_t size = runtime->slots_size ? runtime->slots_size * 2 : 256;
    struct instance **slots = realloc(runtime->slots, size * sizeof(struct instance *));
    uint32_t *freed;

    if (!slots) {
        return false;
    }
    runtime->slots = slots;
    freed = malloc(size * sizeof *freed);
    if (!freed) {
        return false;
    }
    for (uint32_t i = 0; i < runtime->n_freed; i++) {
        freed[i] = runtime->freed[(runtime->freed_first + i) % runtime->freed_size];
    }
    free(runtime->freed);
    runtime->freed = freed;
    runtime->freed_first = 0;
    runtime->freed_size = size;
    runtime->slots_size = size;
    return true;
}

/* Takes the freed slot that has rested longest. */
static uint32_t
reuse(struct hf_runtime *runtime)
{
    uint32_t slot = runtime->freed[runtime->freed_first];

    runtime->freed_first = (runtime->freed_first + 1) % runtime->freed_size;
    runtime->n_freed--;
    return slot;
}

bool
table_add(struct hf_runtime *runtime, struct instance *instance)
{
    bool fresh = runtime->n_slots < runtime->settings.max_instances;
    uint32_t slot;

    if (runtime->n_instances >= runtime->settings.max_instances) {
        return false;
    }
    if (runtime->n_freed > 0 && (!fresh || runtime->n_freed > RESTING)) {
        slot = reuse(runtime);
    } else if (runtime->n_slots < runtime->slots_size || grow(runtime)) {
        slot = runtime->n_slots++;
    } else {
        return false;
    }
    instance->number = (chance_next(&runtime->chance) & (SLOT_MASK << SLOT_BITS)) | slot;
    runtime->slots[slot] = instance;
    runtime->n_instances++;
    return true;
}

void
table_remove(struct hf_runtime *runtime, struct instance *instance)
{
    uint32_t slot = slot_of(instance);
    uint32_t end = (runtime->freed_first + runtime->n_freed) % runtime->freed_size;

    runtime->slots[slot] = NULL;
    runtime->freed[end] = slot;
    runtime->n_freed++;
    runtime->n_instances--;
}

void
table_free(struct hf_runtime *runtime)
{
    free(runtime->slots);
    free(runtime->freed);
}

void
table_write_id(const struct instance *instance, char id[INSTANCE_ID_SIZE])
{
    snprintf(id, INSTANCE_ID_SIZE, "%012" PRIx64, instance->number);
}

struct instance *
table_find_id(const struct hf_runtime *runtime, const char *id)
{
    uint64_t number = 0;
    struct instance *instance;

    for (size_t i = 0; i < INSTANCE_ID_SIZE - 1; i++) {
        char c = id[i];

        if (c >= '0' && c <= '9') {
            number = number << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            number = number << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return NULL;
        }
    }
    if (id[INSTANCE_ID_SIZE - 1] != '\0' || (number & SLOT_MASK) >= runtime->n_slots) {
        return NULL;
    }
    instance = runtime->slots[number & SLOT_MASK];
    return instance && instance->number == number ? instance : NULL;
}

void
table_write_address(const struct instance *instance, char address[ADDRESS_SIZE])
{
    uint32_t slot = slot_of(instance);

    snprintf(address, ADDRESS_SIZE, "127.%u.%u.%u:%u", 1 + (slot >> 16), slot >> 8 & 255,
             slot & 255, (unsigned)instance->runtime->port);
}

struct instance *
table_find_address(const struct hf_runtime *runtime, const char *address)
{
    size_t len = strcspn(address, ":");
    char host[INET_ADDRSTRLEN];
    struct in_addr in;
    uint32_t ip, slot;

    if (len >= sizeof host) {
        return NULL;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    if (inet_pton(AF_INET, host, &in) != 1) {
        return NULL;
    }
    ip = ntohl(in.s_addr);
    if (ip >> 24 != 127 || (ip >> 16 & 255) == 0) {
        return NULL;
    }
    slot = (ip & 0xffffff) - (1 << 16);
    return slot < runtime->n_slots ? runtime->slots[slot] : NULL;
}
