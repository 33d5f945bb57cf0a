/*
 * requests.c - what an engine is sent, and what containers and images are called.
 */
#include "requests.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

#include "../kit/image.h"

/* --- names ---------------------------------------------------------------------------------- */

void
name_container(const char *image, uint64_t unique, char ret[static NAME_SIZE])
{
    char suffix[9];

    snprintf(suffix, sizeof suffix, "%08x", (unsigned)(unique & UINT32_MAX));
    image_instance_name(image, suffix, ret, NAME_SIZE);
}

char *
name_repository(const char *image, const char **ret_tag)
{
    const char *slash = strrchr(image, '/');
    const char *tag = strchr(image, '@');
    char *repository;

    if (!tag) { /* a colon before the last slash belongs to a registry's port */
        tag = strchr(slash ? slash : image, ':');
    }
    repository = tag ? strndup(image, (size_t)(tag - image)) : strdup(image);
    *ret_tag = tag && tag[1] ? tag + 1 : "latest";
    return repository;
}

const char *
name_plain(const char *image)
{
    static const char *const prefixes[] = { "docker.io/library/", "docker.io/", "localhost/" };

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]);

        if (strncmp(image, prefixes[i], len) == 0) {
            return image + len;
        }
    }
    return image;
}

bool
name_instance(const char *container_id, char ret[static INSTANCE_ID_SIZE])
{
    size_t n = strspn(container_id, "0123456789abcdef");

    if (n < INSTANCE_ID_SIZE - 1 || container_id[n] != '\0') {
        return false;
    }
    memcpy(ret, container_id, INSTANCE_ID_SIZE - 1);
    ret[INSTANCE_ID_SIZE - 1] = '\0';
    return true;
}

char *
name_escape(const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = malloc(3 * strlen(text) + 1);
    char *end = escaped;

    for (; escaped && *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text)) {
            *end++ = *text;
        } else {
            *end++ = '%';
            *end++ = digits[(unsigned char)*text >> 4];
            *end++ = digits[(unsigned char)*text & 15];
        }
    }
    if (escaped) {
        *end = '\0';
    }
    return escaped;
}

void
making_fini(struct making *making)
{
    free(making->image);
    free(making->function_id);
    free(making->owner_id);
    free(making->controller);
    *making = (struct making){ 0 };
}

/* --- putting JSON together ------------------------------------------------------------------ */

static void
put(struct json_object *object, const char *key, struct json_object *value)
{
    json_object_object_add(object, key, value);
}

static void
put_text(struct json_object *object, const char *key, const char *text)
{
    put(object, key, json_object_new_string(text));
}

static void
put_number(struct json_object *object, const char *key, uint64_t number)
{
    put(object, key, json_object_new_int64(number > INT64_MAX ? INT64_MAX : (int64_t)number));
}

static void
put_truth(struct json_object *object, const char *key, bool truth)
{
    put(object, key, json_object_new_boolean(truth));
}

static void
append_text(struct json_object *array, const char *text)
{
    json_object_array_add(array, json_object_new_string(text));
}

static void
append_pair(struct json_object *array, const char *name, const char *value)
{
    char *pair = NULL;

    if (asprintf(&pair, "%s=%s", name, value) >= 0) {
        append_text(array, pair);
        free(pair);
    }
}

static struct json_object *
one_text(const char *text)
{
    struct json_object *array = json_object_new_array();

    append_text(array, text);
    return array;
}

/* The text of an object, which is put. */
static char *
render(struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);
    char *copy = text ? strdup(text) : NULL;

    json_object_put(object);
    return copy;
}

/* --- create --------------------------------------------------------------------------------- */

/* The instance's id is its host name: it cannot be known before the container is there. */
static struct json_object *
environment(const struct template *template, const struct making *making)
{
    struct json_object *env = json_object_new_array();

    append_pair(env, "FUNCTION_ID", making->function_id);
    append_pair(env, "CONTROLLER_ADDRESS", making->controller);
    for (size_t i = 0; template->env && template->env[i]; i++) {
        append_text(env, template->env[i]);
    }
    return env;
}

static struct json_object *
labels(const struct marks *marks, const struct making *making)
{
    struct json_object *labels = json_object_new_object();
    char revision[17];

    snprintf(revision, sizeof revision, "%016" PRIx64, making->revision);
    put_text(labels, LABEL_CLUSTER, marks->cluster);
    put_text(labels, LABEL_NODE, marks->node);
    put_text(labels, LABEL_BOOT, marks->boot);
    put_text(labels, LABEL_FUNCTION, making->function_id);
    put_text(labels, LABEL_OWNER, making->owner_id);
    put_text(labels, LABEL_REVISION, revision);
    return labels;
}

/* {"50052/tcp": value} */
static struct json_object *
at_port(struct json_object *value)
{
    struct json_object *ports = json_object_new_object();

    put(ports, FUNCTION_PORT "/tcp", value);
    return ports;
}

static struct json_object *
port_bindings(const char *address)
{
    struct json_object *binding = json_object_new_object();
    struct json_object *bindings = json_object_new_array();

    put_text(binding, "HostIp", address);
    put_text(binding, "HostPort", ""); /* any free one */
    json_object_array_add(bindings, binding);
    return at_port(bindings);
}

static void
put_limits(struct json_object *host, const struct template *template, const struct making *making)
{
    if (making->memory_bytes > 0) {
        put_number(host, "Memory", making->memory_bytes);
        put_number(host, "MemorySwap", making->memory_bytes); /* both together: no swap */
    }
    if (making->cpu_period_us > 0 && making->cpu_quota_us > 0) {
        put_number(host, "CpuPeriod", making->cpu_period_us);
        put_number(host, "CpuQuota", making->cpu_quota_us);
    }
    if (template->pids > 0) {
        put_number(host, "PidsLimit", template->pids);
    }
    put(host, "CapDrop", one_text("ALL"));
    put(host, "SecurityOpt", one_text("no-new-privileges"));
    put_truth(host, "ReadonlyRootfs", template->read_only);
    if (template->read_only) {
        struct json_object *tmpfs = json_object_new_object();

        put_text(tmpfs, "/tmp", "");
        put(host, "Tmpfs", tmpfs);
    }
}

static struct json_object *
log_config(uint64_t bytes)
{
    struct json_object *config = json_object_new_object();
    struct json_object *settings = json_object_new_object();
    char size[32];

    snprintf(size, sizeof size, "%" PRIu64, bytes);
    put_text(settings, "max-size", size);
    put_text(settings, "max-file", "2");
    put_text(config, "Type", "json-file");
    put(config, "Config", settings);
    return config;
}

static struct json_object *
volume_mount(const char *volume)
{
    struct json_object *mount = json_object_new_object();
    struct json_object *mounts = json_object_new_array();

    put_text(mount, "Type", "volume");
    put_text(mount, "Source", volume);
    put_text(mount, "Target", "/logs");
    json_object_array_add(mounts, mount);
    return mounts;
}

static struct json_object *
host_config(const struct template *template, const struct making *making)
{
    struct json_object *host = json_object_new_object();

    put_limits(host, template, making);
    put_truth(host, "AutoRemove", false); /* an end is to be explained before it is forgotten */
    put(host, "LogConfig", log_config(template->log_bytes));
    if (*template->volume) {
        put(host, "Mounts", volume_mount(template->volume));
    }
    if (*template->network) {
        put_text(host, "NetworkMode", template->network);
    }
    if (*template->publish) {
        put(host, "PortBindings", port_bindings(template->publish));
    }
    return host;
}

char *
request_create(const struct template *template, const struct making *making)
{
    struct json_object *body = json_object_new_object();

    if (!body) {
        return NULL;
    }
    put_text(body, "Image", making->image);
    put_truth(body, "Tty", false); /* logs come in frames */
    put(body, "Env", environment(template, making));
    put(body, "Labels", labels(&template->marks, making));
    put(body, "ExposedPorts", at_port(json_object_new_object()));
    put(body, "HostConfig", host_config(template, making));
    return render(body);
}

/* --- filters -------------------------------------------------------------------------------- */

char *
request_filters(const struct marks *marks, bool events)
{
    struct json_object *filters = json_object_new_object();
    struct json_object *labels = json_object_new_array();
    char *text, *escaped, *query = NULL;

    append_pair(labels, LABEL_CLUSTER, marks->cluster);
    append_pair(labels, LABEL_NODE, marks->node);
    put(filters, "label", labels);
    if (events) {
        put(filters, "type", one_text("container"));
    }
    text = render(filters);
    escaped = text ? name_escape(text) : NULL;
    if (!escaped || asprintf(&query, "filters=%s", escaped) < 0) {
        query = NULL;
    }
    free(text);
    free(escaped);
    return query;
}
