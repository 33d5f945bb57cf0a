/*
 * main.c - hyperfaasd: reads its configuration, builds a node, runs it.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/signals.h"
#include "node/node.h"
#include "node/node_config.h"
#include "node/node_place.h"
#include "node/role.h"

HF_LOG_MODULE(main);

#define EXIT_USAGE 2 /* also for a configuration that cannot be used */

#define SETTINGS_MAX 64

/* For whoever reads the log to take what is left of it at the end. */
#define LOG_FLUSH_NS (1 * HF_SEC)

struct arguments {
    const char *config_path; /* NULL: all defaults */
    const char *settings[SETTINGS_MAX];
    size_t setting_count;
    int ready_fd; /* -1: none */
    bool check;
};

static const char usage[] =
    "Usage: hyperfaasd -c FILE [OPTION]...\n"
    "Runs a node of HyperFaaS: a load balancer, a leaf, a worker, or several of them.\n"
    "\n"
    "  -c, --config FILE            read the configuration from FILE\n"
    "  -s, --set SECTION.KEY=VALUE  override a value of the file; may be repeated\n"
    "      --check                  check the configuration and load the modules, then exit\n"
    "      --sample                 print a configuration with all options and their defaults\n"
    "      --ready-fd N             write the node's addresses, then 'ready', to descriptor N\n"
    "  -h, --help                   print this text\n"
    "  -V, --version                print the version\n"
    "\n"
    "SIGTERM and SIGINT finish what runs, then end the process; a second one ends it at\n"
    "once.  SIGHUP reads the log's level anew.\n"
    "\n"
    "Exit status: 0 if all went well, 1 if the node could not start, 2 if the arguments or\n"
    "the configuration cannot be used.\n";

/* --- arguments ----------------------------------------------------------------------------- */

static int
read_descriptor(const char *text, int *ret)
{
    uint64_t number;

    if (hf_parse_u64_range(text, 0, INT32_MAX, &number, NULL) < 0) {
        fprintf(stderr, "hyperfaasd: '%s' is not a descriptor\n", text);
        return -1;
    }
    *ret = (int)number;
    return 0;
}

static void
print_sample(void)
{
    hf_autotext struct hf_text sample;

    hf_text_init(&sample);
    hf_node_config_sample(&sample);
    fputs(hf_text_str(&sample), stdout);
}

/* Returns -1 to go on, or the status to exit with. */
static int
read_arguments(int argc, char **argv, struct arguments *ret)
{
    enum { CHECK = 256, READY_FD, SAMPLE };
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 's' },
        { "check", no_argument, NULL, CHECK },
        { "sample", no_argument, NULL, SAMPLE },
        { "ready-fd", required_argument, NULL, READY_FD },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:s:hV", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ret->config_path = optarg;
            break;
        case 's':
            if (ret->setting_count == SETTINGS_MAX) {
                fprintf(stderr, "hyperfaasd: more than %d settings\n", SETTINGS_MAX);
                return EXIT_USAGE;
            }
            ret->settings[ret->setting_count++] = optarg;
            break;
        case CHECK:
            ret->check = true;
            break;
        case READY_FD:
            if (read_descriptor(optarg, &ret->ready_fd) < 0) {
                return EXIT_USAGE;
            }
            break;
        case SAMPLE:
            print_sample();
            return EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        case 'V':
            puts("hyperfaasd " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        default:
            fputs("Try 'hyperfaasd --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hyperfaasd: unexpected argument '%s'\n", argv[optind]);
        return EXIT_USAGE;
    }
    if (!ret->config_path && ret->setting_count == 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return -1;
}

/* --- configuration ------------------------------------------------------------------------- */

static int
load(const struct arguments *arguments, struct hf_config **ret, struct hf_err *err)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    int r = arguments->config_path ? hf_config_load(arguments->config_path, &config, err)
                                   : hf_config_new(&config, err);

    for (size_t i = 0; i < arguments->setting_count && r == 0; i++) {
        r = hf_config_set(config, arguments->settings[i], err);
    }
    if (r == 0) {
        *ret = hf_steal(config);
    }
    return r;
}

/* What [log] says; only its level may change while the node runs. */
static int
apply_log(const struct hf_config *config, bool starting, struct hf_err *err)
{
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    const char *file;
    int r = hf_options_new("log", hf_config_section(config, "log"), hf_node_section("log")->rows,
                           &options, err);

    if (r < 0) {
        return r;
    }
    r = hf_log_set_levels(hf_options_str(options, "level"), err);
    if (r < 0) {
        return hf_node_wrap_value(config, "log", "level", NULL, r, err);
    }
    if (!starting) {
        return 0;
    }
    hf_log_set_format(strcmp(hf_options_str(options, "format"), "json") == 0 ? HF_LOG_JSON
                                                                             : HF_LOG_LOGFMT);
    file = hf_options_str(options, "file");
    return file && *file ? hf_log_open(file, err) : 0;
}

static void
reload(void *arg)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct hf_err err = HF_ERR_INIT;
    int r = load(arg, &config, &err);

    if (r == 0) {
        r = apply_log(config, false, &err);
    }
    if (r < 0) {
        hf_log(HF_LOG_ERROR, "the configuration cannot be read anew; all stays as it was",
               HF_KV_ERR(&err));
        return;
    }
    hf_log(HF_LOG_NOTICE, "the level of the log was read anew");
}

/* --- readiness ----------------------------------------------------------------------------- */

static void
print_address(void *arg, const char *role, const struct hf_role_address *address)
{
    hf_text_printf(arg, "%s.%s %s\n", role, address->service, address->address);
}

static void
tell_descriptor(const struct hf_node *node, int fd)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    hf_node_addresses(node, print_address, &text);
    hf_text_add(&text, "ready\n");
    if (write(fd, hf_text_str(&text), text.len) != (ssize_t)text.len) {
        hf_log(HF_LOG_WARNING, "nobody reads the descriptor given with --ready-fd");
    }
    close(fd);
}

/* The protocol of sd_notify(3). */
static void
tell_service_manager(void)
{
    static const char ready[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = path ? strlen(path) : 0;
    int fd;

    if (len < 2 || len >= sizeof address.sun_path || (*path != '/' && *path != '@')) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (*path == '@') { /* the abstract name space */
        address.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    if (sendto(fd, ready, strlen(ready), MSG_NOSIGNAL, (const struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
        hf_log(HF_LOG_WARNING, "the service manager cannot be told that the node is ready");
    }
    close(fd);
}

/* --- running ------------------------------------------------------------------------------- */

static int
run(struct hf_node *node, struct arguments *arguments)
{
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (hf_raise_open_files(&err) < 0) {
        hf_log(HF_LOG_WARNING, "connections may run out of descriptors", HF_KV_ERR(&err));
    }
    r = hf_node_start(node, &err);
    if (r < 0) {
        hf_log(HF_LOG_ERROR, "the node cannot start", HF_KV_ERR(&err));
        return EXIT_FAILURE;
    }
    hf_node_on_reload(node, reload, arguments);
    hf_log(HF_LOG_NOTICE, "ready", HF_KV_STR("id", hf_node_id(node)),
           HF_KV_STR("version", PACKAGE_VERSION), HF_KV_U64("threads", hf_node_io_count(node)));
    if (arguments->ready_fd >= 0) {
        tell_descriptor(node, arguments->ready_fd);
    }
    tell_service_manager();
    hf_node_run(node);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    struct arguments arguments = { .ready_fd = -1 };
    struct hf_err err = HF_ERR_INIT;
    struct hf_node *node = NULL;
    int status;
    int r;

    hf_signals_clean();
    hf_crash_catch();
    status = read_arguments(argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    r = load(&arguments, &config, &err);
    if (r == 0) {
        r = apply_log(config, !arguments.check, &err);
    }
    if (r == 0) {
        r = hf_node_new(config, hf_roles, &node, &err);
    }
    if (r < 0) {
        fprintf(stderr, "hyperfaasd: %s\n", hf_err_message(&err));
        return r == HF_ENOMEM ? EXIT_FAILURE : EXIT_USAGE;
    }
    if (arguments.check) {
        puts("The configuration is good.");
    } else {
        status = run(node, &arguments);
    }
    hf_node_free(node);
    hf_log_flush(LOG_FLUSH_NS);
    return arguments.check ? EXIT_SUCCESS : status;
}
