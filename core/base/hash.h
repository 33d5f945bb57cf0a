/*
 * hash.h - the 64-bit hash that everything uses, plugins too.
 *
 * FNV-1a, 64 bit (RFC 9923: offset basis 0xcbf29ce484222325, prime
 * 0x100000001b3), then the finaliser fmix64 of MurmurHash3 by Austin Appleby
 * (public domain), because the upper bits of FNV-1a alone mix badly on short
 * keys.  It never changes: consistent hashing on different machines and
 * versions must agree.  Vectors stand in tests/unit/test-hash.c.
 */
#ifndef HF_BASE_HASH_H
#define HF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of `len` bytes; `data` may be NULL if `len` is 0. */
uint64_t hf_hash(const void *data, size_t len);

/* The same, begun with `seed` added to the state: 0 gives `hf_hash`. */
uint64_t hf_hash_seeded(uint64_t seed, const void *data, size_t len);

/* MurmurHash3's finaliser: mixes all bits of a number; a bijection. */
static inline uint64_t
hf_hash_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

#endif
