/* hash.c - FNV-1a with fmix64; see hash.h. */
#include "base/hash.h"

uint64_t
hf_hash_seeded(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t state = UINT64_C(0xcbf29ce484222325) + seed;

    for (size_t i = 0; i < len; i++) {
        state ^= bytes[i];
        state *= UINT64_C(0x100000001b3);
    }
    return hf_hash_mix(state);
}

uint64_t
hf_hash(const void *data, size_t len)
{
    return hf_hash_seeded(0, data, len);
}
