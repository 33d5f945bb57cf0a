/*
 * test-docker-language.c - the language of container engines, without any engine: what is sent,
 * what is understood, and how streams come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/kit/json.h"
#include "plugins/runtime-docker/answers.h"
#include "plugins/runtime-docker/requests.h"
#include "plugins/runtime-docker/streams.h"
#include "unit.h"

/* --- names ---------------------------------------------------------------------------------- */

static void
names_containers(void)
{
    char name[NAME_SIZE];

    name_container("hyperfaas-echo:latest", 0x123456789abcdef0, name);
    UNIT_STR(name, "hyperfaas-echo-9abcdef0");
    name_container("registry.local:5000/team/fn:v1.2", 7, name);
    UNIT_STR(name, "hyperfaas-registry.local5000teamfnv1.2-00000007");
    name_container("x@sha256:0123456789012345678901234567890123456789012345678901234567890123", 1,
                   name);
    CU_ASSERT_EQUAL(strlen(name), NAME_SIZE - 1); /* what DNS takes, and no more */
    UNIT_STR(name + NAME_SIZE - 10, "-00000001");
}

static void
expect_split(const char *image, const char *repository, const char *tag)
{
    const char *found_tag;
    char *found = name_repository(image, &found_tag);

    UNIT_STR(found, repository);
    UNIT_STR(found_tag, tag);
    free(found);
}

/* Without a tag an engine would pull every tag there is. */
static void
splits_images(void)
{
    expect_split("echo:v1", "echo", "v1");
    expect_split("echo", "echo", "latest");
    expect_split("localhost:5000/echo", "localhost:5000/echo", "latest");
    expect_split("localhost:5000/echo:v2", "localhost:5000/echo", "v2");
    expect_split("echo@sha256:ab", "echo", "sha256:ab");
    UNIT_STR(name_plain("docker.io/library/echo:v1"), "echo:v1");
    UNIT_STR(name_plain("localhost/hyperfaas-echo:latest"), "hyperfaas-echo:latest");
    UNIT_STR(name_plain("localhost:5000/echo:v1"), "localhost:5000/echo:v1");
}

static void
takes_instance_ids(void)
{
    char id[INSTANCE_ID_SIZE];

    CU_ASSERT(
        name_instance("52546c9dbcdd6591f48d16059ae33be9c98cf70a50a214a272e9c56622d66bd3", id));
    UNIT_STR(id, "52546c9dbcdd");
    CU_ASSERT_FALSE(name_instance("52546c9dbcd", id));
    CU_ASSERT_FALSE(name_instance("", id));
    CU_ASSERT_FALSE(name_instance("52546c9dbcdd/../../other", id));
}

static void
escapes(void)
{
    char *text = name_escape("a/b {\"=%\xc3\xa9~");

    UNIT_STR(text, "a%2Fb%20%7B%22%3D%25%C3%A9~");
    free(text);
}

/* --- requests ------------------------------------------------------------------------------- */

static const char *const more_env[] = { "A=b", NULL };

static const struct template template = {
    .marks = { "c", "n", "boot" },
    .network = "net",
    .publish = "127.0.0.1",
    .volume = "function-logs",
    .env = more_env,
    .pids = 100,
    .log_bytes = 1 << 20,
    .read_only = true,
};

static const struct making making = {
    .image = (char *)"hyperfaas-echo:latest",
    .function_id = (char *)"f\"1",
    .owner_id = (char *)"leaf",
    .controller = (char *)"172.17.0.1:50051",
    .memory_bytes = 1 << 28,
    .cpu_period_us = 100000,
    .cpu_quota_us = 50000,
    .revision = 0xabc,
};

/* An engine ignores what it does not know, so the spelling is tested here. */
static void
asks_for_a_container(void)
{
    char *body = request_create(&template, &making);

    UNIT_STR(body,
             "{\"Image\":\"hyperfaas-echo:latest\",\"Tty\":false,"
             "\"Env\":[\"FUNCTION_ID=f\\\"1\",\"CONTROLLER_ADDRESS=172.17.0.1:50051\",\"A=b\"],"
             "\"Labels\":{\"hf.cluster\":\"c\",\"hf.node\":\"n\",\"hf.boot\":\"boot\","
             "\"hf.function\":\"f\\\"1\",\"hf.owner\":\"leaf\","
             "\"hf.revision\":\"0000000000000abc\"},"
             "\"ExposedPorts\":{\"50052/tcp\":{}},"
             "\"HostConfig\":{\"Memory\":268435456,\"MemorySwap\":268435456,"
             "\"CpuPeriod\":100000,\"CpuQuota\":50000,\"PidsLimit\":100,\"CapDrop\":[\"ALL\"],"
             "\"SecurityOpt\":[\"no-new-privileges\"],\"ReadonlyRootfs\":true,"
             "\"Tmpfs\":{\"/tmp\":\"\"},\"AutoRemove\":false,"
             "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1048576\","
             "\"max-file\":\"2\"}},"
             "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"function-logs\","
             "\"Target\":\"/logs\"}],\"NetworkMode\":\"net\","
             "\"PortBindings\":{\"50052/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}}}");
    free(body);
}

static void
leaves_out_what_is_not_wanted(void)
{
    const struct template plain = {
        .marks = { "c", "n", "b" }, .network = "", .publish = "", .volume = ""
    };
    struct making free_one = making;
    char *body;

    free_one.memory_bytes = free_one.cpu_quota_us = 0;
    body = request_create(&plain, &free_one);
    CU_ASSERT_PTR_NULL(strstr(body, "Memory"));
    CU_ASSERT_PTR_NULL(strstr(body, "Cpu"));
    CU_ASSERT_PTR_NULL(strstr(body, "PidsLimit"));
    CU_ASSERT_PTR_NULL(strstr(body, "NetworkMode"));
    CU_ASSERT_PTR_NULL(strstr(body, "PortBindings"));
    CU_ASSERT_PTR_NULL(strstr(body, "Mounts"));
    CU_ASSERT_PTR_NULL(strstr(body, "Tmpfs"));
    UNIT_CONTAINS(body, "\"CapDrop\":[\"ALL\"]"); /* that is not to be chosen */
    free(body);
}

static void
filters_by_marks(void)
{
    char *events = request_filters(&template.marks, true);
    char *list = request_filters(&template.marks, false);

    UNIT_STR(events, "filters=%7B%22label%22%3A%5B%22hf.cluster%3Dc%22%2C%22hf.node%3Dn%22%5D%2C"
                     "%22type%22%3A%5B%22container%22%5D%7D");
    UNIT_STR(list, "filters=%7B%22label%22%3A%5B%22hf.cluster%3Dc%22%2C%22hf.node%3Dn%22%5D%7D");
    free(events);
    free(list);
}

/* --- answers -------------------------------------------------------------------------------- */

static struct json_object *
read(const char *text)
{
    struct json_object *value = json_read(text, strlen(text));

    CU_ASSERT_PTR_NOT_NULL(value);
    return value;
}

static const struct addressing anywhere = { "", "" };

/* The address at the top has gone since API 1.52: only the network's counts. */
static void
finds_addresses(void)
{
    static const char text[] =
        "{\"Name\":\"/hyperfaas-x\",\"State\":{\"Running\":true},\"NetworkSettings\":{"
        "\"IPAddress\":\"9.9.9.9\",\"Ports\":{\"50052/tcp\":[{\"HostIp\":\"0.0.0.0\","
        "\"HostPort\":\"32768\"}]},\"Networks\":{\"mine\":{\"IPAddress\":\"10.1.2.3\"},"
        "\"nameless\":{\"IPAddress\":\"\"}}}}";
    struct json_object *value = read(text);
    struct inspected found;

    answer_inspect(value, &anywhere, &found);
    CU_ASSERT(found.running);
    UNIT_STR(found.internal, "10.1.2.3:50052");
    UNIT_STR(found.external, "0.0.0.0:32768");
    answer_inspect(value, &(struct addressing){ "mine", "host.example" }, &found);
    UNIT_STR(found.internal, "10.1.2.3:50052");
    UNIT_STR(found.external, "host.example:32768");
    answer_inspect(value, &(struct addressing){ "nameless", "" }, &found);
    UNIT_STR(found.internal, "hyperfaas-x:50052"); /* the network's DNS knows it */
    answer_inspect(value, &(struct addressing){ "other", "" }, &found);
    UNIT_STR(found.internal, "");
    json_object_put(value);
}

static void
finds_ends(void)
{
    struct json_object *value = read("{\"State\":{\"Running\":false,\"OOMKilled\":true,"
                                     "\"ExitCode\":137,\"Error\":\"no such file\"}}");
    struct inspected found;

    answer_inspect(value, &anywhere, &found);
    CU_ASSERT_FALSE(found.running);
    CU_ASSERT(found.out_of_memory);
    UNIT_INT(found.exit_code, 137);
    UNIT_STR(found.reason, "no such file");
    json_object_put(value);
    value = read("{\"State\":{\"Running\":true,\"Paused\":true}}");
    answer_inspect(value, &anywhere, &found);
    CU_ASSERT_FALSE(found.running);
    CU_ASSERT(found.paused);
    json_object_put(value);
}

static void
reads_listings(void)
{
    struct json_object *value = read(
        "{\"Id\":\"52546c9dbcdd\",\"Names\":[\"/hyperfaas-x-1\"],\"State\":\"running\","
        "\"Labels\":{\"hf.boot\":\"b\",\"hf.function\":\"f\",\"hf.owner\":\"l\","
        "\"hf.revision\":\"00000000000000ff\"},\"Ports\":[{\"PrivatePort\":80,\"PublicPort\":81},"
        "{\"IP\":\"127.0.0.1\",\"PrivatePort\":50052,\"PublicPort\":4000}],"
        "\"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAddress\":\"10.0.0.2\"}}}}");
    struct listed listed;

    CU_ASSERT(answer_listed(value, &anywhere, &listed));
    UNIT_STR(listed.name, "hyperfaas-x-1");
    UNIT_STR(listed.function_id, "f");
    UNIT_STR(listed.owner_id, "l");
    UNIT_U64(listed.revision, 0xff);
    CU_ASSERT(listed.running);
    UNIT_STR(listed.internal, "10.0.0.2:50052");
    UNIT_STR(listed.external, "127.0.0.1:4000");
    json_object_put(value);
    value = read("{\"Id\":\"52546c9dbcdd\",\"Labels\":{}}"); /* not marked: nothing of ours */
    CU_ASSERT_FALSE(answer_listed(value, &anywhere, &listed));
    json_object_put(value);
}

static void
expect_event(const char *text, enum event_kind kind, const char *id, uint64_t time_ns)
{
    struct json_object *value = read(text);
    struct event event;

    answer_event(value, &event);
    CU_ASSERT_EQUAL(event.kind, kind);
    UNIT_STR(event.id, id);
    UNIT_U64(event.time_ns, time_ns);
    json_object_put(value);
}

/* `status`, `id` and `from` at the top have gone since API 1.52, and are never looked at. */
static void
reads_events(void)
{
    expect_event("{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\"},"
                 "\"timeNano\":1795569257795070515}",
                 EVENT_DIED, "a", UINT64_C(1795569257795070515));
    expect_event("{\"status\":\"died\",\"id\":\"b\",\"Type\":\"container\",\"Action\":\"died\","
                 "\"Actor\":{\"ID\":\"a\"}}",
                 EVENT_DIED, "a", 0); /* Podman's */
    expect_event("{\"Type\":\"container\",\"Action\":\"pause\",\"Actor\":{\"ID\":\"a\"}}",
                 EVENT_PAUSED, "a", 0);
    expect_event("{\"status\":\"die\",\"id\":\"a\"}", EVENT_OTHER, "", 0);
    expect_event("{\"Type\":\"network\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\"}}", EVENT_OTHER,
                 "a", 0);
    expect_event("{\"Type\":7,\"Action\":[],\"Actor\":\"a\",\"timeNano\":\"x\"}", EVENT_OTHER, "",
                 0);
    expect_event("[1]", EVENT_OTHER, "", 0);
}

static void
reads_how_it_died(void)
{
    struct json_object *killed = read("{\"Type\":\"container\",\"Action\":\"die\","
                                      "\"Actor\":{\"Attributes\":{\"exitCode\":\"137\"}}}");
    struct json_object *exited = read("{\"Type\":\"container\",\"Action\":\"die\","
                                      "\"Actor\":{\"Attributes\":{\"exitCode\":\"0\"}}}");
    struct event event;

    answer_event(killed, &event);
    CU_ASSERT_TRUE(event.killed);
    answer_event(exited, &event);
    CU_ASSERT_FALSE(event.killed);
    json_object_put(killed);
    json_object_put(exited);
}

static void
reads_pulls(void)
{
    struct json_object *value = read("{\"status\":\"Downloading\",\"progressDetail\":{}}");

    CU_ASSERT_PTR_NULL(answer_pull_error(value));
    UNIT_STR(answer_pull_status(value), "Downloading");
    json_object_put(value);
    value = read("{\"errorDetail\":{\"message\":\"denied\"},\"error\":\"old\"}");
    UNIT_STR(answer_pull_error(value), "denied");
    json_object_put(value);
    value = read("{\"error\":\"denied\"}"); /* before 1.48 it may be all there is */
    UNIT_STR(answer_pull_error(value), "denied");
    json_object_put(value);
}

static void
expect_version(const char *engine, const char *spoken)
{
    char version[VERSION_SIZE] = "";

    CU_ASSERT_EQUAL(answer_version(engine, version), spoken != NULL);
    UNIT_STR(version, spoken ? spoken : "");
}

static void
agrees_on_a_version(void)
{
    expect_version("1.41", "1.41");
    expect_version("1.47", "1.47");
    expect_version("1.52", "1.51");
    expect_version("2.0", "1.51");
    expect_version("1.40", NULL);
    expect_version("", NULL);
    expect_version("one", NULL);
}

static void
reads_dates(void)
{
    UNIT_U64(answer_date("Wed, 25 Nov 2026 01:13:45 GMT"), 1795569225);
    UNIT_U64(answer_date("yesterday"), 0);
}

/* --- streams -------------------------------------------------------------------------------- */

struct heard {
    size_t n;
    char text[256];
};

static void
hear(struct heard *heard, const char *text, size_t len)
{
    heard->n++;
    snprintf(heard->text + strlen(heard->text), sizeof heard->text - strlen(heard->text), "%.*s|",
             (int)len, text);
}

static void
on_object(void *arg, struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

    hear(arg, text, strlen(text));
}

/* Lines span pieces, pieces hold several lines, the last may have no end, and one that is no object
 * does not spoil the next. */
static void
cuts_lines(void)
{
    static const char text[] = "\n\r\n{\"a\":1}\n{}\r\n\n\"x\n{\"c\":\"}{\\\"\"} {\"d\":[{}]}\n"
                               "}{\"e\":\n]\n5\n{\"f\":{\n{\"b\":2}";

    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct objects objects = { .by_line = true };
        struct heard heard = { 0 };

        for (size_t from = 0; from < sizeof text - 1; from += piece) {
            objects_add(&objects, text + from,
                        sizeof text - 1 - from < piece ? sizeof text - 1 - from : piece, on_object,
                        &heard);
        }
        UNIT_STR(heard.text, "{\"a\":1}|{}|{\"c\":\"}{\\\"\"}|{\"d\":[{}]}|{\"b\":2}|");
        CU_ASSERT(objects_complete(&objects));
        objects_fini(&objects);
        CU_ASSERT(objects.by_line);
    }
}

static void
drops_lines_without_end(void)
{
    static char piece[1 << 16];
    struct objects objects = { .by_line = true };
    struct heard heard = { 0 };

    memset(piece, 'x', sizeof piece);
    objects_add(&objects, "{\"a\":\"", 6, on_object, &heard);
    for (int i = 0; i < 64; i++) {
        objects_add(&objects, piece, sizeof piece, on_object, &heard);
    }
    objects_add(&objects, "\"}\n{\"b\":2}\n", 11, on_object, &heard);
    UNIT_STR(heard.text, "{\"b\":2}|");
    CU_ASSERT(objects.size <= 2 * OBJECT_MAX_BYTES);
    objects_fini(&objects);
}

static void
on_piece(void *arg, const void *data, size_t len)
{
    hear(arg, data, len);
}

static void
takes_logs_apart(void)
{
    static const char log[] = "\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\3two";

    for (size_t cut = 1; cut < sizeof log - 1; cut++) {
        struct heard heard = { 0 };
        struct demux demux = { 0 };
        char joined[16];
        size_t n = 0;

        demux_add(&demux, log, cut, on_piece, &heard);
        demux_add(&demux, log + cut, sizeof log - 1 - cut, on_piece, &heard);
        for (const char *c = heard.text; *c; c++) {
            if (*c != '|' && n < sizeof joined - 1) {
                joined[n++] = *c;
            }
        }
        joined[n] = '\0';
        UNIT_STR(joined, "one\ntwo");
    }
}

UNIT_MAIN("docker-language", UNIT_TEST(names_containers), UNIT_TEST(splits_images),
          UNIT_TEST(takes_instance_ids), UNIT_TEST(escapes), UNIT_TEST(asks_for_a_container),
          UNIT_TEST(leaves_out_what_is_not_wanted), UNIT_TEST(filters_by_marks),
          UNIT_TEST(finds_addresses), UNIT_TEST(finds_ends), UNIT_TEST(reads_listings),
          UNIT_TEST(reads_events), UNIT_TEST(reads_how_it_died), UNIT_TEST(reads_pulls),
          UNIT_TEST(agrees_on_a_version), UNIT_TEST(reads_dates), UNIT_TEST(cuts_lines),
          UNIT_TEST(drops_lines_without_end), UNIT_TEST(takes_logs_apart))
