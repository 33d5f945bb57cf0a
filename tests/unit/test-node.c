/*
 * test-node.c - a node's life, with roles that the test plays.
 *
 * The roles of the program are not linked: these three stand in their place.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"
#include "ctl/client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "node/node.h"
#include "node/node_config.h"
#include "node/role.h"

/* --- roles --------------------------------------------------------------------------------- */

static char journal[256];
static const char *failing; /* "leaf.create": fails */

static int
note(const char *role, const char *what)
{
    char entry[64];
    size_t len = strlen(journal);

    snprintf(entry, sizeof entry, "%s.%s", role, what);
    snprintf(journal + len, sizeof journal - len, "%s ", entry);
    return failing && strcmp(entry, failing) == 0 ? HF_EIO : 0;
}

struct test_role {
    struct hf_role base;
    struct hf_node *node;
    struct hf_timer timer; /* of the policy clock; or the end of a drain */
    void (*done)(void *arg);
    void *done_arg;
};

static int
create(const struct hf_role_ops *ops, struct hf_node *node, struct hf_role **ret,
       struct hf_err *err)
{
    struct test_role *role;

    if (note(ops->name, "create") < 0) {
        return hf_fail(err, HF_EIO, "told to fail");
    }
    role = calloc(1, sizeof *role);
    role->base.ops = ops;
    role->node = node;
    *ret = &role->base;
    return 0;
}

static const struct hf_role_ops lb_role;
static const struct hf_role_ops leaf_role;
static const struct hf_role_ops worker_role;

static int
create_lb(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    return create(&lb_role, node, ret, err);
}

static int
create_leaf(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    return create(&leaf_role, node, ret, err);
}

static int
create_worker(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    return create(&worker_role, node, ret, err);
}

static struct test_role *
test_role_of(struct hf_role *role)
{
    return hf_container_of(role, struct test_role, base);
}

static void
on_warped(struct hf_timer *timer)
{
    (void)timer;
    note("timer", "ran");
}

static int
start(struct hf_role *role, struct hf_err *err)
{
    struct test_role *r = test_role_of(role);

    if (note(role->ops->name, "start") < 0) {
        return hf_fail(err, HF_EIO, "told to fail");
    }
    CU_ASSERT_EQUAL(access(hf_node_state_dir(r->node), W_OK), 0);
    hf_timer_init(&r->timer, hf_node_control(r->node), HF_TIMER_POLICY, on_warped);
    hf_timer_set(&r->timer, 3600 * HF_SEC);
    return 0;
}

static void
on_drained(struct hf_timer *timer)
{
    struct test_role *r = hf_container_of(timer, struct test_role, timer);

    r->done(r->done_arg);
}

static void
drain(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg)
{
    struct test_role *r = test_role_of(role);

    note(role->ops->name, "drain");
    UNIT_U64(limit_ns, 5 * HF_SEC);
    CU_ASSERT(hf_node_is_draining(r->node));
    r->done = done;
    r->done_arg = arg;
    hf_timer_fini(&r->timer);
    hf_timer_init(&r->timer, hf_node_control(r->node), HF_TIMER_REAL, on_drained);
    hf_timer_set(&r->timer, 0);
}

static void
close_ways_in(struct hf_role *role)
{
    note(role->ops->name, "close");
}

static void
destroy(struct hf_role *role)
{
    if (role) {
        struct test_role *r = test_role_of(role);

        note(role->ops->name, "destroy");
        hf_timer_fini(&r->timer);
        free(r);
    }
}

static size_t
addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    (void)role;
    CU_ASSERT_FATAL(max >= 1);
    ret[0] = (struct hf_role_address){ .service = "api", .address = "192.0.2.1:1" };
    return 1;
}

static const struct hf_role_ops lb_role = {
    .name = "lb",
    .create = create_lb,
    .start = start,
    .drain = drain,
    .close = close_ways_in,
    .destroy = destroy,
    .addresses = addresses,
};

static const struct hf_role_ops leaf_role = {
    .name = "leaf",
    .knows_functions = true,
    .create = create_leaf,
    .start = start,
    .drain = drain,
    .close = close_ways_in,
    .destroy = destroy,
    .addresses = addresses,
};

static const struct hf_role_ops worker_role = {
    .name = "worker",
    .knows_functions = true,
    .create = create_worker,
    .start = start,
    .drain = drain,
    .close = close_ways_in,
    .destroy = destroy,
    .addresses = addresses,
};

static const struct hf_role_ops *const roles_there_are[] = { &lb_role, &leaf_role, &worker_role,
                                                             NULL };

/* --- nodes --------------------------------------------------------------------------------- */

struct fixture {
    struct hf_config *config;
    struct hf_node *node;
    char state_dir[256];
};

static int
make_roles(struct fixture *f, const char *roles, const char *more, struct hf_err *err)
{
    const char *build = getenv("HF_BUILDDIR");
    hf_autotext struct hf_text text;

    *f = (struct fixture){ .node = NULL };
    journal[0] = '\0';
    snprintf(f->state_dir, sizeof f->state_dir, "%s/deep/state", unit_folder());
    hf_text_init(&text);
    hf_text_printf(&text,
                   "[node]\nroles = %s\nid = me\nthreads = 2\nstate_dir = %s\n"
                   "drain_timeout = 5s\nseed = 7\nplugin_path = %s/plugins\n"
                   "[store]\npath = %s/functions\n%s",
                   roles, f->state_dir, build ? build : ".", unit_folder(), more);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text.data, text.len, "test.ini", &f->config, NULL), 0);
    return hf_node_new(f->config, roles_there_are, &f->node, err);
}

static int
make(struct fixture *f, const char *more, struct hf_err *err)
{
    return make_roles(f, "worker, leaf", more, err);
}

static void
end(struct fixture *f)
{
    hf_node_free(f->node);
    hf_config_free(f->config);
    failing = NULL;
}

/* What a second thread asks of a running node. */
struct client {
    pthread_t thread;
    struct fixture *fixture;
    const char *const *requests; /* "command argument|expected", NULL-terminated */
};

static void
ask(struct client *client, const char *request)
{
    hf_autotext struct hf_text out;
    struct hf_err err = HF_ERR_INIT;
    hf_autofree char *copy = strdup(request);
    char *save = NULL;
    char *command = strtok_r(copy, "|", &save);
    const char *expected = strtok_r(NULL, "|", &save);
    const char *words[4];
    size_t count = 0;
    char path[300];

    snprintf(path, sizeof path, "%s/%s.ctl", client->fixture->state_dir,
             strlen(request) % 2 ? "leaf" : "worker");
    for (char *word = strtok_r(command, " ", &save); word && count < hf_countof(words);
         word = strtok_r(NULL, " ", &save)) {
        words[count++] = word;
    }
    hf_text_init(&out);
    UNIT_INT(hf_ctl_ask(path, words, count, 10 * HF_SEC, &out, &err), 0);
    UNIT_CONTAINS(hf_text_str(&out), expected ? expected : "");
}

static void *
run_client(void *arg)
{
    struct client *client = arg;

    for (const char *const *request = client->requests; *request; request++) {
        ask(client, *request);
    }
    return NULL;
}

/* Runs the node while a client asks; the last request must be `shutdown`. */
static void
run_with_client(struct fixture *f, const char *const *requests)
{
    struct client client = { .fixture = f, .requests = requests };

    CU_ASSERT_EQUAL_FATAL(pthread_create(&client.thread, NULL, run_client, &client), 0);
    hf_node_run(f->node);
    pthread_join(client.thread, NULL);
}

static void
roles_live_in_their_order(void)
{
    static const char *const requests[] = { "shutdown", NULL };
    struct fixture f;
    struct hf_err err = HF_ERR_INIT;

    make(&f, "", &err);
    UNIT_STR(err.message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.node);
    UNIT_STR(journal, "leaf.create worker.create ");
    CU_ASSERT_EQUAL(access(f.state_dir, F_OK), -1); /* nothing is opened yet */
    CU_ASSERT_EQUAL_FATAL(hf_node_start(f.node, &err), 0);
    run_with_client(&f, requests);
    end(&f);
    UNIT_STR(journal, "leaf.create worker.create worker.start leaf.start leaf.drain worker.drain "
                      "leaf.close worker.close leaf.destroy worker.destroy ");
}

static void
a_load_balancer_drains_first(void)
{
    static const char *const requests[] = { "shutdown", NULL };
    struct fixture f;

    CU_ASSERT_EQUAL_FATAL(make_roles(&f, "worker, lb, leaf", "", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_node_start(f.node, NULL), 0);
    run_with_client(&f, requests);
    end(&f);
    UNIT_STR(journal, "lb.create leaf.create worker.create worker.start leaf.start lb.start "
                      "lb.drain leaf.drain worker.drain lb.close leaf.close worker.close "
                      "lb.destroy leaf.destroy worker.destroy ");
}

static void
a_load_balancer_alone_knows_no_functions(void)
{
    struct fixture f;

    CU_ASSERT_EQUAL_FATAL(make_roles(&f, "lb", "", NULL), 0);
    CU_ASSERT_PTR_NULL(hf_node_catalog(f.node));
    CU_ASSERT_EQUAL(hf_node_start(f.node, NULL), 0);
    end(&f);
}

static void
roles_find_what_they_share(void)
{
    struct fixture f;
    const char *roles[3];

    CU_ASSERT_EQUAL_FATAL(make(&f, "[leaf]\nidle_timeout = 7s\n", NULL), 0);
    UNIT_STR(hf_node_id(f.node), "me");
    UNIT_U64(strlen(hf_node_boot_id(f.node)), 36);
    UNIT_U64(hf_node_io_count(f.node), 2);
    CU_ASSERT_PTR_NOT_EQUAL(hf_node_io(f.node)[0], hf_node_io(f.node)[1]);
    UNIT_U64(hf_options_u64(hf_node_options(f.node, "leaf"), "idle_timeout"), 7 * HF_SEC);
    UNIT_U64(hf_node_roles(f.node, roles, 3), 2);
    UNIT_STR(roles[0], "leaf");
    UNIT_STR(roles[1], "worker");
    CU_ASSERT(hf_node_seed(f.node, "a") != hf_node_seed(f.node, "b"));
    CU_ASSERT_PTR_NOT_NULL(hf_node_catalog(f.node));
    CU_ASSERT_PTR_NOT_NULL(hf_node_ctl(f.node));
    end(&f);
}

static void
the_clock_is_commanded(void)
{
    static const char *const requests[] = {
        "time/show|stopped=no",
        "time/stop",
        "time/show|stopped=yes",
        "time/warp 59m",
        "time/warp 2m",
        "--json time/show|\"stopped\":true",
        "time/resume",
        "time/show|stopped=no",
        "node/show|worker.api=192.0.2.1:1",
        "--json node/show|\"id\":\"me\"",
        "catalog/show|functions=0",
        "shutdown",
        NULL,
    };
    struct fixture f;

    CU_ASSERT_EQUAL_FATAL(make(&f, "", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_node_start(f.node, NULL), 0);
    run_with_client(&f, requests);
    UNIT_CONTAINS(journal, "leaf.start timer.ran timer.ran leaf.drain");
    end(&f);
}

struct waiter {
    struct hf_node_waiter base;
    int calls;
    uint32_t cut_off;
};

static void
on_node_drained(struct hf_node_waiter *drain, int code, const char *message,
                const struct hf_node_forced *forced)
{
    struct waiter *waiter = hf_container_of(drain, struct waiter, base);

    UNIT_INT(code, 0);
    UNIT_STR(message, "");
    waiter->calls++;
    waiter->cut_off = forced->calls_cut_off;
}

static bool
has_been_told(void *arg)
{
    return ((const struct waiter *)arg)->calls > 0;
}

static void
a_drain_is_joined_and_may_leave_the_process_running(void)
{
    struct fixture f;
    struct waiter first = { .base = { .done = on_node_drained } };
    struct waiter second = first;
    struct waiter gone = first;
    struct waiter late = first;

    CU_ASSERT_EQUAL_FATAL(make(&f, "", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_node_start(f.node, NULL), 0);
    hf_node_drain(f.node, 5 * HF_SEC, false, &first.base);
    hf_node_drain(f.node, HF_SEC, false, &second.base); /* the first limit holds */
    hf_node_drain(f.node, 0, false, &gone.base);
    hf_node_forget_waiter(&gone.base);
    hf_node_add_forced(f.node, 3, 0);
    CU_ASSERT(hf_loop_run_until(hf_node_control(f.node), has_been_told, &second, 10 * HF_SEC));
    UNIT_INT(first.calls, 1);
    UNIT_INT(second.calls, 1);
    UNIT_INT(gone.calls, 0);
    UNIT_U64(second.cut_off, 3);
    UNIT_CONTAINS(journal, "leaf.start leaf.drain worker.drain");
    hf_node_drain(f.node, 0, true, &late.base); /* now it may end */
    UNIT_INT(late.calls, 1);
    hf_node_run(f.node);
    end(&f);
}

static void
a_role_that_fails_takes_the_node_down(void)
{
    struct fixture f;
    struct hf_err err = HF_ERR_INIT;

    failing = "worker.create";
    CU_ASSERT_EQUAL(make(&f, "", &err), HF_EIO);
    UNIT_STR(journal, "leaf.create worker.create leaf.close leaf.destroy ");
    CU_ASSERT_PTR_NULL(f.node);
    end(&f);
    failing = "leaf.start";
    CU_ASSERT_EQUAL_FATAL(make(&f, "", NULL), 0);
    CU_ASSERT_EQUAL(hf_node_start(f.node, &err), HF_EIO);
    UNIT_STR(err.message, "told to fail");
    end(&f);
    UNIT_STR(journal, "leaf.create worker.create worker.start leaf.start leaf.close worker.close "
                      "leaf.destroy worker.destroy ");
}

static void
check_refused(const char *more, const char *expected)
{
    struct fixture f;
    struct hf_err err = HF_ERR_INIT;

    CU_ASSERT(make(&f, more, &err) < 0);
    UNIT_CONTAINS(err.message, expected);
    end(&f);
}

static void
mistakes_in_the_configuration_are_named(void)
{
    check_refused("[lef]\n", "leaf");
    check_refused("[leaf]\nidle_timout = 3s\n", "idle_timeout");
    check_refused("[leaf]\nidle_timeout = 3\n", "test.ini");
    check_refused("[worker]\nreadiness = maybe\n", "signal");
    check_refused("[node]\nroles = leaf, boss\n", "roles");
    check_refused("[store]\nplugin = nowhere\n", "nowhere");
}

static void
two_nodes_cannot_share_a_state_folder(void)
{
    struct fixture first;
    struct fixture second;
    struct hf_err err = HF_ERR_INIT;

    CU_ASSERT_EQUAL_FATAL(make(&first, "", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_node_start(first.node, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(make(&second, "", NULL), 0);
    CU_ASSERT_EQUAL(hf_node_start(second.node, &err), HF_EEXISTS);
    UNIT_CONTAINS(err.message, "leaf.ctl");
    end(&second);
    end(&first);
}

static void
the_sample_is_a_configuration(void)
{
    hf_autotext struct hf_text sample;
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct hf_node_config *checked = NULL;

    hf_text_init(&sample);
    hf_node_config_sample(&sample);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(sample.data, sample.len, "sample.ini", &config, NULL), 0);
    CU_ASSERT_EQUAL(hf_config_set(config, "node.roles=leaf", NULL), 0);
    CU_ASSERT_EQUAL(hf_node_config_new(config, &checked, NULL), 0);
    for (size_t i = 0; i < hf_node_section_count; i++) {
        CU_ASSERT_PTR_NOT_NULL(hf_config_section(config, hf_node_sections[i].name));
        CU_ASSERT_EQUAL(
            hf_options_check_table(hf_node_sections[i].name, hf_node_sections[i].rows, NULL), 0);
    }
    hf_node_config_free(checked);
}

UNIT_MAIN("node", UNIT_TEST(roles_live_in_their_order), UNIT_TEST(a_load_balancer_drains_first),
          UNIT_TEST(a_load_balancer_alone_knows_no_functions),
          UNIT_TEST(roles_find_what_they_share), UNIT_TEST(the_clock_is_commanded),
          UNIT_TEST(a_drain_is_joined_and_may_leave_the_process_running),
          UNIT_TEST(a_role_that_fails_takes_the_node_down),
          UNIT_TEST(mistakes_in_the_configuration_are_named),
          UNIT_TEST(two_nodes_cannot_share_a_state_folder),
          UNIT_TEST(the_sample_is_a_configuration))
