/*
 * test-peers.c - links to peers: greeted, listened to, up, held, lost, told apart and forgotten.
 *
 * The peer is a real server in the same loop, with as little in it as a link needs; the role is the
 * test, which writes down what it is told.
 */
#include <stdio.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/config.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "grpc/server.h"
#include "grpc/health/v1/health.pb-c.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "node/peer/peers.h"
#include "unit.h"

#define WAIT_NS (10 * HF_SEC)

/* --- the peer -------------------------------------------------------------------------------- */

static struct hf_loop *loop;

static struct {
    struct hf_grpc_server *server;
    char address[2][64];         /* the same node has two */
    const char *node_id;         /* NULL: it does not know Info */
    bool mute;                   /* its health service does not answer */
    struct hf_grpc_call *stream; /* the last; NULL: none */
    struct hf_grpc_call *unanswered[8];
    size_t unanswered_count;
} node;

static void
on_info(struct hf_grpc_call *call, const void *message)
{
    Hyperfaas__V1__InfoResponse info = HYPERFAAS__V1__INFO_RESPONSE__INIT;

    (void)message;
    if (!node.node_id) {
        hf_grpc_call_finish(call, HF_GRPC_UNIMPLEMENTED, NULL);
        return;
    }
    info.node_id = (char *)(uintptr_t)node.node_id;
    hf_grpc_call_reply(call, &info.base);
}

static void
on_check(struct hf_grpc_call *call, const void *message)
{
    Grpc__Health__V1__HealthCheckResponse health = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    (void)message;
    if (node.mute && node.unanswered_count < hf_countof(node.unanswered)) {
        node.unanswered[node.unanswered_count++] = call;
        return;
    }
    health.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    hf_grpc_call_reply(call, &health.base);
}

static void
on_check_cancelled(struct hf_grpc_call *call)
{
    for (size_t i = 0; i < node.unanswered_count; i++) {
        if (node.unanswered[i] == call) {
            node.unanswered[i] = node.unanswered[--node.unanswered_count];
            break;
        }
    }
    hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
}

static void
on_listen(struct hf_grpc_call *call, const void *message)
{
    (void)message;
    node.stream = call;
    hf_grpc_call_send_bytes(call, "", 0); /* the beginning is complete */
}

static void
on_listen_cancelled(struct hf_grpc_call *call)
{
    if (node.stream == call) {
        node.stream = NULL;
    }
    hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
}

static const struct hf_grpc_method methods[] = {
    { .path = "/hyperfaas.v1.Node/Info",
      .request = &hyperfaas__v1__info_request__descriptor,
      .message = on_info },
    { .path = "/grpc.health.v1.Health/Check",
      .request = &grpc__health__v1__health_check_request__descriptor,
      .message = on_check,
      .cancelled = on_check_cancelled },
    { .path = "/test/Listen",
      .kind = HF_GRPC_SERVER_STREAMING,
      .message = on_listen,
      .cancelled = on_listen_cancelled },
};

static void
node_start(void)
{
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, NULL, &node.server, NULL), 0);
    hf_grpc_server_add(node.server, methods, hf_countof(methods), NULL);
    for (size_t i = 0; i < 2; i++) {
        const char *address = node.address[i][0] ? node.address[i] : "127.0.0.1:0";

        CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(node.server, address, NULL), 0);
        snprintf(node.address[i], sizeof node.address[i], "%s",
                 hf_grpc_server_address(node.server));
    }
}

/* --- the role -------------------------------------------------------------------------------- */

struct record {
    struct hf_link link;
    char end; /* behind the link there is room */
};

static struct {
    struct hf_peers peers;
    struct hf_options *options;
    struct hf_text heard; /* what the links told */
    const char *awaited;  /* of that */
    const char *refusal;  /* of each peer; NULL: none */
    unsigned failures;    /* to come when a peer is to be taken in */
    enum hf_link_end end; /* what the end of a stream means */
} role;

/* "a" and "b" are the node's addresses. */
static char
name_of(const struct hf_link *link)
{
    return strcmp(link->address, node.address[0]) == 0 ? 'a' : 'b';
}

static int
on_init(struct hf_link *link, struct hf_err *err)
{
    (void)err;
    hf_container_of(link, struct record, link)->end = 'e';
    return 0;
}

static void
on_fini(struct hf_link *link)
{
    CU_ASSERT_EQUAL(hf_container_of(link, struct record, link)->end, 'e');
    hf_text_printf(&role.heard, "%c:gone ", name_of(link));
}

static void
on_close(struct hf_link *link)
{
    hf_text_printf(&role.heard, "%c:closed ", name_of(link));
}

static void
on_greeted(struct hf_link *link, bool draining)
{
    CU_ASSERT_FALSE(draining);
    hf_text_printf(&role.heard, "%c:%s ", name_of(link), link->ours ? link->node_id : "existing");
}

static void
on_message(void *arg, const void *message)
{
    (void)message;
    hf_link_come_up(hf_link_of(arg));
}

static int
listen_to(struct hf_link *link)
{
    const struct hf_grpc_request request = { .path = "/test/Listen", .data = "" };

    return hf_link_stream(link, &request, on_message);
}

static enum hf_link_end
on_ended(struct hf_link *link, const struct hf_grpc_result *result)
{
    (void)result;
    hf_text_printf(&role.heard, "%c:ended ", name_of(link));
    return role.end;
}

static const char *
refuse(struct hf_link *link)
{
    (void)link;
    return role.refusal;
}

static int
on_up(struct hf_link *link)
{
    hf_text_printf(&role.heard, "%c:up ", name_of(link));
    if (role.failures > 0) {
        role.failures--;
        return -1;
    }
    return 0;
}

static void
on_down(struct hf_link *link, bool was_up)
{
    if (hf_link_note(link)) {
        hf_text_printf(&role.heard, "%c:%s%s ", name_of(link), was_up ? "lost," : "",
                       link->state == HF_LINK_HELD ? "held" : "down");
    }
}

static bool
is_used(const struct hf_link *link)
{
    (void)link;
    return false;
}

static const struct hf_link_ops ops = {
    .init = on_init,
    .fini = on_fini,
    .close = on_close,
    .greeted = on_greeted,
    .listen = listen_to,
    .ended = on_ended,
    .refuse = refuse,
    .up = on_up,
    .down = on_down,
    .is_used = is_used,
};

static bool
is_heard(void *arg)
{
    (void)arg;
    return strcmp(hf_text_str(&role.heard), role.awaited) == 0;
}

static bool
has_stream(void *arg)
{
    (void)arg;
    return node.stream != NULL;
}

static bool
is_lost(void *arg)
{
    (void)arg;
    return strstr(hf_text_str(&role.heard), "lost") != NULL;
}

/* Waits until the links have told this since the last time, and nothing else. */
static void
expect(const char *heard)
{
    role.awaited = heard;
    hf_loop_run_until(loop, is_heard, NULL, WAIT_NS);
    UNIT_STR(hf_text_str(&role.heard), heard);
    hf_text_clear(&role.heard);
}

static const struct hf_option rows[] = { { "peers", HF_OPT_LIST, .help = "Peers." }, { 0 } };

/* A role and a node whose addresses are in `list` as A and B. */
static void
begin(const char *node_id, const char *list)
{
    struct hf_config *config = NULL;
    hf_autotext struct hf_text text;

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    memset(&node, 0, sizeof node);
    memset(&role, 0, sizeof role);
    node.node_id = node_id;
    node_start();
    hf_text_init(&role.heard);
    role.peers = (struct hf_peers){
        .kind = "worker",
        .record_size = sizeof(struct record),
        .links = {
            .ops = &ops,
            .role = "worker",
            .loop = loop,
            .heartbeat_ns = 10 * HF_MSEC,
            .loss_ns = 5 * HF_SEC,
            .seed = 1,
        },
    };
    hf_peers_init(&role.peers);
    hf_text_init(&text);
    hf_text_add(&text, "[s]\npeers = ");
    for (const char *c = list; *c; c++) {
        if (*c == 'A' || *c == 'B') {
            hf_text_add(&text, node.address[*c - 'A']);
        } else {
            hf_text_add_char(&text, *c);
        }
    }
    hf_text_add_char(&text, '\n');
    CU_ASSERT_EQUAL_FATAL(
        hf_config_parse(hf_text_str(&text), strlen(hf_text_str(&text)), "x.ini", &config, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_options_new("s", hf_config_section(config, "s"), rows, &role.options, NULL), 0);
    hf_config_free(config);
    UNIT_INT(hf_peers_read(&role.peers, role.options, "peers", "worker", NULL), 0);
}

static void
end(void)
{
    hf_peers_fini(&role.peers);
    hf_grpc_server_free(node.server);
    hf_options_free(role.options);
    hf_text_fini(&role.heard);
    hf_h2_thread_release();
    hf_loop_free(loop);
}

static void
node_stop(void)
{
    hf_grpc_server_free(hf_steal(node.server));
}

static struct hf_link *
link_at(size_t i)
{
    struct hf_link *link = hf_list_first(&role.peers.list, struct hf_link, node);

    return i == 0 ? link : hf_container_of(link->node.next, struct hf_link, node);
}

/* --- one peer -------------------------------------------------------------------------------- */

static void
comes_up_when_its_stream_says_so(void)
{
    begin("n1", "A, A");
    UNIT_U64(role.peers.count, 1);
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up ");
    UNIT_U64(link_at(0)->state, HF_LINK_UP);
    hf_peers_close(&role.peers);
    expect("a:closed ");
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up ");
    hf_peers_fini(&role.peers);
    expect("a:closed a:gone ");
    end();
}

static void
an_existing_peer_does_not_say_who_it_is(void)
{
    begin(NULL, "A, B");
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:existing b:existing a:up b:up "); /* the same node twice: nobody can know */
    CU_ASSERT_FALSE(link_at(0)->ours);
    end();
}

static void
a_stream_that_ends_is_opened_again(void)
{
    begin("n1", "A");
    role.end = HF_LINK_STAYS;
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up ");
    hf_grpc_call_finish(hf_steal(node.stream), HF_GRPC_OK, NULL);
    expect("a:ended a:n1 "); /* and it is up all the time */
    UNIT_U64(link_at(0)->state, HF_LINK_UP);
    role.end = HF_LINK_ANOTHER;
    hf_loop_run_until(loop, has_stream, NULL, WAIT_NS);
    hf_grpc_call_finish(hf_steal(node.stream), HF_GRPC_OK, NULL);
    expect("a:ended ");
    role.end = HF_LINK_LOST;
    hf_loop_run_until(loop, has_stream, NULL, WAIT_NS);
    hf_grpc_call_finish(hf_steal(node.stream), HF_GRPC_INTERNAL, "broken");
    expect("a:ended a:lost,down a:n1 a:up ");
    end();
}

static void
another_node_at_its_address_is_another_peer(void)
{
    begin("n1", "A");
    role.end = HF_LINK_STAYS;
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up ");
    node.node_id = "n2";
    hf_grpc_call_finish(hf_steal(node.stream), HF_GRPC_OK, NULL);
    expect("a:ended a:lost,down a:n2 a:up ");
    end();
}

static void
silence_is_loss(void)
{
    begin("n1", "A");
    role.peers.links.loss_ns = 50 * HF_MSEC;
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up ");
    node.mute = true;
    hf_loop_run_until(loop, is_lost, NULL, WAIT_NS);
    node.mute = false;
    expect("a:lost,down a:n1 a:up ");
    end();
}

static void
a_peer_that_is_away_is_found_when_it_comes(void)
{
    begin("n1", "A");
    node_stop();
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:down "); /* which is news once */
    CU_ASSERT_NOT_EQUAL(link_at(0)->error[0], '\0');
    node_start();
    expect("a:n1 a:up ");
    UNIT_STR(link_at(0)->error, "");
    end();
}

static void
a_peer_that_cannot_be_taken_in_is_tried_again(void)
{
    begin("n1", "A");
    role.failures = 2;
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:up a:lost,down a:n1 a:up a:lost,down a:n1 a:up ");
    end();
}

static void
a_node_without_a_usable_id_is_not_used(void)
{
    begin("", "A");
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:down ");
    UNIT_CONTAINS(link_at(0)->error, "its id is too long, or none");
    end();
}

/* --- which are used -------------------------------------------------------------------------- */

static void
a_node_is_used_under_one_address(void)
{
    begin("n1", "A, B");
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 b:n1 b:held a:up ");
    UNIT_CONTAINS(link_at(1)->error, "it is the same worker as ");
    UNIT_CONTAINS(link_at(1)->error, node.address[0]);
    hf_link_lose(link_at(0), "a test"); /* the other is greeted at once, this one after a pause */
    expect("a:lost,down b:n1 b:up a:n1 a:held ");
    end();
}

static void
a_peer_that_is_refused_is_held(void)
{
    begin("n1", "A");
    role.refusal = "not wanted";
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    expect("a:n1 a:held ");
    role.refusal = NULL;
    hf_link_hurry(link_at(0));
    expect("a:n1 a:up ");
    role.refusal = "not any more";
    hf_link_review(link_at(0));
    expect("a:lost,held ");
    UNIT_STR(link_at(0)->error, "not any more");
    end();
}

/* --- discovered ones ------------------------------------------------------------------------- */

static const struct hf_store_watcher *watcher;
static void *watcher_arg;

static int
fake_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *given, void *arg,
           struct hf_store_op **ret, struct hf_err *err)
{
    static char op;

    (void)store;
    (void)space;
    (void)err;
    watcher = given;
    watcher_arg = arg;
    *ret = (struct hf_store_op *)(void *)&op;
    return 0;
}

static void
fake_unwatch(struct hf_store *store, struct hf_store_op *op)
{
    (void)store;
    (void)op;
}

static const struct hf_store_ops store_ops = {
    .size = sizeof store_ops,
    .watch = fake_watch,
    .unwatch = fake_unwatch,
};

static void
announce(const char *id, const char *address)
{
    char json[256];
    struct hf_document document = { .size = sizeof document, .id = id, .data = json };

    snprintf(
        json, sizeof json,
        "{\"zone\":\"z\",\"roles\":[\"worker\"],\"addresses\":[{\"role\":\"worker\",\"service\":"
        "\"api\",\"address\":\"%s\"}]}",
        address);
    document.len = strlen(json);
    watcher->on_put(watcher_arg, &document);
}

static void
what_the_store_names_is_used_as_long_as_it_is_there(void)
{
    struct hf_directory *directory = NULL;

    begin("n1", "discover");
    UNIT_INT(hf_directory_new(1, &directory, NULL), 0);
    hf_directory_use(directory, &store_ops, NULL);
    role.peers.directory = directory;
    UNIT_INT(hf_peers_open(&role.peers, NULL), 0);
    announce("n1", node.address[0]);
    announce("n1", node.address[0]); /* a new label, say */
    expect("a:n1 a:up ");
    announce("twin", node.address[0]);
    UNIT_U64(role.peers.count, 1);
    watcher->on_delete(watcher_arg, "n1");
    watcher->on_delete(watcher_arg, "twin");
    announce("n1", node.address[1]); /* it has moved, and is there under its old address too */
    expect("b:n1 b:held ");
    watcher->on_delete(watcher_arg, "n1");
    expect("b:closed b:gone ");
    UNIT_U64(link_at(0)->state, HF_LINK_UP); /* the store is a hint */
    node_stop();
    expect("a:ended a:lost,down a:closed a:gone ");
    UNIT_U64(role.peers.count, 0);
    hf_peers_close(&role.peers);
    hf_directory_free(directory);
    end();
}

UNIT_MAIN("peers", UNIT_TEST(comes_up_when_its_stream_says_so),
          UNIT_TEST(an_existing_peer_does_not_say_who_it_is),
          UNIT_TEST(a_stream_that_ends_is_opened_again),
          UNIT_TEST(another_node_at_its_address_is_another_peer), UNIT_TEST(silence_is_loss),
          UNIT_TEST(a_peer_that_is_away_is_found_when_it_comes),
          UNIT_TEST(a_peer_that_cannot_be_taken_in_is_tried_again),
          UNIT_TEST(a_node_without_a_usable_id_is_not_used),
          UNIT_TEST(a_node_is_used_under_one_address), UNIT_TEST(a_peer_that_is_refused_is_held),
          UNIT_TEST(what_the_store_names_is_used_as_long_as_it_is_there))
