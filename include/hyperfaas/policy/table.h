/*
 * table.h - what a policy remembers of functions, by their hash, for longer than they are warm.
 *
 * A record begins with a `struct hf_table_entry` and is zeroed when it is made.  There are at most
 * `limit`: then the one that was looked up least recently makes room.  All memory is taken at
 * the beginning, so that a look-up never fails; what is not used costs addresses only.  Two
 * functions whose 64-bit hashes are equal share a record.
 */
#ifndef HYPERFAAS_POLICY_TABLE_H
#define HYPERFAAS_POLICY_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_table_entry {
    uint64_t hash;
    struct hf_table_entry *chained; /* in the same bucket */
    struct hf_table_entry *older;   /* looked up before this one */
    struct hf_table_entry *newer;
};

struct hf_table {
    struct hf_table_entry **buckets;
    char *records;
    struct hf_table_entry *oldest;
    struct hf_table_entry *newest;
    size_t record_size;
    uint32_t mask; /* buckets less one, a power of two */
    uint32_t count;
    uint32_t limit;
};

/* Makes an empty table.  0 or HF_ENOMEM. */
static inline int
hf_table_init(struct hf_table *table, size_t record_size, uint32_t limit)
{
    uint32_t buckets = 16;

    while (buckets < limit && buckets < UINT32_C(1) << 24) {
        buckets *= 2;
    }
    memset(table, 0, sizeof *table);
    table->record_size = (record_size + 15) & ~(size_t)15;
    table->mask = buckets - 1;
    table->limit = limit > 0 ? limit : 1;
    table->buckets = (struct hf_table_entry **)calloc(buckets, sizeof *table->buckets);
    table->records = (char *)calloc(table->limit, table->record_size);
    return table->buckets && table->records ? 0 : HF_ENOMEM;
}

/* Frees what `hf_table_init` made, also when it failed. */
static inline void
hf_table_clear(struct hf_table *table)
{
    free(table->buckets);
    free(table->records);
    memset(table, 0, sizeof *table);
}

/* The record, or NULL. */
static inline struct hf_table_entry *
hf_table_find(const struct hf_table *table, uint64_t hash)
{
    struct hf_table_entry *entry = table->buckets[hash & table->mask];

    while (entry && entry->hash != hash) {
        entry = entry->chained;
    }
    return entry;
}

/* Takes it out of the order of look-ups, and puts it at the new end. */
static inline void
hf_table_unlink(struct hf_table *table, struct hf_table_entry *entry)
{
    *(entry->older ? &entry->older->newer : &table->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &table->newest) = entry->older;
}

static inline void
hf_table_link(struct hf_table *table, struct hf_table_entry *entry)
{
    entry->older = table->newest;
    entry->newer = NULL;
    *(table->newest ? &table->newest->newer : &table->oldest) = entry;
    table->newest = entry;
}

/* Room for a new record: never used, or that of the oldest. */
static inline struct hf_table_entry *
hf_table_room(struct hf_table *table)
{
    struct hf_table_entry *entry = table->oldest;
    struct hf_table_entry **at;

    if (table->count < table->limit) {
        return (struct hf_table_entry *)(void *)(table->records +
                                                 table->count++ * table->record_size);
    }
    at = &table->buckets[entry->hash & table->mask];
    while (*at != entry) {
        at = &(*at)->chained;
    }
    *at = entry->chained;
    hf_table_unlink(table, entry);
    memset(entry, 0, table->record_size);
    return entry;
}

/* The record, made if there is none. */
static inline struct hf_table_entry *
hf_table_get(struct hf_table *table, uint64_t hash)
{
    struct hf_table_entry *entry = hf_table_find(table, hash);

    if (entry) {
        hf_table_unlink(table, entry);
    } else {
        entry = hf_table_room(table);
        entry->hash = hash;
        entry->chained = table->buckets[hash & table->mask];
        table->buckets[hash & table->mask] = entry;
    }
    hf_table_link(table, entry);
    return entry;
}

#ifdef __cplusplus
}
#endif

#endif
