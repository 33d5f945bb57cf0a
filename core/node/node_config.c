/*
 * node_config.c - the sections of a node's configuration and their rows.
 */
#include "node/node_config.h"

#include <stdlib.h>
#include <string.h>

#include <hyperfaas/plugin.h>

#include "base/assert.h"
#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/text.h"

/* clang-format off */

static const struct hf_option node_rows[] = {
    { "roles", HF_OPT_LIST, HF_OPT_REQUIRED, .help =
      "What this node is: one or more of lb, leaf and worker." },
    { "id", HF_OPT_STRING, .help =
      "Name of the node, unique among its peers; unset: the host's name and a suffix that is kept." },
    { "threads", HF_OPT_UINT, .fallback = "0", .max = "1024", .help =
      "Threads that forward calls; 0: one for each processor." },
    { "max_buffered", HF_OPT_SIZE, .fallback = "256MiB", .min = "1MiB", .max = "1TiB", .help =
      "What requests may hold here while they wait, bodies and metadata; calls beyond it are "
      "refused. One caller's connection may have a quarter, unless callers are trusted." },
    { "state_dir", HF_OPT_PATH, .help =
      "Folder for the control sockets; unset: $XDG_STATE_HOME/hyperfaas, or /var/lib/hyperfaas "
      "for root." },
    { "plugin_path", HF_OPT_PATHS, .help =
      "Folders in which modules are looked for first; then where they were installed." },
    { "seed", HF_OPT_UINT, .fallback = "0", .help =
      "Makes the random choices of modules repeatable; 0: different at each start." },
    { "announce", HF_OPT_BOOL, .fallback = "yes", .help =
      "Announce the node in the store, so that others can discover it." },
    { "announce_ttl", HF_OPT_DURATION, .fallback = "10s", .min = "1s", .max = "1h", .help =
      "After how long at most a node that died is gone from the store." },
    { "advertise", HF_OPT_STRING, .help =
      "Host that others are to dial for this node; unset: the address it listens on, or, if that "
      "is 0.0.0.0, this machine's towards the default route." },
    { "zone", HF_OPT_STRING, .help = "Where the node is, such as eu-1; for those who discover it." },
    { "labels", HF_OPT_LIST, .help = "What else they may ask for, each KEY=VALUE." },
    { "managers", HF_OPT_LIST, .fallback = "private", .help =
      "Who may give this node work, ask for its instances and logs, and take it out of service, "
      "beside root and the node's own user on this host: IP addresses, networks such as "
      "10.0.0.0/8, private (addresses of private networks), any, user:NAME, or none." },
    { "secret_file", HF_OPT_PATH, .help =
      "File with a line that makes whoever sends it a manager; made if it is not there.  Nodes that "
      "have the same one manage each other; unset: one of this node's in its state_dir." },
    { "drain_timeout", HF_OPT_DURATION, .fallback = "30s", .max = "1h", .help =
      "How long each role may take to finish what runs when the node is told to end." },
    { 0 }
};

static const struct hf_option log_rows[] = {
    { "level", HF_OPT_STRING, HF_OPT_RELOAD, .fallback = "info", .help =
      "error, warning, notice, info or debug; with exceptions for modules: info,h2=debug." },
    { "format", HF_OPT_ENUM, .fallback = "logfmt", .choices = "logfmt|json", .help =
      "Form of a line." },
    { "file", HF_OPT_PATH, .help = "File to append to; unset: standard error." },
    { 0 }
};

/* What callers may do, at a load balancer as at a leaf. */
#define CALLER_ROWS \
    { "max_streams", HF_OPT_UINT, .fallback = "10000", .min = "1", .max = "1000000", .help = \
      "Calls at once on one caller's connection." }, \
    { "connection_idle", HF_OPT_DURATION, .fallback = "10m", .max = "30d", .help = \
      "A caller's connection without calls is closed after this; 0: never. When file descriptors run " \
      "short, those that have been idle longest are closed sooner." }, \
    { "max_connections_per_address", HF_OPT_UINT, .fallback = "0", .max = "10000000", .help = \
      "Connections that callers from one address may have (of IPv6, from one /64); 0: half of what " \
      "the limit of open files leaves for callers, but any number from this machine or with " \
      "trust_callers." }, \
    { "errors", HF_OPT_ENUM, .fallback = "auto", .choices = "auto|full|brief", .help = \
      "What callers hear of the cause of a failure: all of it, which may name paths, addresses and " \
      "what a function wrote, or its kind; auto: all if they are on this machine. The log has all." }, \
    { "trust_callers", HF_OPT_BOOL, .fallback = "no", .help = \
      "Only load balancers call this node: one connection may cancel any number of calls." }

static const struct hf_option lb_rows[] = {
    { "proxy", HF_OPT_ADDRESS, .fallback = "127.0.0.1:9999", .help =
      "Where callers and parents reach functions." },
    { "api", HF_OPT_ADDRESS, .fallback = "127.0.0.1:50052", .help =
      "Where parents and tools reach this node." },
    { "children", HF_OPT_LIST, .help =
      "Leaves or load balancers below, each as API-ADDRESS/PROXY-ADDRESS; or the word discover: the "
      "leaves that announce themselves in the store, of which zone=NAME or LABEL=VALUE choose some, "
      "or with role=lb load balancers." },
    { "spoe", HF_OPT_ADDRESS, .help =
      "Where HAProxy asks which child a call should go to; unset: nowhere." },
    { "forward", HF_OPT_BOOL, .fallback = "yes", .help =
      "Take calls at the proxy address; no: leave that to HAProxy, and only answer it." },
    { "heartbeat", HF_OPT_DURATION, .fallback = "1s", .min = "10ms", .max = "1h", .help =
      "How often each child is asked whether it is well." },
    { "loss_timeout", HF_OPT_DURATION, .fallback = "2s", .min = "10ms", .max = "1h", .help =
      "A child that does not answer for so long is lost, and gets no calls until it does." },
    { "give_up_after", HF_OPT_DURATION, .fallback = "10s", .max = "1d", .help =
      "A child lost for so long loses the calls it still has." },
    { "child_wait", HF_OPT_DURATION, .fallback = "2s", .max = "1h", .help =
      "How long calls wait for a child when none can be used; then they are refused." },
    { "eject_for", HF_OPT_DURATION, .fallback = "200ms", .min = "1ms", .max = "1h", .help =
      "A child where a call failed gets none for so long; doubled each time that it happens soon "
      "again." },
    { "eject_max", HF_OPT_DURATION, .fallback = "10s", .min = "1ms", .max = "1h", .help =
      "The longest such pause; after as long without a failure it begins short again." },
    { "max_attempts", HF_OPT_UINT, .fallback = "3", .min = "1", .max = "100", .help =
      "Tries of a call that no function can have seen, those of other nodes on its way included." },
    { "replay_bytes", HF_OPT_SIZE, .fallback = "16KiB", .max = "16KiB", .help =
      "What is kept of a request to try another child; a longer one is sent only once." },
    { "queue_depth", HF_OPT_UINT, .fallback = "10000", .min = "1", .max = "1000000", .help =
      "Calls of one function that may wait for a child." },
    { "idle_timeout", HF_OPT_DURATION, .fallback = "30s", .min = "10ms", .max = "30d", .help =
      "A function without calls for so long is forgotten here; what children have warm is not." },
    { "max_functions", HF_OPT_UINT, .fallback = "100000", .min = "1", .max = "10000000", .help =
      "Functions that may be called at the same time." },
    { "max_warm", HF_OPT_UINT, .fallback = "1000000", .min = "1", .max = "100000000", .help =
      "What is kept of what children have warm, functions times children; more is not believed." },
    CALLER_ROWS,
    { 0 }
};

static const struct hf_option leaf_rows[] = {
    { "proxy", HF_OPT_ADDRESS, .fallback = "127.0.0.1:50053", .help =
      "Where callers and parents reach functions." },
    { "api", HF_OPT_ADDRESS, .fallback = "127.0.0.1:50050", .help =
      "Where parents and tools reach this node." },
    { "workers", HF_OPT_LIST, .help =
      "API addresses of the workers, HOST:PORT; or the word discover: those that announce "
      "themselves in the store, of which zone=NAME or LABEL=VALUE choose some." },
    { "containerized", HF_OPT_BOOL, .fallback = "yes", .help =
      "Call instances at their internal address (on the instances' network), not the external "
      "one (published on the worker's host)." },
    { "idle_timeout", HF_OPT_DURATION, .fallback = "90s", .min = "10ms", .max = "30d", .help =
      "Without a call for so long a function scales to zero, unless it says otherwise." },
    { "max_instances_per_worker", HF_OPT_UINT, .fallback = "4", .min = "1", .max = "100000", .help =
      "Instances of one function on one worker." },
    { "queue_depth", HF_OPT_UINT, .fallback = "10000", .min = "1", .max = "1000000", .help =
      "Calls of one function that may wait for an instance." },
    { "max_wait", HF_OPT_DURATION, .fallback = "30s", .max = "1d", .help =
      "A function that cannot grow lets no call wait that would probably do so for longer, or past "
      "its own deadline; 0: only that counts." },
    { "start_timeout", HF_OPT_DURATION, .fallback = "45s", .min = "10ms", .max = "1h", .help =
      "For a worker to start an instance and have it ready." },
    { "stop_timeout", HF_OPT_DURATION, .fallback = "10s", .min = "10ms", .max = "1h", .help =
      "For a worker to stop an instance." },
    { "drain_timeout", HF_OPT_DURATION, .fallback = "60s", .max = "1d", .help =
      "For an instance that is to stop to finish its calls." },
    { "max_instances", HF_OPT_UINT, .fallback = "0", .max = "1000000", .help =
      "Instances of one function on all workers; 0: as many as fit." },
    { "max_starting_per_worker", HF_OPT_UINT, .fallback = "64", .max = "100000", .help =
      "Starts under way at one worker; 0: no limit." },
    { "start_attempts", HF_OPT_UINT, .fallback = "3", .min = "1", .max = "1000", .help =
      "Failed starts in a row after which waiting calls are refused." },
    { "start_backoff", HF_OPT_DURATION, .fallback = "100ms", .max = "1h", .help =
      "Pause after a first failed start of a function on a worker; it doubles with each." },
    { "start_backoff_max", HF_OPT_DURATION, .fallback = "10s", .max = "1h", .help =
      "The longest such pause." },
    { "room_timeout", HF_OPT_DURATION, .fallback = "5s", .max = "1h", .help =
      "How long calls wait for a worker with room before they are refused." },
    { "min_uptime", HF_OPT_DURATION, .fallback = "1s", .max = "1h", .help =
      "An instance that ends sooner counts as a failed start." },
    { "eject_after", HF_OPT_UINT, .fallback = "2", .max = "1000000", .help =
      "Connection failures in a row that take an instance out of use; 0: never." },
    { "hang_timeout", HF_OPT_DURATION, .fallback = "15s", .max = "1h", .help =
      "An instance that was asked, because calls ended unanswered, and sends nothing for so long is "
      "replaced, once no call from before is running; 0: never." },
    { "busy_limit", HF_OPT_DURATION, .fallback = "10m", .min = "1s", .max = "1d", .help =
      "For so long at most such calls are waited for; and an instance that has calls and is silent for "
      "so long is asked, too. Functions that answer nothing while they compute need this long." },
    { "max_attempts", HF_OPT_UINT, .fallback = "3", .min = "1", .max = "100", .help =
      "Tries of a call that no instance can have seen, those of nodes above this one included." },
    { "replay_bytes", HF_OPT_SIZE, .fallback = "16KiB", .max = "16KiB", .help =
      "What is kept of a request to try another instance; a longer one is sent only once." },
    CALLER_ROWS,
    { "heartbeat", HF_OPT_DURATION, .fallback = "1s", .min = "10ms", .max = "1h", .help =
      "How often each worker is asked whether it lives." },
    { "loss_timeout", HF_OPT_DURATION, .fallback = "2s", .min = "10ms", .max = "1h", .help =
      "A worker that does not answer for so long is lost, and its instances with it." },
    { 0 }
};

static const struct hf_option worker_rows[] = {
    { "api", HF_OPT_ADDRESS, .fallback = "127.0.0.1:50051", .help =
      "Where leaves and tools reach this worker." },
    { "instance_api", HF_OPT_ADDRESS, .help =
      "Where instances say that they are ready, and can do nothing else; unset: a free port beside "
      "the API, or, if controller_address is set, the API itself." },
    { "controller_address", HF_OPT_ADDRESS, .help =
      "The same as instances see it (CONTROLLER_ADDRESS); unset: that address." },
    { "readiness", HF_OPT_ENUM, .fallback = "either", .choices = "signal|probe|either", .help =
      "How an instance shows that it serves. signal: it calls SignalReady, which is believed, for a "
      "worker that cannot reach its instances; probe: it answers as a server and says that it is well; "
      "either: it answers as a server, which is looked at as soon as it signals." },
    { "containerized", HF_OPT_BOOL, .fallback = "no", .help =
      "The worker reaches instances at their internal address, not the external one, for probes." },
    { "ready_timeout", HF_OPT_DURATION, .fallback = "30s", .min = "10ms", .max = "1h", .help =
      "For a started instance to become ready; then it is removed." },
    { "stop_grace", HF_OPT_DURATION, .fallback = "5s", .max = "1h", .help =
      "For an instance that was asked to end; then it is killed." },
    { "orphan_timeout", HF_OPT_DURATION, .fallback = "5m", .max = "30d", .help =
      "Instances of a leaf that has not been connected for so long are stopped; 0: never." },
    { "memory", HF_OPT_SIZE, .help =
      "What instances may use together; unset: what the runtime says, or the machine's." },
    { "cpus", HF_OPT_DOUBLE, .min = "0.001", .max = "100000", .help =
      "Processors that instances may use together; unset: what the runtime says, or the "
      "machine's." },
    { "max_instances", HF_OPT_UINT, .fallback = "0", .max = "10000000", .help =
      "Instances at the same time; 0: no limit." },
    { "ended_keep", HF_OPT_UINT, .fallback = "500", .max = "10000", .help =
      "Instances that have ended and are remembered with how, at most 32 of a function; 0: none." },
    { "ended_time", HF_OPT_DURATION, .fallback = "1h", .min = "1s", .max = "30d", .help =
      "How long." },
    { 0 }
};

static const struct hf_option lb_balance_rows[] = {
    { "cold", HF_OPT_ENUM, .fallback = "hash", .choices = "hash|any", .help =
      "Who may take a call that no child has warm: the one that consistent hashing names, so that "
      "all first calls meet there, or any, by the policy." },
    { "spill_inflight", HF_OPT_UINT, .fallback = "0", .max = "1000000", .help =
      "When each of a function's children has so many calls of it, another one helps; 0: never." },
    { 0 }
};

const struct hf_node_section hf_node_sections[] = {
    { "node", "The process.", node_rows, 0, NULL },
    { "log", "What is written about it.", log_rows, 0, NULL },
    { "lb", "The role of a load balancer.", lb_rows, 0, NULL },
    { "leaf", "The role of a leaf: functions, their instances and their calls.", leaf_rows, 0, NULL },
    { "worker", "The role of a worker: runs instances.", worker_rows, 0, NULL },
    { "store", "Where functions are kept.", NULL, HF_PLUGIN_STORE, "file" },
    { "runtime", "What runs a worker's instances.", NULL, HF_PLUGIN_RUNTIME, "process" },
    { "balance.leaf", "Which instance gets a call.", NULL, HF_PLUGIN_LB, "leastload" },
    { "balance.lb", "Which child gets a call.", lb_balance_rows, HF_PLUGIN_LB, "roundrobin" },
    { "scheduler", "On which worker an instance starts.", NULL, HF_PLUGIN_SCHEDULER, "roundrobin" },
    { "scaler", "How many instances there are.", NULL, HF_PLUGIN_SCALER, "concurrency" },
};

/* clang-format on */

#define SECTION_COUNT hf_countof(hf_node_sections)

const size_t hf_node_section_count = SECTION_COUNT;

struct hf_node_config {
    struct hf_options *options[SECTION_COUNT];
};

const struct hf_node_section *
hf_node_section(const char *name)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (strcmp(hf_node_sections[i].name, name) == 0) {
            return &hf_node_sections[i];
        }
    }
    return NULL;
}

/* Whether a section is one of a module's own, such as [scaler.concurrency]. */
static bool
is_of_module(const char *name)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        size_t len = strlen(hf_node_sections[i].name);

        if (hf_node_sections[i].kind && strncmp(name, hf_node_sections[i].name, len) == 0 &&
            name[len] == '.' && name[len + 1]) {
            return true;
        }
    }
    return false;
}

static int
check_section(const struct hf_config *config, const struct hf_node_section *section,
              struct hf_options **ret, struct hf_err *err)
{
    const struct hf_config_section *given = hf_config_section(config, section->name);
    int r = hf_options_new(section->name, given, section->rows, ret, err);

    if (r < 0 || section->kind) { /* a module's own keys are checked when it is loaded */
        return r;
    }
    return hf_options_check_keys(given, &section->rows, 1, err);
}

int
hf_node_config_new(const struct hf_config *config, struct hf_node_config **ret, struct hf_err *err)
{
    const char *names[SECTION_COUNT];
    struct hf_node_config *node_config;
    int r;

    for (size_t i = 0; i < SECTION_COUNT; i++) {
        names[i] = hf_node_sections[i].name;
    }
    r = hf_config_check_sections(config, names, SECTION_COUNT, is_of_module, err);
    if (r < 0) {
        return r;
    }
    if (hf_config_name(config) && !hf_config_section(config, "node")) {
        return hf_fail(
            err, HF_EINVALID,
            "%s: there is no section [node] with roles, which says what the node is: one "
            "or more of lb, leaf and worker",
            hf_config_name(config));
    }
    node_config = calloc(1, sizeof *node_config);
    if (!node_config) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < SECTION_COUNT && r == 0; i++) {
        r = check_section(config, &hf_node_sections[i], &node_config->options[i], err);
    }
    if (r < 0) {
        hf_node_config_free(node_config);
        return r;
    }
    *ret = node_config;
    return 0;
}

void
hf_node_config_free(struct hf_node_config *node_config)
{
    if (!node_config) {
        return;
    }
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        hf_options_free(node_config->options[i]);
    }
    free(node_config);
}

const struct hf_options *
hf_node_config_options(const struct hf_node_config *node_config, const char *section)
{
    const struct hf_node_section *found = hf_node_section(section);

    hf_assert(found);
    return node_config->options[found - hf_node_sections];
}

bool
hf_node_config_has_role(const struct hf_node_config *checked, const char *role)
{
    const struct hf_options *node = hf_node_config_options(checked, "node");
    const char *item;

    for (size_t i = 0; (item = hf_options_item(node, "roles", i)); i++) {
        if (strcmp(item, role) == 0) {
            return true;
        }
    }
    return false;
}

void
hf_node_config_sample(struct hf_text *out)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct hf_node_section *section = &hf_node_sections[i];

        hf_text_printf(out, "%s; %s\n[%s]\n", i ? "\n" : "", section->help, section->name);
        if (section->kind) {
            hf_text_printf(out, ";plugin = %s\n", section->plugin);
        }
        hf_options_write_sample(section->rows, out);
    }
}
