/*
 * client.c - the members of etcd, and connections to them.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "client_private.h"

/* Calls, streams and what is left for others; each stream keeps a connection. */
#define CONNECTIONS 16

/* An endpoint of several gets its part of the time for dialling, but not less than this. */
#define DIAL_MIN (300 * MSEC)

/* --- endpoints ---------------------------------------------------------------------------- */

/* "HOST:PORT" or a URL becomes a URL without a slash at the end. */
static int
add_endpoint(struct client *client, const char *text, bool tls, struct hf_err *err)
{
    const char *scheme = strstr(text, "://") ? "" : tls ? "https://" : "http://";
    size_t len = strlen(text);
    char *url;

    if (client->n_endpoints == ENDPOINTS_MAX) {
        return client->host->fail(err, HF_EINVALID,
                                  "store etcd: more than %d endpoints (option 'endpoints')",
                                  ENDPOINTS_MAX);
    }
    while (len > 0 && text[len - 1] == '/') {
        len--;
    }
    if (asprintf(&url, "%s%.*s", scheme, (int)len, text) < 0) {
        return client->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    client->endpoints[client->n_endpoints++] = url;
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
        strlen(strstr(url, "://")) == 3 || (*scheme && !strchr(text, ':')) ||
        strpbrk(strstr(url, "://") + 3, "/ ?#@")) {
        return client->host->fail(err, HF_EINVALID,
                                  "store etcd: the endpoint '%s' is not of the form HOST:PORT or "
                                  "http://HOST:PORT (option 'endpoints')",
                                  text);
    }
    return 0;
}

static int
add_endpoints(struct client *client, const struct hf_options *options, struct hf_err *err)
{
    const struct hf_host *host = client->host;
    const char *endpoint;
    bool tls = host->option_string(options, "ca_file") || host->option_string(options, "cert_file");

    for (size_t i = 0; (endpoint = host->option_item(options, "endpoints", i)); i++) {
        int r = add_endpoint(client, endpoint, tls, err);

        if (r < 0) {
            return r;
        }
    }
    if (client->n_endpoints == 0) {
        return host->fail(err, HF_EINVALID,
                          "store etcd: there is no endpoint (option 'endpoints')");
    }
    client->current = (unsigned)(client->driver->random(client->driver) % client->n_endpoints);
    return 0;
}

const char *
client_endpoint(const struct client *client)
{
    return client->endpoints[client->current];
}

unsigned
client_endpoint_count(const struct client *client)
{
    return client->n_endpoints;
}

void
client_blame(struct client *client, unsigned endpoint)
{
    client->n_failures++;
    if (client->current == endpoint) {
        client->current = (client->current + 1) % client->n_endpoints;
    }
}

void
client_move_on(struct client *client)
{
    client_blame(client, client->current);
}

uint64_t
client_backoff(struct client *client, unsigned failures)
{
    uint64_t delay = BACKOFF_MIN;

    while (failures-- > 0 && delay < BACKOFF_MAX) {
        delay *= 2;
    }
    delay = delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
    return delay / 2 + client->driver->random(client->driver) % (delay / 2);
}

/* --- requests ----------------------------------------------------------------------------- */

int
client_send(struct client *client, const struct client_post *post,
            const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret)
{
    const char *const headers[] = { "Content-Type: application/json", client->token, NULL };
    struct hf_host_http_request request = {
        .size = sizeof request,
        .method = "POST",
        .headers = headers,
        .body = post->body,
        .body_len = strlen(post->body),
        .timeout_ns = post->limit_ns,
        .max_body_bytes = post->max_answer,
    };
    char *url;
    int r;

    if (asprintf(&url, "%s%s", client->endpoints[post->endpoint], post->path) < 0) {
        return HF_ENOMEM;
    }
    request.url = url;
    r = client->driver->http_send(client->http, &request, events, arg, ret, NULL);
    free(url);
    return r;
}

int
client_open(struct client *client, const char *path, const char *body,
            const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret)
{
    const struct client_post post = { .endpoint = client->current, .path = path, .body = body };

    return client_send(client, &post, events, arg, ret);
}

void
client_close(struct client *client, struct hf_host_exchange *exchange)
{
    client->driver->http_cancel(exchange);
}

void
client_show(const struct client *client, struct hf_text *text)
{
    for (unsigned i = 0; i < client->n_endpoints; i++) {
        client->host->print(text, "endpoint %s%s\n", client->endpoints[i],
                            i == client->current ? " (in use)" : "");
    }
    client->host->print(text, "user %s\n", client->user ? client->user : "-");
    client->host->print(text, "failed_attempts %ju\n", (uintmax_t)client->n_failures);
}

/* --- life --------------------------------------------------------------------------------- */

static int
take_user(struct client *client, const struct hf_options *options, struct hf_err *err)
{
    const char *user = client->host->option_string(options, "user");
    const char *password = client->host->option_string(options, "password");

    if (!user && !password) {
        return 0;
    }
    if (!user || !password) {
        return client->host->fail(err, HF_EINVALID,
                                  "store etcd: 'user' and 'password' belong together");
    }
    client->user = strdup(user);
    client->password = strdup(password);
    return client->user && client->password
               ? 0
               : client->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
}

static int
open_http(struct client *client, const struct hf_options *options, struct hf_err *err)
{
    const struct hf_host *host = client->host;
    uint64_t part = client->dial_timeout_ns / client->n_endpoints;
    const struct hf_host_http_options http = {
        .size = sizeof http,
        .max_connections = CONNECTIONS,
        .ca_file = host->option_string(options, "ca_file"),
        .cert_file = host->option_string(options, "cert_file"),
        .key_file = host->option_string(options, "key_file"),
        .connect_timeout_ns = part > DIAL_MIN ? part : DIAL_MIN,
    };

    return client->driver->http_new(client->driver, &http, &client->http, err);
}

int
client_new(const struct hf_driver_host *driver, const struct hf_options *options,
           struct client **ret, struct hf_err *err)
{
    struct client *client = calloc(1, sizeof *client);
    int r;

    if (!client) {
        return driver->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    client->driver = driver;
    client->host = driver->host;
    client->dial_timeout_ns = driver->host->option_u64(options, "dial_timeout");
    r = add_endpoints(client, options, err);
    if (r == 0) {
        r = take_user(client, options, err);
    }
    if (r == 0) {
        r = open_http(client, options, err);
    }
    if (r < 0) {
        client_free(client);
        return r;
    }
    *ret = client;
    return 0;
}

void
client_free(struct client *client)
{
    if (!client) {
        return;
    }
    client->driver->http_free(client->http);
    for (unsigned i = 0; i < client->n_endpoints; i++) {
        free(client->endpoints[i]);
    }
    free(client->user);
    free(client->password);
    free(client->token);
    free(client);
}
