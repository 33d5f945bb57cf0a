/*
 * node_check.c - the relations between a node's options, and its names; see node_check.h.
 */
#include "node/node_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"
#include "node/managers.h"
#include "node/node_config.h"
#include "node/node_document.h"
#include "node/node_id.h"
#include "node/node_place.h"
#include "node/selector.h"

static const char *const role_names[] = { "lb", "leaf", "worker" };

static int
check_roles(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    const char *role;

    for (size_t i = 0; (role = hf_options_item(node, "roles", i)); i++) {
        const char *meant = hf_closest_word(role, role_names, hf_countof(role_names));
        bool known = false;

        for (size_t j = 0; j < hf_countof(role_names); j++) {
            known = known || strcmp(role, role_names[j]) == 0;
        }
        if (!known) {
            return hf_node_refuse(config, "node", "roles", role, err,
                                  "there is no role '%s'%s%s%s the roles are lb, leaf and worker",
                                  role, meant ? "; did you mean '" : ";", meant ? meant : "",
                                  meant ? "'?" : "");
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(role, hf_options_item(node, "roles", j)) == 0) {
                return hf_node_refuse(config, "node", "roles", role, err,
                                      "'%s' is given twice; name each role once", role);
            }
        }
    }
    if (hf_options_count(node, "roles") == 0) {
        return hf_node_refuse(config, "node", "roles", NULL, err,
                              "no role is named; write one or more of lb, leaf and worker");
    }
    return 0;
}

/* --- relations ---------------------------------------------------------------------------------
 */

/* Two options of a section of which the second must not be below the first. */
static const struct relation {
    const char *section;
    const char *low;
    const char *high;
    const char *why;
} relations[] = {
    { "lb", "heartbeat", "loss_timeout", "a child would be lost before it is asked again" },
    { "lb", "eject_for", "eject_max",
      "it is the first of the pauses of which that is the longest" },
    { "leaf", "heartbeat", "loss_timeout", "a worker would be lost before it is asked again" },
    { "leaf", "start_backoff", "start_backoff_max",
      "it is the first of the pauses of which that is the longest" },
};

static int
check_relation(const struct hf_config *config, const struct hf_node_config *checked,
               const struct relation *relation, struct hf_err *err)
{
    const struct hf_options *options = hf_node_config_options(checked, relation->section);
    uint64_t low = hf_options_u64(options, relation->low);
    uint64_t high = hf_options_u64(options, relation->high);
    bool high_given = hf_options_is_given(options, relation->high);
    char low_text[HF_FORMAT_MAX];
    char high_text[HF_FORMAT_MAX];

    if (high >= low) {
        return 0;
    }
    hf_format_duration(low, low_text);
    hf_format_duration(high, high_text);
    if (high_given) {
        return hf_node_refuse(config, relation->section, relation->high, NULL, err,
                              "%s is below %s (%s): %s; write at least %s", high_text,
                              relation->low, low_text, relation->why, low_text);
    }
    return hf_node_refuse(config, relation->section, relation->low, NULL, err,
                          "%s is above %s (%s): %s; write at most %s, or raise %s", low_text,
                          relation->high, high_text, relation->why, high_text, relation->high);
}

/* --- the node's names --------------------------------------------------------------------------
 */

static int
check_id(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    const char *id = hf_options_str(node, "id");

    for (const char *c = id ? id : ""; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return hf_node_refuse(config, "node", "id", NULL, err,
                                  "'%.80s' has a blank or a character that is not visible ASCII; "
                                  "write a name such as leaf-1",
                                  id);
        }
    }
    if (id && strlen(id) >= HF_NODE_ID_MAX) {
        return hf_node_refuse(config, "node", "id", NULL, err,
                              "the name has %zu bytes; at most %d are allowed", strlen(id),
                              HF_NODE_ID_MAX - 1);
    }
    return 0;
}

/* Whether a host is one that others can dial: a name or an IP address, without port. */
static bool
is_host(const char *host)
{
    char text[300];
    char parsed[256];
    struct in6_addr v6;
    uint16_t port;

    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return true;
    }
    snprintf(text, sizeof text, "%s:1", host);
    return hf_parse_host_port(text, parsed, sizeof parsed, &port, NULL) == 0;
}

static int
check_advertise(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    const char *host = hf_options_str(node, "advertise");

    if (!host || !*host) {
        return 0;
    }
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 || strcmp(host, "[::]") == 0) {
        return hf_node_refuse(
            config, "node", "advertise", NULL, err,
            "'%s' means every interface, which nobody can dial; write the name or "
            "address of this host",
            host);
    }
    if (!is_host(host)) {
        return hf_node_refuse(config, "node", "advertise", NULL, err,
                              "'%.80s' is not a host; write a name or an IP address, without port",
                              host);
    }
    return 0;
}

/* Labels have one value each, and not the names of what selectors know otherwise. */
static int
check_label(const struct hf_config *config, const struct hf_options *node, size_t i,
            struct hf_err *err)
{
    const char *label = hf_options_item(node, "labels", i);
    size_t len = 0;

    if (!hf_label_split(label, &len)) {
        return hf_node_refuse(config, "node", "labels", label, err,
                              "'%s' is not a label; write KEY=VALUE, such as disk=ssd", label);
    }
    if (len == 4 && (strncmp(label, "zone", len) == 0 || strncmp(label, "role", len) == 0)) {
        return hf_node_refuse(config, "node", "labels", label, err,
                              "'%.4s' is not free for a label; write %.4s%s = %s in [node]", label,
                              label, *label == 'r' ? "s" : "", label + len + 1);
    }
    for (size_t j = 0; j < i; j++) {
        if (strncmp(label, hf_options_item(node, "labels", j), len + 1) == 0) {
            return hf_node_refuse(config, "node", "labels", label, err,
                                  "'%.*s' is given twice; a label has one value", (int)len, label);
        }
    }
    if (i >= HF_NODE_LABELS_MAX) {
        return hf_node_refuse(config, "node", "labels", label, err,
                              "'%s' is one too many; at most %d are allowed", label,
                              HF_NODE_LABELS_MAX);
    }
    return 0;
}

/* A module in a folder that is not there would be taken from another one. */
static int
check_plugin_path(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    const char *folder;
    struct stat st;

    for (size_t i = 0; (folder = hf_options_item(node, "plugin_path", i)); i++) {
        if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)) {
            return hf_node_refuse(
                config, "node", "plugin_path", NULL, err,
                "there is no folder '%s'; write the folders in which modules lie, "
                "or leave the line out",
                folder);
        }
    }
    return 0;
}

static int
check_names(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    size_t count = hf_options_count(node, "labels");
    int r = check_id(config, node, err);

    if (r == 0) {
        r = check_advertise(config, node, err);
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        r = check_label(config, node, i, err);
    }
    return r;
}

static int
check_managers(const struct hf_config *config, const struct hf_options *node, struct hf_err *err)
{
    struct hf_managers managers;
    int r = hf_managers_read(node, &managers, err);

    if (r < 0) {
        return hf_node_wrap_value(config, "node", "managers", NULL, r, err);
    }
    hf_managers_fini(&managers);
    return 0;
}

/* Somebody must make use of what a load balancer knows. */
static int
check_purpose(const struct hf_config *config, const struct hf_options *lb, struct hf_err *err)
{
    if (!hf_options_bool(lb, "forward") && !hf_options_str(lb, "spoe")) {
        return hf_node_refuse(config, "lb", "forward", NULL, err,
                              "'no' needs `spoe` with an address where HAProxy can ask; write "
                              "spoe = 127.0.0.1:9990, or forward = yes");
    }
    return 0;
}

int
hf_node_check_options(const struct hf_config *config, const struct hf_node_config *checked,
                      struct hf_err *err)
{
    const struct hf_options *node = hf_node_config_options(checked, "node");
    int r = check_roles(config, node, err);

    if (r == 0) {
        r = check_names(config, node, err);
    }
    if (r == 0) {
        r = check_plugin_path(config, node, err);
    }
    if (r == 0) {
        r = check_managers(config, node, err);
    }
    for (size_t i = 0; i < hf_countof(relations) && r == 0; i++) {
        if (hf_node_config_has_role(checked, relations[i].section)) {
            r = check_relation(config, checked, &relations[i], err);
        }
    }
    if (r == 0 && hf_node_config_has_role(checked, "lb")) {
        r = check_purpose(config, hf_node_config_options(checked, "lb"), err);
    }
    return r;
}
