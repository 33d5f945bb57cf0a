/*
 * driver.c - runs a fuzz target where libFuzzer is not there.
 *
 * usage: fuzz-THING [-runs=N] [-seconds=N] [-seed=N] FILE-OR-FOLDER...
 *
 * Each file is one input; then inputs that are made from these by a few random changes, `runs` of
 * them or for so many seconds.  The same seed makes the same inputs.  An input that kills the
 * process lies in the file crash-THING of the current folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "fuzz.h"

#define INPUTS_MAX 4096
#define INPUT_SIZE ((size_t)1 << 16)
#define CHANGES    8

struct input {
    uint8_t *data;
    size_t len;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;

/* What runs now, for the handler. */
static uint8_t current[INPUT_SIZE];
static size_t current_len;
static char crash_file[256];

static void
on_crash(int number)
{
    int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd >= 0 && write(fd, current, current_len) >= 0) {
        close(fd);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void
add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_SIZE);

    if (!file || !data || input_count == INPUTS_MAX) {
        fprintf(stderr, "can't read %s\n", path);
        exit(2);
    }
    inputs[input_count].len = fread(data, 1, INPUT_SIZE, file);
    inputs[input_count++].data = data;
    fclose(file);
}

static void
add_path(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    char name[4096];

    if (!folder) {
        add_file(path);
        return;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            add_file(name);
        }
    }
    closedir(folder);
}

static void
run(void)
{
    /* A copy of just this size, so that a sanitizer sees who reads beyond it. */
    uint8_t *copy = malloc(current_len > 0 ? current_len : 1);

    if (!copy) {
        exit(2);
    }
    memcpy(copy, current, current_len);
    LLVMFuzzerTestOneInput(copy, current_len);
    free(copy);
}

static void
load(const struct input *input)
{
    current_len = input->len;
    memcpy(current, input->data, input->len);
}

/* Makes room for `n` bytes at `at`, or as many as fit; returns how many. */
static size_t
insert(size_t at, size_t n)
{
    n = n < INPUT_SIZE - current_len ? n : INPUT_SIZE - current_len;
    memmove(current + at + n, current + at, current_len - at);
    current_len += n;
    return n;
}

static void
change(struct hf_random *random)
{
    static const uint8_t telling[] = {
        0, 1, 0x7F, 0x80, 0xFF, '"', '{', '[', '\n', '\\', '=', ','
    };
    size_t at = hf_random_below(random, current_len + 1);
    size_t left = current_len - at;
    const struct input *other = &inputs[hf_random_below(random, input_count)];
    size_t n;

    switch (hf_random_below(random, left > 0 ? 6 : 2)) {
    case 0: /* a byte more */
        if (insert(at, 1) == 1) {
            current[at] = telling[hf_random_below(random, sizeof telling)];
        }
        break;
    case 1: /* a piece of another input */
        n = insert(at, hf_random_below(random, other->len + 1));
        memcpy(current + at, other->data, n);
        break;
    case 2: /* a bit */
        current[at] ^= (uint8_t)(1U << hf_random_below(random, 8));
        break;
    case 3: /* a byte */
        current[at] = telling[hf_random_below(random, sizeof telling)];
        break;
    case 4: /* less */
        n = 1 + hf_random_below(random, left);
        memmove(current + at, current + at + n, left - n);
        current_len -= n;
        break;
    default: /* the same twice */
        n = insert(at, 1 + hf_random_below(random, left < 64 ? left : 64));
        memcpy(current + at, current + at + n, n);
        break;
    }
}

static double
seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int
main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    unsigned long runs = 2000;
    unsigned long seed = 1;
    size_t done = 0;
    double seconds = 0;
    struct hf_random random;
    struct timespec start;

    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "-runs=%lu", &runs) != 1 && sscanf(argv[i], "-seed=%lu", &seed) != 1 &&
            sscanf(argv[i], "-seconds=%lf", &seconds) != 1) {
            add_path(argv[i]);
        }
    }
    if (input_count == 0) {
        inputs[input_count++].data = calloc(1, 1);
    }
    snprintf(crash_file, sizeof crash_file, "crash-%s", slash ? slash + 1 : argv[0]);
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    hf_random_init(&random, seed);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 0; i < input_count; i++) {
        load(&inputs[i]);
        run();
    }
    while (seconds > 0 ? seconds_since(&start) < seconds : done < runs) {
        load(&inputs[hf_random_below(&random, input_count)]);
        for (uint64_t i = 1 + hf_random_below(&random, CHANGES); i > 0; i--) {
            change(&random);
        }
        run();
        done++;
    }
    printf("%s: %zu inputs, %.0f a second\n", crash_file + strlen("crash-"), done + input_count,
           (double)(done + input_count) / (seconds_since(&start) + 1e-9));
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].data);
    }
    return 0;
}
