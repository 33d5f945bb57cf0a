/*
 * handles.c - the table behind handles.
 */
#include "engine/handles.h"

#include <stdlib.h>

#include <hyperfaas/error.h>

#include "base/assert.h"

#define NO_ENTRY UINT32_MAX

void
hf_handles_init(struct hf_handles *handles)
{
    *handles = (struct hf_handles){ .first_free = NO_ENTRY };
}

void
hf_handles_fini(struct hf_handles *handles)
{
    free(handles->entries);
}

int
hf_handles_reserve(struct hf_handles *handles)
{
    uint32_t size = handles->size ? handles->size * 2 : 4;
    struct hf_handle_entry *entries;

    if (handles->first_free != NO_ENTRY) {
        return 0;
    }
    if (handles->size > UINT32_MAX / 4) {
        return HF_ENOMEM;
    }
    entries = realloc(handles->entries, size * sizeof *entries);
    if (!entries) {
        return HF_ENOMEM;
    }
    handles->entries = entries;
    for (uint32_t i = size; i-- > handles->size;) {
        entries[i] = (struct hf_handle_entry){ .generation = 1, .next_free = handles->first_free };
        handles->first_free = i;
    }
    handles->size = size;
    return 0;
}

struct hf_handle
hf_handles_next(const struct hf_handles *handles)
{
    hf_assert(handles->first_free != NO_ENTRY);
    return (struct hf_handle){ handles->first_free,
                               handles->entries[handles->first_free].generation };
}

void
hf_handles_add(struct hf_handles *handles, void *object)
{
    struct hf_handle_entry *entry = &handles->entries[handles->first_free];

    entry->object = object;
    handles->first_free = entry->next_free;
}

void
hf_handles_remove(struct hf_handles *handles, struct hf_handle handle)
{
    struct hf_handle_entry *entry = &handles->entries[handle.index];

    hf_assert(entry->object && entry->generation == handle.generation);
    entry->object = NULL;
    if (++entry->generation == 0) {
        entry->generation = 1;
    }
    entry->next_free = handles->first_free;
    handles->first_free = handle.index;
}
