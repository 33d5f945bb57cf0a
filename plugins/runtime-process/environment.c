/*
 * environment.c - what an instance finds: its variables, which are little of the node's own, what
 * is configured, and what the platform promises; its limits; its port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

/* --- variables
 * ------------------------------------------------------------------------------------ */

/* Passed on from the node where set. */
static const char *const inherited[] = { "HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", NULL };

/* Set by the platform for each instance. */
static const char *const promised[] = { "FUNCTION_ID", "CONTROLLER_ADDRESS",
                                        "INSTANCE_ID", "LISTEN_ADDRESS",
                                        "PORT",        NULL };

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

enum { VARIABLES_MAX = 256 };

/* Variables in the making; the first pass only measures. */
struct block {
    char **entries; /* NULL while measuring */
    char *text;
    size_t n;
    size_t size; /* of the texts */
};

static size_t
name_length(const char *item)
{
    return strcspn(item, "=");
}

static bool
is_in(const char *const *names, const char *item)
{
    size_t len = name_length(item);

    for (; *names; names++) {
        if (strlen(*names) == len && memcmp(*names, item, len) == 0) {
            return true;
        }
    }
    return false;
}

int
environment_check(const struct hf_host *host, const struct hf_options *options, struct hf_err *err)
{
    const char *item;
    size_t i;

    for (i = 0; (item = host->option_item(options, "env", i)); i++) {
        if (name_length(item) == 0) {
            return host->fail(err, HF_EINVALID,
                              "runtime process: env = %s: expected NAME=VALUE or NAME", item);
        }
        if (is_in(promised, item)) {
            return host->fail(err, HF_EINVALID,
                              "runtime process: env = %s: this variable is set by the platform",
                              item);
        }
        if (!strchr(item, '=') && !getenv(item)) {
            host->log(
                host, HF_HOST_WARNING,
                "env names %s, which the node itself does not have, so instances get none; if "
                "it belongs to the value before it, that value needs quotes",
                item);
        }
    }
    if (i >= VARIABLES_MAX) {
        return host->fail(err, HF_EINVALID, "runtime process: env: more than %d variables",
                          VARIABLES_MAX);
    }
    return 0;
}

static void
add(struct block *block, const char *name, size_t name_len, const char *value)
{
    size_t size = name_len + 1 + strlen(value) + 1;

    if (block->entries) {
        block->entries[block->n] = block->text + block->size;
        snprintf(block->text + block->size, size, "%.*s=%s", (int)name_len, name, value);
    }
    block->n++;
    block->size += size;
}

static void
add_named(struct block *block, const char *name, const char *value)
{
    add(block, name, strlen(name), value);
}

/* Whether the option `env` sets the variable; if it does so twice, the last counts. */
static bool
is_configured(const struct hf_host *host, const struct hf_options *options, const char *name,
              size_t len, size_t from)
{
    const char *item;

    for (size_t i = from; (item = host->option_item(options, "env", i)); i++) {
        if (name_length(item) == len && memcmp(item, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static void
add_configured(struct block *block, const struct hf_host *host, const struct hf_options *options)
{
    const char *item, *value;

    for (size_t i = 0; (item = host->option_item(options, "env", i)); i++) {
        size_t len = name_length(item);

        value = item[len] == '=' ? item + len + 1 : getenv(item);
        if (value && !is_configured(host, options, item, len, i + 1)) {
            add(block, item, len, value);
        }
    }
}

static void
fill(struct block *block, const struct hf_host *host, const struct hf_options *options,
     const struct identity *identity)
{
    char port[8];

    for (size_t i = 0; inherited[i]; i++) {
        const char *value = getenv(inherited[i]);

        if (identity->home && strcmp(inherited[i], "HOME") == 0) {
            value = identity->home;
        }
        if (!value && strcmp(inherited[i], "PATH") == 0) {
            value = default_path;
        }
        if (value && !is_configured(host, options, inherited[i], strlen(inherited[i]), 0)) {
            add_named(block, inherited[i], value);
        }
    }
    add_configured(block, host, options);
    snprintf(port, sizeof port, "%u", (unsigned)identity->port);
    add_named(block, "FUNCTION_ID", identity->function_id);
    add_named(block, "CONTROLLER_ADDRESS", identity->controller_address);
    add_named(block, "INSTANCE_ID", identity->instance_id);
    add_named(block, "LISTEN_ADDRESS", identity->host);
    add_named(block, "PORT", port);
}

char **
environment_new(const struct hf_host *host, const struct hf_options *options,
                const struct identity *identity)
{
    struct block block = { 0 };
    size_t table;

    fill(&block, host, options, identity);
    table = (block.n + 1) * sizeof(char *);
    block.entries = malloc(table + block.size);
    if (!block.entries) {
        return NULL;
    }
    block.text = (char *)block.entries + table;
    block.n = 0;
    block.size = 0;
    fill(&block, host, options, identity);
    block.entries[block.n] = NULL;
    return block.entries;
}

/* --- limits
 * --------------------------------------------------------------------------------------- */

void
limits_init(struct limits *limits, const struct hf_host *host, const struct hf_options *options)
{
    const char *memory = host->option_string(options, "memory_limit");

    *limits = (struct limits){
        .data = strcmp(memory, "data") == 0,
        .address_space = strcmp(memory, "address_space") == 0,
        .processors = strcmp(host->option_string(options, "cpu_limit"), "processors") == 0,
        .headroom = host->option_u64(options, "memory_headroom"),
        .nice = (int)host->option_u64(options, "nice"),
        .processes = host->option_u64(options, "pids_limit"),
        .core_dumps = host->option_u64(options, "core_dumps") != 0,
    };
}

_Static_assert(CPU_SETSIZE <= LIMITS_PROCESSOR_WORDS * 64, "a bit for each processor");

/* Chooses as many of our processors as the quota has, rounded up; false: all. */
static bool
choose_processors(const struct hf_function *function, unsigned turn,
                  uint64_t processors[LIMITS_PROCESSOR_WORDS])
{
    uint64_t wanted =
        (function->cpu_quota_us + function->cpu_period_us - 1) / function->cpu_period_us;
    unsigned allowed[CPU_SETSIZE], n = 0;
    cpu_set_t ours;

    if (sched_getaffinity(0, sizeof ours, &ours) != 0) {
        return false;
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &ours)) {
            allowed[n++] = cpu;
        }
    }
    if (n == 0 || wanted >= n) {
        return false;
    }
    memset(processors, 0, LIMITS_PROCESSOR_WORDS * sizeof *processors);
    for (uint64_t i = 0; i < wanted; i++) {
        unsigned cpu = allowed[(turn + i) % n];

        processors[cpu / 64] |= UINT64_C(1) << cpu % 64;
    }
    return true;
}

/* For the host to set before the program runs: later, what it does first would have none.
 *
 * Both kinds of limit on memory count what was asked for, not what is in use: without
 * headroom, the stacks of idle threads alone (8 MiB each) would use up the limit of many a
 * harmless function. */
void
limits_apply(const struct limits *limits, const struct hf_function *function, unsigned turn,
             uint64_t processors[LIMITS_PROCESSOR_WORDS], struct hf_host_spawn *spawn)
{
    uint64_t bytes = function->memory_bytes > 0 ? function->memory_bytes + limits->headroom : 0;

    spawn->data_bytes = limits->data ? bytes : 0;
    spawn->memory_bytes = limits->address_space ? bytes : 0;
    spawn->nice = limits->nice;
    spawn->core_dumps = limits->core_dumps;
    if (spawn->change_user) { /* else what the worker's user runs besides would count, too */
        spawn->processes = limits->processes;
    }
    if (limits->processors && function->cpu_quota_us > 0 && function->cpu_period_us > 0 &&
        choose_processors(function, turn, processors)) {
        spawn->processors = processors;
        spawn->processor_words = LIMITS_PROCESSOR_WORDS;
    }
}

/* --- port
 * ----------------------------------------------------------------------------------------- */

enum {
    /* The platform's own ports lie in Linux's range for chosen ports: an
     * instance must not take one from a node that starts later. */
    PLATFORM_FIRST = 50050,
    PLATFORM_LAST = 50053,
    ATTEMPTS = 16
};

bool
port_check_address(const char *address, bool *ret_any)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, address, &v4) == 1) {
        *ret_any = v4.s_addr == htonl(INADDR_ANY);
        return true;
    }
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        *ret_any = IN6_IS_ADDR_UNSPECIFIED(&v6);
        return true;
    }
    return false;
}

/* Binds a socket to a port that is free on all addresses of the family. */
static int
bind_any(int family, uint16_t *ret_port)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof bound;
    bool is_v6 = family == AF_INET6;
    int one = 1, error;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
             is_v6 ? sizeof v6 : sizeof v4) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound, &len) == 0) {
        /* NOLINTNEXTLINE: getsockname has filled it */
        *ret_port = ntohs(is_v6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                : ((struct sockaddr_in *)(void *)&bound)->sin_port);
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int
port_reserve(const char *address, uint16_t *ret_port)
{
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;

    for (int i = 0; i < ATTEMPTS; i++) {
        uint16_t port;
        int fd = bind_any(family, &port);

        if (fd < 0) {
            return -1;
        }
        if (port < PLATFORM_FIRST || port > PLATFORM_LAST) {
            *ret_port = port;
            return fd;
        }
        close(fd);
    }
    errno = EADDRINUSE;
    return -1;
}
