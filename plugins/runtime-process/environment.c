/*
 * environment.c - puts together the environment of an instance: little of the
 * node's own, what is configured, and what the platform promises.
 */
#include "environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
