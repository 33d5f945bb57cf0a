/* fake-etcd.c - a model of etcd's JSON gateway; see fake-etcd.h. */
#include "fake-etcd.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-etcd-json.h"

/* --- pairs -------------------------------------------------------------------------------- */

/* Where a key is, or belongs. */
static size_t
place(const struct fake_etcd *etcd, const char *key)
{
    size_t low = 0, high = etcd->n_pairs;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(etcd->pairs[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct fake_etcd_pair *
find(struct fake_etcd *etcd, const char *key)
{
    size_t i = place(etcd, key);

    return i < etcd->n_pairs && strcmp(etcd->pairs[i].key, key) == 0 ? &etcd->pairs[i] : NULL;
}

static void
free_pair(struct fake_etcd_pair *pair)
{
    free(pair->key);
    free(pair->value);
}

static char *
copy(const char *data, size_t len)
{
    char *bytes = calloc(1, len + 1);

    assert(bytes);
    memcpy(bytes, data, len);
    return bytes;
}

/* --- answers ------------------------------------------------------------------------------ */

static struct json_object *
with_header(const struct fake_etcd *etcd)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *header = json_object_new_object();

    add_u64(header, "cluster_id", etcd->cluster);
    add_u64(header, "raft_term", etcd->term);
    add_u64(header, "revision", etcd->revision);
    json_object_object_add(answer, "header", header);
    return answer;
}

static struct json_object *
kv_of(const struct fake_etcd_pair *pair, bool keys_only)
{
    struct json_object *kv = json_object_new_object();

    add_bytes(kv, "key", pair->key, strlen(pair->key));
    add_u64(kv, "create_revision", pair->created);
    add_u64(kv, "mod_revision", pair->modified);
    if (pair->value && !keys_only) {
        add_bytes(kv, "value", pair->value, pair->value_len);
    }
    return kv;
}

static void
answer(struct fake_request *request, struct json_object *object)
{
    fake_answer(request, 200, json_object_to_json_string(object));
    json_object_put(object);
}

static void
refuse(struct fake_request *request, uint32_t status, int code, const char *message)
{
    char body[300];

    snprintf(body, sizeof body, "{\"error\":\"%s\",\"message\":\"%s\",\"code\":%d}", message,
             message, code);
    fake_answer(request, status, body);
}

/* --- changes ------------------------------------------------------------------------------ */

static struct json_object *
event_of(const struct fake_etcd_pair *pair)
{
    struct json_object *event = json_object_new_object();

    if (!pair->value) {
        json_object_object_add(event, "type", json_object_new_string("DELETE"));
    }
    json_object_object_add(event, "kv", kv_of(pair, false));
    return event;
}

static void
send_line(struct fake_request *request, struct json_object *result)
{
    struct json_object *line = json_object_new_object();
    const char *text;

    json_object_object_add(line, "result", result);
    text = json_object_to_json_string(line);
    fake_answer_data(request, text, strlen(text));
    fake_answer_data(request, "\n", 1);
    json_object_put(line);
}

static bool
is_watched(const struct fake_etcd *etcd, size_t watch, const struct fake_etcd_pair *pair)
{
    return !etcd->watches[watch].request->over &&
           strcmp(pair->key, etcd->watches[watch].first) >= 0 &&
           strcmp(pair->key, etcd->watches[watch].end) < 0;
}

static void
send_event(struct fake_etcd *etcd, size_t watch, const struct fake_etcd_pair *pair)
{
    struct json_object *result, *events;

    if (!is_watched(etcd, watch, pair)) {
        return;
    }
    result = with_header(etcd);
    events = json_object_new_array();
    json_object_array_add(events, event_of(pair));
    json_object_object_add(result, "events", events);
    send_line(etcd->watches[watch].request, result);
}

/* All that happened since a revision, in one line. */
static void
send_batch(struct fake_etcd *etcd, size_t watch, uint64_t start)
{
    struct json_object *result = with_header(etcd), *events = json_object_new_array();

    for (size_t e = 0; e < etcd->n_events; e++) {
        if (etcd->events[e].modified >= start && is_watched(etcd, watch, &etcd->events[e])) {
            json_object_array_add(events, event_of(&etcd->events[e]));
        }
    }
    json_object_object_add(result, "events", events);
    send_line(etcd->watches[watch].request, result);
}

static void
note(struct fake_etcd *etcd, const struct fake_etcd_pair *pair)
{
    struct fake_etcd_pair *event = &etcd->events[etcd->n_events++];

    assert(etcd->n_events < FAKE_ETCD_EVENTS);
    *event = *pair;
    event->key = copy(pair->key, strlen(pair->key));
    event->value = pair->value ? copy(pair->value, pair->value_len) : NULL;
    for (size_t i = 0; i < etcd->n_watches; i++) {
        send_event(etcd, i, event);
    }
}

static void
put(struct fake_etcd *etcd, const char *key, const char *value, size_t len)
{
    struct fake_etcd_pair *pair = find(etcd, key);

    etcd->revision++;
    if (!pair) {
        size_t i = place(etcd, key);

        assert(etcd->n_pairs < FAKE_ETCD_KEYS);
        memmove(&etcd->pairs[i + 1], &etcd->pairs[i], (etcd->n_pairs - i) * sizeof *pair);
        etcd->n_pairs++;
        pair = &etcd->pairs[i];
        *pair = (struct fake_etcd_pair){ .key = copy(key, strlen(key)), .created = etcd->revision };
    }
    free(pair->value);
    pair->value = copy(value, len);
    pair->value_len = len;
    pair->lease = 0;
    pair->modified = etcd->revision;
    note(etcd, pair);
}

/* Returns whether it was there. */
static bool
drop(struct fake_etcd *etcd, const char *key)
{
    struct fake_etcd_pair *pair = find(etcd, key);
    struct fake_etcd_pair gone;

    if (!pair) {
        return false;
    }
    gone = *pair;
    etcd->n_pairs--;
    memmove(pair, pair + 1, (size_t)(&etcd->pairs[etcd->n_pairs] - pair) * sizeof *pair);
    free(gone.value);
    gone.value = NULL;
    gone.modified = ++etcd->revision;
    note(etcd, &gone);
    free_pair(&gone);
    return true;
}

/* --- calls -------------------------------------------------------------------------------- */

static struct json_object *
range(struct fake_etcd *etcd, struct json_object *body)
{
    size_t len, limit = get_u64(body, "limit"), n = 0, i;
    char *first = get_bytes(body, "key", &len), *end = get_key(body, "range_end");
    bool keys_only = json_object_get_boolean(json_object_object_get(body, "keys_only"));
    struct json_object *object = with_header(etcd), *kvs = json_object_new_array();

    i = place(etcd, first);
    if (strlen(first) < len && find(etcd, first)) {
        i++; /* a NUL behind a key: the least key behind it */
    }
    for (; i < etcd->n_pairs; i++) {
        if (*end ? strcmp(etcd->pairs[i].key, end) >= 0 : strcmp(etcd->pairs[i].key, first) != 0) {
            break;
        }
        if (limit > 0 && n == limit) {
            json_object_object_add(object, "more", json_object_new_boolean(true));
            break;
        }
        json_object_array_add(kvs, kv_of(&etcd->pairs[i], keys_only));
        n++;
    }
    if (n > 0) {
        json_object_object_add(object, "kvs", kvs);
    } else {
        json_object_put(kvs);
    }
    free(first);
    free(end);
    return object;
}

static void
put_from(struct fake_etcd *etcd, struct json_object *body)
{
    size_t len;
    char *key = get_key(body, "key"), *value = get_bytes(body, "value", &len);

    put(etcd, key, value, len);
    find(etcd, key)->lease = get_u64(body, "lease");
    free(key);
    free(value);
}

/* One comparison, one success, at most one failure: as much as a store needs. */
static struct json_object *
transact(struct fake_etcd *etcd, struct json_object *body)
{
    struct json_object *compare =
        json_object_array_get_idx(json_object_object_get(body, "compare"), 0);
    struct json_object *failure = json_object_object_get(body, "failure");
    const char *target = json_object_get_string(json_object_object_get(compare, "target"));
    char *key = get_key(compare, "key");
    const struct fake_etcd_pair *pair = find(etcd, key);
    struct json_object *object, *responses, *response;
    bool by_lease = strcmp(target, "LEASE") == 0;
    bool holds = by_lease ? get_u64(compare, "lease") == (pair ? pair->lease : 0)
                 : strcmp(target, "CREATE") == 0
                     ? get_u64(compare, "create_revision") == (pair ? pair->created : 0)
                     : get_u64(compare, "mod_revision") == (pair ? pair->modified : 0);

    free(key);
    if (holds != by_lease) {
        struct json_object *write = json_object_array_get_idx(
            json_object_object_get(body, by_lease ? "failure" : "success"), 0);

        put_from(etcd, json_object_object_get(write, "request_put"));
    }
    object = with_header(etcd);
    if (by_lease) {
        if (holds) {
            json_object_object_add(object, "succeeded", json_object_new_boolean(true));
        }
    } else if (holds) {
        json_object_object_add(object, "succeeded", json_object_new_boolean(true));
    } else if (failure) {
        responses = json_object_new_array();
        response = json_object_new_object();
        json_object_object_add(
            response, "response_range",
            range(etcd,
                  json_object_object_get(json_object_array_get_idx(failure, 0), "request_range")));
        json_object_array_add(responses, response);
        json_object_object_add(object, "responses", responses);
    }
    return object;
}

static void
watch(struct fake_etcd *etcd, struct fake_request *request, struct json_object *body)
{
    struct json_object *create = json_object_object_get(body, "create_request");
    uint64_t start = get_u64(create, "start_revision");
    struct json_object *result = with_header(etcd);
    size_t i = etcd->n_watches++;

    assert(create && i < FAKE_ETCD_WATCHES);
    etcd->n_watched++;
    etcd->watches[i].request = request;
    etcd->watches[i].first = get_key(create, "key");
    etcd->watches[i].end = get_key(create, "range_end");
    fake_answer_begin(request, 200, NULL);
    json_object_object_add(result, "created", json_object_new_boolean(true));
    send_line(request, result);
    if (start <= etcd->compacted) {
        result = with_header(etcd);
        json_object_object_add(result, "canceled", json_object_new_boolean(true));
        add_u64(result, "compact_revision", etcd->compacted);
        send_line(request, result); /* and stays open in silence */
        return;
    }
    if (etcd->batches && !request->over) {
        send_batch(etcd, i, start);
        return;
    }
    for (size_t e = 0; e < etcd->n_events; e++) {
        if (etcd->events[e].modified >= start) {
            send_event(etcd, i, &etcd->events[e]);
        }
    }
}

static void
authenticate(struct fake_etcd *etcd, struct fake_request *request, struct json_object *body)
{
    struct json_object *object;

    etcd->n_authentications++;
    if (!etcd->next_token) {
        refuse(request, 400, 9, "etcdserver: authentication is not enabled");
        return;
    }
    if (strcmp(json_object_get_string(json_object_object_get(body, "password")), "secret") != 0) {
        refuse(request, 400, 3, "etcdserver: authentication failed, invalid user ID or password");
        return;
    }
    object = with_header(etcd);
    json_object_object_add(object, "token", json_object_new_string(etcd->next_token));
    answer(request, object);
}

/* --- leases --------------------------------------------------------------------------------- */

static void
end_lease(struct fake_etcd *etcd, uint64_t lease)
{
    etcd->leases[lease - 1].end_ns = 0;
    for (size_t i = etcd->n_pairs; i > 0; i--) {
        if (etcd->pairs[i - 1].lease == lease) {
            drop(etcd, etcd->pairs[i - 1].key);
        }
    }
}

static void
end_leases(struct fake_etcd *etcd, uint64_t now_ns)
{
    for (size_t i = 0; i < etcd->n_leases; i++) {
        if (etcd->leases[i].end_ns > 0 && etcd->leases[i].end_ns <= now_ns) {
            end_lease(etcd, i + 1);
        }
    }
}

static void
serve_lease(struct fake_etcd *etcd, struct fake_request *request, const char *deed,
            struct json_object *body)
{
    struct json_object *object = with_header(etcd), *stream;
    uint64_t lease = get_u64(body, "ID");
    bool alive = lease > 0 && lease <= etcd->n_leases && etcd->leases[lease - 1].end_ns > 0;

    if (strcmp(deed, "grant") == 0) {
        assert(etcd->n_leases < FAKE_ETCD_LEASES);
        etcd->leases[etcd->n_leases].ttl_ns = get_u64(body, "TTL") * 1000000000;
        lease = ++etcd->n_leases;
        alive = true;
    } else if (strcmp(deed, "revoke") == 0) {
        json_object_put(object);
        if (alive) {
            end_lease(etcd, lease);
            answer(request, with_header(etcd));
        } else {
            refuse(request, 404, 5, "etcdserver: requested lease not found");
        }
        return;
    }
    add_u64(object, "ID", lease);
    if (alive) { /* else no TTL: that is all that etcd says */
        etcd->leases[lease - 1].end_ns = fake_real_now() + etcd->leases[lease - 1].ttl_ns;
        add_u64(object, "TTL", etcd->leases[lease - 1].ttl_ns / 1000000000);
    }
    if (strcmp(deed, "keepalive") == 0) {
        stream = json_object_new_object();
        json_object_object_add(stream, "result", object);
        object = stream;
    }
    answer(request, object);
}

static bool
has_token(const struct fake_etcd *etcd, const struct fake_request *request)
{
    char line[100];

    snprintf(line, sizeof line, "Authorization: %s\n", etcd->token);
    return strstr(request->headers, line);
}

static void
serve_call(struct fake_etcd *etcd, struct fake_request *request, const char *path,
           struct json_object *body)
{
    static const char lease[] = "/v3/lease/";
    struct json_object *object;

    end_leases(etcd, fake_real_now());
    if (strncmp(path, lease, sizeof lease - 1) == 0) {
        serve_lease(etcd, request, path + sizeof lease - 1, body);
    } else if (strcmp(path, "/v3/kv/range") == 0) {
        etcd->n_ranges++;
        if (get_u64(body, "revision") > 0 && get_u64(body, "revision") < etcd->compacted) {
            refuse(request, 400, 11, "etcdserver: mvcc: required revision has been compacted");
            return;
        }
        answer(request, range(etcd, body));
    } else if (strcmp(path, "/v3/kv/put") == 0) {
        put_from(etcd, body);
        answer(request, with_header(etcd));
    } else if (strcmp(path, "/v3/kv/deleterange") == 0) {
        char *key = get_key(body, "key");
        bool dropped = drop(etcd, key);

        object = with_header(etcd);
        add_u64(object, "deleted", dropped);
        answer(request, object);
        free(key);
    } else if (strcmp(path, "/v3/kv/txn") == 0) {
        answer(request, transact(etcd, body));
    } else {
        assert(strcmp(path, "/v3/watch") == 0);
        watch(etcd, request, body);
    }
}

static void
serve(void *arg, struct fake_request *request)
{
    struct fake_etcd *etcd = arg;
    const char *path = strchr(strstr(request->url, "://") + 3, '/');
    struct json_object *body = json_tokener_parse(request->body);

    assert(body && strcmp(request->method, "POST") == 0);
    if (strcmp(path, "/v3/auth/authenticate") == 0) {
        authenticate(etcd, request, body);
    } else if (etcd->refusal) {
        fake_answer(request, etcd->refusal_status, etcd->refusal);
    } else if (etcd->token && !strstr(request->headers, "Authorization:")) {
        refuse(request, 400, 3, "etcdserver: user name is empty");
    } else if (etcd->token && !has_token(etcd, request)) {
        refuse(request, 401, 16, "etcdserver: invalid auth token");
    } else {
        serve_call(etcd, request, path, body);
    }
    json_object_put(body);
}

/* --- the test's side ---------------------------------------------------------------------- */

void
fake_etcd_init(struct fake_etcd *etcd)
{
    memset(etcd, 0, sizeof *etcd);
    etcd->revision = 1;
}

void
fake_etcd_wipe(struct fake_etcd *etcd)
{
    while (etcd->n_pairs > 0) {
        free_pair(&etcd->pairs[--etcd->n_pairs]);
    }
    while (etcd->n_events > 0) {
        free_pair(&etcd->events[--etcd->n_events]);
    }
    etcd->revision = 1;
    etcd->compacted = 0;
    etcd->n_leases = 0;
}

void
fake_etcd_fini(struct fake_etcd *etcd)
{
    fake_etcd_wipe(etcd);
    while (etcd->n_watches > 0) {
        etcd->n_watches--;
        free(etcd->watches[etcd->n_watches].first);
        free(etcd->watches[etcd->n_watches].end);
    }
}

void
fake_etcd_attach(struct fake_etcd *etcd, struct fake_host *fake)
{
    fake_http_serve(fake, serve, etcd);
}

void
fake_etcd_forget_watches(struct fake_etcd *etcd)
{
    for (size_t i = etcd->n_watches; i > 0; i--) {
        if (etcd->watches[i - 1].request->over) {
            free(etcd->watches[i - 1].first);
            free(etcd->watches[i - 1].end);
            etcd->watches[i - 1] = etcd->watches[--etcd->n_watches];
        }
    }
}

void
fake_etcd_put(struct fake_etcd *etcd, const char *key, const char *value)
{
    put(etcd, key, value, strlen(value));
}

void
fake_etcd_remove(struct fake_etcd *etcd, const char *key)
{
    bool dropped = drop(etcd, key);

    assert(dropped);
}

void
fake_etcd_end_leases(struct fake_etcd *etcd)
{
    end_leases(etcd, UINT64_MAX);
}

void
fake_etcd_compact(struct fake_etcd *etcd, uint64_t revision)
{
    etcd->compacted = revision;
}

void
fake_etcd_break_watches(struct fake_etcd *etcd)
{
    for (size_t i = 0; i < etcd->n_watches; i++) {
        if (!etcd->watches[i].request->over) {
            fake_answer_fail(etcd->watches[i].request, HF_EUNAVAILABLE, "connection lost", true);
        }
    }
    fake_etcd_forget_watches(etcd);
}
