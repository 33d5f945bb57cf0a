/* random.c - xoshiro256** and distributions; see random.h. */
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/assert.h"

/* splitmix64 by S. Vigna (public domain): spreads one number over many. */
static uint64_t
splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void
hf_random_init(struct hf_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        random->s[i] = splitmix64(&seed);
    }
}

static uint64_t
rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t
hf_random_u64(struct hf_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t
hf_random_below(struct hf_random *random, uint64_t n)
{
    __extension__ typedef unsigned __int128 u128;
    u128 product;
    uint64_t threshold;

    if (n == 0) {
        return 0;
    }
    threshold = -n % n; /* 2^64 mod n: low halves below it would be one too many */
    do {
        product = (u128)hf_random_u64(random) * n;
    } while ((uint64_t)product < threshold);
    return (uint64_t)(product >> 64);
}

double
hf_random_double(struct hf_random *random)
{
    return (double)(hf_random_u64(random) >> 11) * 0x1.0p-53;
}

uint64_t
hf_random_jitter(struct hf_random *random, uint64_t ns, double fraction)
{
    double factor = 1.0 + fraction * (2.0 * hf_random_double(random) - 1.0);
    double result = (double)ns * factor;

    return result >= 0x1.0p64 ? UINT64_MAX : (uint64_t)result;
}

/* Some bytes: from the system call or, where that is denied, from the device. */
static ssize_t
random_bytes(void *data, size_t len)
{
    ssize_t n = getrandom(data, len, 0);
    int fd;

    if (n >= 0 || errno == EINTR) {
        return n;
    }
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    hf_assert(fd >= 0); /* without either nothing here is safe */
    n = read(fd, data, len);
    close(fd);
    return n;
}

/* Fills `data` with unpredictable bytes, from the operating system. */
static void
fill(void *data, size_t len)
{
    char *next = data;

    while (len > 0) {
        ssize_t n = random_bytes(next, len);

        hf_assert(n > 0 || errno == EINTR);
        if (n > 0) {
            next += n;
            len -= (size_t)n;
        }
    }
}

uint64_t
hf_random_os_u64(void)
{
    uint64_t ret;

    fill(&ret, sizeof ret);
    return ret;
}

void
hf_uuid4(char ret[static HF_UUID_MAX])
{
    uint8_t b[16];

    fill(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    snprintf(ret, HF_UUID_MAX,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
