/*
 * answers.c - what an engine says.
 */
#include "answers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json_object_iterator.h>

#include "../kit/json.h"
#include "requests.h"

/* The API versions that we can speak. */
#define MINOR_MIN 41
#define MINOR_MAX 51

/* --- addresses ------------------------------------------------------------------------------ */

/* The first value of an object. */
static struct json_object *
first_value(struct json_object *object)
{
    struct json_object_iterator it, end;

    if (!json_object_is_type(object, json_type_object) || json_object_object_length(object) == 0) {
        return NULL;
    }
    it = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    return json_object_iter_equal(&it, &end) ? NULL : json_object_iter_peek_value(&it);
}

/* The address in the network; in any network if the one is not named. */
static void
find_internal(struct json_object *networks, const char *network, const char *name,
              char ret[static ADDRESS_SIZE])
{
    struct json_object *found = *network ? JSON_AT(networks, network) : first_value(networks);
    const char *address = json_text(JSON_AT(found, "IPAddress"));

    if (*address) {
        snprintf(ret, ADDRESS_SIZE, "%s:" FUNCTION_PORT, address);
    } else if (*network && found) { /* its DNS knows the name */
        snprintf(ret, ADDRESS_SIZE, "%s:" FUNCTION_PORT, name);
    } else {
        ret[0] = '\0';
    }
}

static void
write_external(const char *advertise, const char *host, const char *port,
               char ret[static ADDRESS_SIZE])
{
    snprintf(ret, ADDRESS_SIZE, "%s:%s", *advertise ? advertise : host, port);
}

static const char *
without_slash(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

/* --- inspect -------------------------------------------------------------------------------- */

void
answer_inspect(struct json_object *answer, const struct addressing *where, struct inspected *ret)
{
    struct json_object *state = JSON_AT(answer, "State");
    struct json_object *settings = JSON_AT(answer, "NetworkSettings");
    struct json_object *binding = json_item(JSON_AT(settings, "Ports", FUNCTION_PORT "/tcp"), 0);

    bool paused = json_true(JSON_AT(state, "Paused"));

    *ret = (struct inspected){
        .running = json_true(JSON_AT(state, "Running")) && !paused,
        .paused = paused,
        .out_of_memory = json_true(JSON_AT(state, "OOMKilled")),
        .exit_code = (int32_t)json_number(JSON_AT(state, "ExitCode")),
    };
    snprintf(ret->reason, sizeof ret->reason, "%s", json_text(JSON_AT(state, "Error")));
    find_internal(JSON_AT(settings, "Networks"), where->network,
                  without_slash(json_text(JSON_AT(answer, "Name"))), ret->internal);
    if (binding) {
        write_external(where->advertise, json_text(JSON_AT(binding, "HostIp")),
                       json_text(JSON_AT(binding, "HostPort")), ret->external);
    }
}

/* --- listings ------------------------------------------------------------------------------- */

static void
find_published(struct json_object *ports, const struct addressing *where,
               char ret[static ADDRESS_SIZE])
{
    struct json_object *port;

    ret[0] = '\0';
    for (size_t i = 0; (port = json_item(ports, i)); i++) {
        int64_t public = json_number(JSON_AT(port, "PublicPort"));
        char number[24];

        if (public > 0 && json_number(JSON_AT(port, "PrivatePort")) == FUNCTION_PORT_NUMBER) {
            snprintf(number, sizeof number, "%lld", (long long)public);
            write_external(where->advertise, json_text(JSON_AT(port, "IP")), number, ret);
            return;
        }
    }
}

bool
answer_listed(struct json_object *item, const struct addressing *where, struct listed *ret)
{
    struct json_object *labels = JSON_AT(item, "Labels");

    *ret = (struct listed){
        .id = json_text(JSON_AT(item, "Id")),
        .name = without_slash(json_text(json_item(JSON_AT(item, "Names"), 0))),
        .boot = json_text(JSON_AT(labels, LABEL_BOOT)),
        .function_id = json_text(JSON_AT(labels, LABEL_FUNCTION)),
        .owner_id = json_text(JSON_AT(labels, LABEL_OWNER)),
        .revision = strtoull(json_text(JSON_AT(labels, LABEL_REVISION)), NULL, 16),
        .running = strcmp(json_text(JSON_AT(item, "State")), "running") == 0,
    };
    find_internal(JSON_AT(item, "NetworkSettings", "Networks"), where->network, ret->name,
                  ret->internal);
    find_published(JSON_AT(item, "Ports"), where, ret->external);
    return *ret->id && *ret->boot;
}

/* --- events --------------------------------------------------------------------------------- */

void
answer_event(struct json_object *event, struct event *ret)
{
    const char *action = json_text(JSON_AT(event, "Action"));

    *ret = (struct event){
        .id = json_text(JSON_AT(event, "Actor", "ID")),
        .boot = json_text(JSON_AT(event, "Actor", "Attributes", LABEL_BOOT)),
        .time_ns = (uint64_t)json_number(JSON_AT(event, "timeNano")),
    };
    if (strcmp(json_text(JSON_AT(event, "Type")), "container") != 0) {
        return;
    }
    if (strcmp(action, "die") == 0 || strcmp(action, "died") == 0) { /* "died": Podman */
        ret->kind = EVENT_DIED;
        ret->killed =
            strcmp(json_text(JSON_AT(event, "Actor", "Attributes", "exitCode")), "137") == 0;
    } else if (strcmp(action, "pause") == 0) {
        ret->kind = EVENT_PAUSED;
    } else if (strcmp(action, "create") == 0 || strcmp(action, "start") == 0) {
        ret->kind = EVENT_MADE;
    }
}

/* --- the rest ------------------------------------------------------------------------------- */

const char *
answer_pull_error(struct json_object *line)
{
    const char *detail = json_text(JSON_AT(line, "errorDetail", "message"));

    if (!*detail) {
        detail = json_text(JSON_AT(line, "error"));
    }
    return *detail ? detail : NULL;
}

const char *
answer_pull_status(struct json_object *line)
{
    return json_text(JSON_AT(line, "status"));
}

const char *
answer_message(struct json_object *answer)
{
    const char *message = json_text(JSON_AT(answer, "message"));

    return *message ? message : NULL;
}

bool
answer_is_port_taken(const char *message)
{
    return strstr(message, "address already in use") ||
           strstr(message, "port is already allocated");
}

/* The first address of an IPv4 network in the form 172.17.0.0/16; false: it is of another kind. */
static bool
first_address(const char *subnet, char ret[static GATEWAY_SIZE])
{
    size_t len = strcspn(subnet, "/");
    struct in_addr address;
    char text[GATEWAY_SIZE];

    if (len == 0 || len >= sizeof text) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", (int)len, subnet);
    if (inet_pton(AF_INET, text, &address) != 1) {
        return false;
    }
    address.s_addr = htonl(ntohl(address.s_addr) + 1);
    return inet_ntop(AF_INET, &address, ret, GATEWAY_SIZE) != NULL;
}

bool
answer_gateway(struct json_object *network, char ret[static GATEWAY_SIZE])
{
    struct json_object *configs = JSON_AT(network, "IPAM", "Config");
    struct json_object *config;

    ret[0] = '\0';
    for (size_t i = 0; (config = json_item(configs, i)); i++) {
        const char *gateway = json_text(JSON_AT(config, "Gateway"));

        if (*gateway && !strchr(gateway, ':') && strlen(gateway) < GATEWAY_SIZE) {
            snprintf(ret, GATEWAY_SIZE, "%s", gateway);
            return true;
        }
        if (!*ret) {
            first_address(json_text(JSON_AT(config, "Subnet")), ret);
        }
    }
    return false;
}

const char *
answer_bridge(struct json_object *network)
{
    return json_text(JSON_AT(network, "Options", "com.docker.network.bridge.name"));
}

uint64_t
answer_date(const char *date)
{
    struct tm tm = { 0 };
    time_t seconds = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) ? timegm(&tm) : 0;

    return seconds > 0 ? (uint64_t)seconds : 0;
}

bool
answer_version(const char *engine, char ret[static VERSION_SIZE])
{
    unsigned major, minor;

    if (sscanf(engine, "%u.%u", &major, &minor) != 2 || major < 1 ||
        (major == 1 && minor < MINOR_MIN)) {
        return false;
    }
    if (major > 1 || minor > MINOR_MAX) {
        minor = MINOR_MAX;
    }
    snprintf(ret, VERSION_SIZE, "1.%u", minor);
    return true;
}
