/*
 * handles.h - objects by handle (hyperfaas/function.h): a table whose indices are
 * used again, with a generation that tells who came later.
 */
#ifndef HF_ENGINE_HANDLES_H
#define HF_ENGINE_HANDLES_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/function.h>

struct hf_handle_entry {
    void *object;        /* NULL: free */
    uint32_t generation; /* of the object, or of the next one here */
    uint32_t next_free;
};

struct hf_handles {
    struct hf_handle_entry *entries;
    uint32_t size; /* allocated; every index is below it */
    uint32_t first_free;
};

void hf_handles_init(struct hf_handles *handles);
void hf_handles_fini(struct hf_handles *handles);

/* Makes sure that there is a place for one more object; 0 or HF_ENOMEM. */
int hf_handles_reserve(struct hf_handles *handles);

/* The handle that the next object will have.  A place must be reserved, here and for `add`. */
struct hf_handle hf_handles_next(const struct hf_handles *handles);
void hf_handles_add(struct hf_handles *handles, void *object);

void hf_handles_remove(struct hf_handles *handles, struct hf_handle handle);

/* The object at an index; NULL: it is free. */
static inline void *
hf_handles_at(const struct hf_handles *handles, uint32_t index)
{
    return handles->entries[index].object;
}

/* The object with that handle; NULL: there is none, or it has gone. */
static inline void *
hf_handles_find(const struct hf_handles *handles, struct hf_handle handle)
{
    const struct hf_handle_entry *entry;

    if (handle.index >= handles->size) {
        return NULL;
    }
    entry = &handles->entries[handle.index];
    return entry->generation == handle.generation ? entry->object : NULL;
}

#endif
