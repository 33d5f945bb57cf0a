/*
 * facts.c - what is known of an instance: taken from a runtime, and kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "node/worker/worker.h"

struct hf_worker_facts
hf_worker_facts_of(const struct hf_instance_info *info)
{
    return (struct hf_worker_facts){
        .id = info->id,
        .name = info->name,
        .internal = info->internal_address,
        .external = info->external_address,
        .function_id = info->function_id,
        .leaf_id = info->owner_id,
        .start_id = "",
        .revision = info->revision,
    };
}

char *
hf_worker_facts_keep(struct hf_worker_facts *facts, const char **also, size_t max)
{
    const char **texts[] = { &facts->id,          &facts->name,
                             &facts->internal,    &facts->external,
                             &facts->leaf_id,     &facts->start_id,
                             &facts->function_id, also };
    size_t count = hf_countof(texts) - (also ? 0 : 1);
    char *kept;
    char *place;

    facts->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        facts->bytes += strnlen(*texts[i], max) + 1;
    }
    kept = malloc(facts->bytes);
    place = kept;
    for (size_t i = 0; kept && i < count; i++) {
        size_t len = strnlen(*texts[i], max);

        memcpy(place, *texts[i], len);
        place[len] = '\0';
        *texts[i] = place;
        place += len + 1;
    }
    return kept;
}
