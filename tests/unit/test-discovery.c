/*
 * test-discovery.c - what nodes say of themselves, who is looked for, and who hears of it.
 */
#include "node/discovery.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "base/text.h"
#include "unit.h"

/* --- documents ----------------------------------------------------------------------------- */

static const char whole[] =
    "{\"nodeId\":\"w1\",\"version\":\"0.1.0\",\"bootId\":\"b\",\"started\":\"2026-11-25T01:44:"
    "11Z\","
    "\"zone\":\"eu-1\",\"roles\":[\"worker\"],\"addresses\":[{\"role\":\"worker\",\"service\":"
    "\"api\",\"address\":\"10.0.0.7:50051\"}],\"labels\":{\"disk\":\"ssd\"},\"capacity\":{"
    "\"memoryBytes\":\"68719476736\",\"cpuMillis\":\"4000\",\"maxInstances\":7}}";

static void
documents_are_kept(void)
{
    hf_autonode struct hf_node_document document;
    hf_autotext struct hf_text out;
    struct hf_err err = HF_ERR_INIT;

    hf_text_init(&out);
    hf_node_document_init(&document);
    UNIT_INT(hf_node_document_parse("w1", whole, strlen(whole), &document, &err), 0);
    UNIT_STR(err.message, "");
    UNIT_U64(document.info.capacity->memory_bytes, UINT64_C(64) << 30);
    UNIT_STR(hf_node_document_address(&document, "worker", "api"), "10.0.0.7:50051");
    CU_ASSERT_PTR_NULL(hf_node_document_address(&document, "worker", "proxy"));
    CU_ASSERT_TRUE(hf_node_document_has_role(&document, "worker"));
    CU_ASSERT_FALSE(hf_node_document_has_role(&document, "leaf"));
    hf_node_document_format(&document, &out);
    UNIT_STR(hf_text_str(&out), whole);
}

static void
a_newer_node_may_say_more(void)
{
    static const char json[] = "{\"new\":[1,{}],\"boot_id\":\"b\",\"zone\":null,"
                               "\"capacity\":{\"cpuMillis\":5,\"gpus\":1},\"addresses\":[]}";
    hf_autonode struct hf_node_document document;
    struct hf_err err = HF_ERR_INIT;

    hf_node_document_init(&document);
    UNIT_INT(hf_node_document_parse("x", json, strlen(json), &document, &err), 0);
    UNIT_STR(document.info.node_id, "x");
    UNIT_STR(document.info.boot_id, "b");
    UNIT_STR(document.info.zone, "");
    UNIT_U64(document.info.capacity->cpu_millis, 5);
}

static void
bad_documents_are_refused(void)
{
    static const struct {
        const char *json;
        const char *expected;
    } bad[] = {
        { "[]", "an object" },
        { "{", "not JSON" },
        { "{\"zone\":1}", "field zone: found 1, expected a string" },
        { "{\"roles\":\"leaf\"}", "field roles" },
        { "{\"roles\":[{}]}", "field roles" },
        { "{\"addresses\":[\"x\"]}", "field addresses" },
        { "{\"addresses\":[{\"address\":9}]}", "field addresses.address" },
        { "{\"labels\":[]}", "field labels" },
        { "{\"labels\":{\"a\":{}}}", "field labels" },
        { "{\"zone\":\"a\\u0000b\"}", "field zone: expected at most 512 bytes" },
        { "{\"zone\":\"a\\u001b[2Jb\"}", "without control characters" },
        { "{\"labels\":{\"a\\nb\":\"\"}}", "field labels" },
        { "{\"capacity\":7}", "field capacity" },
        { "{\"capacity\":{\"memoryBytes\":\"-1\"}}", "field capacity.memoryBytes" },
        { "{\"capacity\":{\"maxInstances\":4294967296}}", "field capacity.maxInstances" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_autonode struct hf_node_document document;
        struct hf_err err = HF_ERR_INIT;

        hf_node_document_init(&document);
        UNIT_INT(hf_node_document_parse("x", bad[i].json, strlen(bad[i].json), &document, &err),
                 HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].expected);
    }
}

/* --- selectors ----------------------------------------------------------------------------- */

static const struct hf_option rows[] = { { "workers", HF_OPT_LIST, .help = "x" }, { 0 } };

static struct hf_options *
options_of(const char *value)
{
    struct hf_options *options = NULL;
    struct hf_config *config = NULL;
    char text[256];

    snprintf(text, sizeof text, "[s]\nworkers = %s\n", value);
    CU_ASSERT_EQUAL_FATAL(hf_config_parse(text, strlen(text), "x.ini", &config, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_options_new("s", hf_config_section(config, "s"), rows, &options, NULL),
                          0);
    hf_config_free(config);
    return options;
}

static bool
matches(const char *value)
{
    hf_auto(hf_options_free) struct hf_options *options = options_of(value);
    hf_autonode struct hf_node_document document;
    struct hf_selector selector;

    hf_node_document_init(&document);
    UNIT_INT(hf_node_document_parse("w1", whole, strlen(whole), &document, NULL), 0);
    UNIT_INT(hf_selector_read(options, "workers", "worker", &selector, NULL), 0);
    CU_ASSERT_TRUE(selector.discover);
    return hf_selector_matches(&selector, &document);
}

static void
selectors(void)
{
    CU_ASSERT_TRUE(matches("discover"));
    CU_ASSERT_TRUE(matches("10.0.0.1:5, discover zone=eu-1, disk=ssd"));
    CU_ASSERT_TRUE(matches("zone=eu-1 discover role=worker"));
    CU_ASSERT_FALSE(matches("discover zone=eu-2"));
    CU_ASSERT_FALSE(matches("discover disk=hdd"));
    CU_ASSERT_FALSE(matches("discover dis=ssd"));
    CU_ASSERT_FALSE(matches("discover color=red"));
    CU_ASSERT_FALSE(matches("discover role=leaf"));
}

static void
selectors_that_are_none(void)
{
    static const struct {
        const char *value;
        const char *expected;
    } bad[] = { { "zone=eu-1", "the word 'discover' is missing" },
                { "discover =x", "found '=x'" } };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_auto(hf_options_free) struct hf_options *options = options_of(bad[i].value);
        struct hf_selector selector;
        struct hf_err err = HF_ERR_INIT;

        UNIT_INT(hf_selector_read(options, "workers", "worker", &selector, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].expected);
    }
}

/* --- following ----------------------------------------------------------------------------- */

/* A store whose watcher the test plays. */
static const struct hf_store_watcher *watcher;
static void *watcher_arg;
static size_t watches;

static int
fake_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *given, void *arg,
           struct hf_store_op **ret, struct hf_err *err)
{
    static char op;

    (void)store;
    (void)err;
    UNIT_U64(space, HF_STORE_NODES);
    watcher = given;
    watcher_arg = arg;
    watches++;
    *ret = (struct hf_store_op *)(void *)&op;
    return 0;
}

static void
fake_unwatch(struct hf_store *store, struct hf_store_op *op)
{
    (void)store;
    (void)op;
    watches--;
}

static const struct hf_store_ops store_ops = {
    .size = sizeof store_ops,
    .watch = fake_watch,
    .unwatch = fake_unwatch,
};

static void
put(const char *id, const char *zone, const char *address)
{
    char json[256];
    struct hf_document document = { .size = sizeof document, .id = id, .data = json };

    snprintf(json, sizeof json,
             "{\"zone\":\"%s\",\"roles\":[\"leaf\"],\"addresses\":[{\"role\":\"leaf\",\"service\":"
             "\"api\",\"address\":\"%s\"},{\"role\":\"leaf\",\"service\":\"proxy\",\"address\":"
             "\"p\"}]}",
             zone, address);
    document.len = strlen(json);
    watcher->on_put(watcher_arg, &document);
}

static void
on_change(void *arg, const struct hf_found_node *before, const struct hf_found_node *now)
{
    if (!before) {
        hf_text_printf(arg, "+%s@%s/%s ", now->id, now->api, now->proxy);
    } else if (!now) {
        hf_text_printf(arg, "-%s@%s ", before->id, before->api);
    } else {
        hf_text_printf(arg, "~%s@%s-%s ", now->id, before->api, now->api);
    }
}

static const struct hf_discovery_ops discovery_ops = {
    .on_change = on_change,
};

static struct hf_discovery
discovery_of(struct hf_text *heard, const char *word)
{
    return (struct hf_discovery){
        .not_id = "me",
        .selector = { .discover = true, .role = "leaf", .count = 1, .words = { word } },
        .ops = &discovery_ops,
        .arg = heard,
    };
}

static void
each_hears_what_it_looks_for(void)
{
    struct hf_directory *directory = NULL;
    hf_autotext struct hf_text a;
    hf_autotext struct hf_text b;
    struct hf_discovery in_a = discovery_of(&a, "zone=a");
    struct hf_discovery in_b = discovery_of(&b, "zone=b");

    hf_text_init(&a);
    hf_text_init(&b);
    UNIT_INT(hf_directory_new(1, &directory, NULL), 0);
    hf_directory_use(directory, &store_ops, NULL);
    UNIT_INT(hf_discovery_begin(directory, &in_a, NULL), 0);
    put("n", "a", "1");
    put("me", "a", "2");
    put("n", "a", "3");
    UNIT_INT(hf_discovery_begin(directory, &in_b, NULL), 0);
    UNIT_U64(watches, 1);
    put("n", "b", "4"); /* leaves one, comes to the other */
    put("m", "b", "5");
    watcher->on_delete(watcher_arg, "n");
    watcher->on_delete(watcher_arg, "unknown");
    UNIT_STR(hf_text_str(&a), "+n@1/p ~n@1-3 -n@3 ");
    UNIT_STR(hf_text_str(&b), "+n@4/p +m@5/p -n@4 ");
    hf_discovery_end(&in_a);
    hf_text_clear(&b);
    hf_discovery_end(&in_b);
    UNIT_INT(hf_discovery_begin(directory, &in_b, NULL), 0); /* hears what is known */
    UNIT_STR(hf_text_str(&b), "+m@5/p ");
    hf_discovery_end(&in_b);
    hf_directory_free(directory);
    UNIT_U64(watches, 0);
}

static void
a_bad_announcement_costs_nothing_else(void)
{
    struct hf_document bad = { .size = sizeof bad, .id = "n", .data = "7", .len = 1 };
    struct hf_directory *directory = NULL;
    hf_autotext struct hf_text heard;
    struct hf_discovery discovery = discovery_of(&heard, "zone=a");

    UNIT_EXPECT_LOG("the announcement of a node cannot be used");
    hf_text_init(&heard);
    UNIT_INT(hf_directory_new(1, &directory, NULL), 0);
    hf_directory_use(directory, &store_ops, NULL);
    UNIT_INT(hf_discovery_begin(directory, &discovery, NULL), 0);
    put("n", "a", "1");
    watcher->on_put(watcher_arg, &bad);
    watcher->on_lost(watcher_arg, "away");
    watcher->on_synced(watcher_arg);
    UNIT_STR(hf_text_str(&heard), "+n@1/p "); /* the last good version stands */
    hf_discovery_end(&discovery);
    hf_directory_free(directory);
}

UNIT_MAIN("discovery", UNIT_TEST(documents_are_kept), UNIT_TEST(a_newer_node_may_say_more),
          UNIT_TEST(bad_documents_are_refused), UNIT_TEST(selectors),
          UNIT_TEST(selectors_that_are_none), UNIT_TEST(each_hears_what_it_looks_for),
          UNIT_TEST(a_bad_announcement_costs_nothing_else))
