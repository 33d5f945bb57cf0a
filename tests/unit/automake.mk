# Unit tests: one CUnit program for each thing tested, fast and independent of each other.
#
#   UNIT_TESTS += %D%/test-ini
#   %C%_test_ini_SOURCES = %D%/test-ini.c
#   %C%_test_ini_LDADD = $(UNIT_LIBS)
#
# UNIT_LIBS is for tests of the base; those of another layer put its libraries behind unit.h's:
# $(UNIT_LIB) $(HF_LOOP_LIBS) $(CUNIT_LIBS).

UNIT_TESTS =
THREAD_TESTS =

check_LTLIBRARIES += %D%/libunit.la
%C%_libunit_la_SOURCES = %D%/unit.c %D%/unit.h
UNIT_LIB = %D%/libunit.la
UNIT_LIBS = $(UNIT_LIB) $(HF_BASE_LIBS) $(CUNIT_LIBS)

# --- core/base
HF_BASE_TESTS = %D%/test-arena %D%/test-backoff %D%/test-clock %D%/test-config %D%/test-containers %D%/test-counters %D%/test-err \
    %D%/test-fault %D%/test-hash %D%/test-log %D%/test-log-out \
    %D%/test-options %D%/test-parse %D%/test-random %D%/test-text
UNIT_TESTS += $(HF_BASE_TESTS)
THREAD_TESTS += %D%/test-clock %D%/test-counters %D%/test-log %D%/test-log-out
%C%_test_arena_SOURCES = %D%/test-arena.c
%C%_test_arena_LDADD = $(UNIT_LIBS)
%C%_test_backoff_SOURCES = %D%/test-backoff.c
%C%_test_backoff_LDADD = $(UNIT_LIBS)
%C%_test_clock_SOURCES = %D%/test-clock.c
%C%_test_clock_LDADD = $(UNIT_LIBS)
%C%_test_config_SOURCES = %D%/test-config.c
%C%_test_config_LDADD = $(UNIT_LIBS)
%C%_test_containers_SOURCES = %D%/test-containers.c
%C%_test_containers_LDADD = $(UNIT_LIBS)
%C%_test_counters_SOURCES = %D%/test-counters.c
%C%_test_counters_LDADD = $(UNIT_LIBS)
%C%_test_err_SOURCES = %D%/test-err.c
%C%_test_err_LDADD = $(UNIT_LIBS)
%C%_test_fault_SOURCES = %D%/test-fault.c
%C%_test_fault_LDADD = $(UNIT_LIBS)
%C%_test_hash_SOURCES = %D%/test-hash.c
%C%_test_hash_LDADD = $(UNIT_LIBS)
%C%_test_log_SOURCES = %D%/test-log.c
%C%_test_log_LDADD = $(UNIT_LIBS)
%C%_test_log_out_SOURCES = %D%/test-log-out.c
%C%_test_log_out_LDADD = $(UNIT_LIBS)
%C%_test_options_SOURCES = %D%/test-options.c
%C%_test_options_LDADD = $(UNIT_LIBS)
%C%_test_parse_SOURCES = %D%/test-parse.c
%C%_test_parse_LDADD = $(UNIT_LIBS)
%C%_test_random_SOURCES = %D%/test-random.c
%C%_test_random_LDADD = $(UNIT_LIBS)
%C%_test_text_SOURCES = %D%/test-text.c
%C%_test_text_LDADD = $(UNIT_LIBS)
UNIT_TESTS += %D%/test-json-read
%C%_test_json_read_SOURCES = %D%/test-json-read.c
%C%_test_json_read_LDADD = $(UNIT_LIBS)

# --- core/plugin
include tests/unit/modules/automake.mk
UNIT_TESTS += %D%/test-module %D%/test-module-files
%C%_test_module_SOURCES = %D%/test-module.c
%C%_test_module_LDADD = $(UNIT_LIB) $(HF_PLUGIN_LIBS) $(HF_BASE_LIBS) $(CUNIT_LIBS)
EXTRA_%C%_test_module_DEPENDENCIES = $(HF_TEST_MODULES)
%C%_test_module_files_SOURCES = %D%/test-module-files.c
%C%_test_module_files_LDADD = $(UNIT_LIB) $(HF_PLUGIN_LIBS) $(HF_BASE_LIBS) $(CUNIT_LIBS)
EXTRA_%C%_test_module_files_DEPENDENCIES = $(HF_TEST_MODULES)

# --- core/loop
HF_LOOP_TESTS = %D%/test-child %D%/test-dial %D%/test-loop %D%/test-signals
UNIT_TESTS += $(HF_LOOP_TESTS)
THREAD_TESTS += $(HF_LOOP_TESTS)
%C%_test_child_SOURCES = %D%/test-child.c
%C%_test_child_LDADD = $(UNIT_LIB) $(HF_LOOP_LIBS) $(CUNIT_LIBS)
%C%_test_dial_SOURCES = %D%/test-dial.c
%C%_test_dial_LDADD = $(UNIT_LIB) $(HF_LOOP_LIBS) $(CUNIT_LIBS)
%C%_test_signals_SOURCES = %D%/test-signals.c
%C%_test_signals_LDADD = $(UNIT_LIB) $(HF_LOOP_LIBS) $(CUNIT_LIBS)
%C%_test_loop_SOURCES = %D%/test-loop.c
%C%_test_loop_LDADD = $(UNIT_LIB) $(HF_LOOP_LIBS) $(CUNIT_LIBS)

# --- core/engine and its policies
include %D%/engine.mk

# --- core/ctl
UNIT_TESTS += %D%/test-ctl
THREAD_TESTS += %D%/test-ctl
%C%_test_ctl_SOURCES = %D%/test-ctl.c
%C%_test_ctl_LDADD = $(UNIT_LIB) $(HF_CTL_LIBS) $(CUNIT_LIBS)

# --- core/spop
UNIT_TESTS += %D%/test-spop %D%/test-spop-agent
THREAD_TESTS += %D%/test-spop-agent
%C%_test_spop_SOURCES = %D%/test-spop.c
%C%_test_spop_LDADD = $(UNIT_LIB) $(HF_SPOP_LIBS) $(CUNIT_LIBS)
%C%_test_spop_agent_SOURCES = %D%/test-spop-agent.c
%C%_test_spop_agent_LDADD = $(UNIT_LIB) $(HF_SPOP_LIBS) $(CUNIT_LIBS)

# --- core/grpc
UNIT_TESTS += %D%/test-grpc-client
%C%_test_grpc_client_SOURCES = %D%/test-grpc-client.c
%C%_test_grpc_client_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)

UNIT_TESTS += %D%/test-grpc-frame
%C%_test_grpc_frame_SOURCES = %D%/test-grpc-frame.c
%C%_test_grpc_frame_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)

UNIT_TESTS += %D%/test-grpc-health
%C%_test_grpc_health_SOURCES = %D%/test-grpc-health.c
%C%_test_grpc_health_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)
$(%C%_test_grpc_health_OBJECTS): | $(HF_PROTO_H)

UNIT_TESTS += %D%/test-grpc-refusals
%C%_test_grpc_refusals_SOURCES = %D%/test-grpc-refusals.c %D%/grpc.c %D%/grpc.h
%C%_test_grpc_refusals_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)
$(%C%_test_grpc_refusals_OBJECTS): | $(HF_PROTO_H)

UNIT_TESTS += %D%/test-grpc-server
%C%_test_grpc_server_SOURCES = %D%/test-grpc-server.c %D%/grpc.c %D%/grpc.h
%C%_test_grpc_server_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)
$(%C%_test_grpc_server_OBJECTS): | $(HF_PROTO_H)

UNIT_TESTS += %D%/test-grpc-status
%C%_test_grpc_status_SOURCES = %D%/test-grpc-status.c
%C%_test_grpc_status_LDADD = $(UNIT_LIB) $(HF_GRPC_LIBS) $(CUNIT_LIBS)

# --- core/http
HTTP_TEST_SOURCES = %D%/http-driver.c %D%/http-driver.h %D%/http-server.c %D%/http-server.h
UNIT_TESTS += %D%/test-http %D%/test-http-ends
%C%_test_http_SOURCES = %D%/test-http.c $(HTTP_TEST_SOURCES)
%C%_test_http_LDADD = $(UNIT_LIB) $(HF_HTTP_LIBS) $(CUNIT_LIBS)
%C%_test_http_ends_SOURCES = %D%/test-http-ends.c $(HTTP_TEST_SOURCES)
%C%_test_http_ends_LDADD = $(UNIT_LIB) $(HF_HTTP_LIBS) $(CUNIT_LIBS)

# --- plugins: driver modules, compiled in and driven by a host of the tests' own
check_LTLIBRARIES += %D%/libfakehost.la
%C%_libfakehost_la_SOURCES = %D%/fake-host.c %D%/fake-host.h %D%/fake-host-private.h \
    %D%/fake-http.c %D%/fake-http.h %D%/fake-json.c %D%/fake-json.h %D%/fake-plain.c %D%/fake-process.c %D%/fake-service.c
FAKE_HOST_LIBS = %D%/libfakehost.la $(UNIT_LIBS)

UNIT_TESTS += %D%/test-store-file %D%/test-store-file-changes
THREAD_TESTS += %D%/test-store-file %D%/test-store-file-changes
STORE_CONTRACT_SOURCES = %D%/contract-store.c %D%/contract-store-announce.c \
    %D%/contract-store-watch.c %D%/contract-store.h %D%/store-bench.c %D%/store-bench.h
FILE_TEST_SOURCES = %D%/file-bench.c %D%/file-bench.h $(HF_STORE_FILE_SOURCES)
%C%_test_store_file_SOURCES = %D%/test-store-file.c $(STORE_CONTRACT_SOURCES) \
    $(FILE_TEST_SOURCES)
%C%_test_store_file_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_store_file_LDADD = $(FAKE_HOST_LIBS)
%C%_test_store_file_changes_SOURCES = %D%/test-store-file-changes.c $(FILE_TEST_SOURCES)
%C%_test_store_file_changes_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_store_file_changes_LDADD = $(FAKE_HOST_LIBS)
ETCD_TEST_SOURCES = %D%/etcd-bench.c %D%/etcd-bench.h %D%/fake-etcd.c %D%/fake-etcd.h \
    %D%/fake-etcd-json.c %D%/fake-etcd-json.h \
    $(HF_STORE_ETCD_SOURCES)
UNIT_TESTS += %D%/test-store-etcd %D%/test-store-etcd-parts %D%/test-store-etcd-wire
%C%_test_store_etcd_SOURCES = %D%/test-store-etcd.c $(STORE_CONTRACT_SOURCES) \
    $(ETCD_TEST_SOURCES)
%C%_test_store_etcd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_store_etcd_LDADD = $(FAKE_HOST_LIBS) $(JSON_C_LIBS)
%C%_test_store_etcd_parts_SOURCES = %D%/test-store-etcd-parts.c $(HF_STORE_ETCD_SOURCES)
%C%_test_store_etcd_parts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_store_etcd_parts_LDADD = $(UNIT_LIBS) $(JSON_C_LIBS)
%C%_test_store_etcd_wire_SOURCES = %D%/test-store-etcd-wire.c $(ETCD_TEST_SOURCES)
%C%_test_store_etcd_wire_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_store_etcd_wire_LDADD = $(FAKE_HOST_LIBS) $(JSON_C_LIBS)

# --- core/node: what roles share
HF_NODE_TESTS = %D%/test-access %D%/test-catalog %D%/test-discovery %D%/test-peers %D%/test-load-service %D%/test-shared %D%/test-function-spec %D%/test-node %D%/test-worker \
    %D%/test-worker-adoption %D%/test-worker-ends %D%/test-worker-past %D%/test-worker-events %D%/test-message-tracker %D%/test-retries \
    %D%/test-state-service %D%/test-budget %D%/test-origins %D%/test-proxy
UNIT_TESTS += $(HF_NODE_TESTS)
THREAD_TESTS += %D%/test-catalog %D%/test-node %D%/test-shared
%C%_test_access_SOURCES = %D%/test-access.c
%C%_test_access_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_load_service_SOURCES = %D%/test-load-service.c
%C%_test_load_service_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
$(%C%_test_load_service_OBJECTS): | $(HF_PROTO_H)
%C%_test_shared_SOURCES = %D%/test-shared.c
%C%_test_shared_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_peers_SOURCES = %D%/test-peers.c
%C%_test_peers_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
$(%C%_test_peers_OBJECTS): | $(HF_PROTO_H)
%C%_test_discovery_SOURCES = %D%/test-discovery.c
%C%_test_discovery_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_worker_SOURCES = %D%/test-worker.c %D%/worker-fixture.c %D%/worker-fixture.h
%C%_test_worker_adoption_SOURCES = %D%/test-worker-adoption.c %D%/worker-fixture.c \
    %D%/worker-fixture.h
%C%_test_worker_adoption_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_worker_past_SOURCES = %D%/test-worker-past.c %D%/worker-fixture.c \
    %D%/worker-fixture.h
%C%_test_worker_past_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_worker_ends_SOURCES = %D%/test-worker-ends.c %D%/worker-fixture.c \
    %D%/worker-fixture.h
%C%_test_worker_ends_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_worker_events_SOURCES = %D%/test-worker-events.c %D%/worker-fixture.c \
    %D%/worker-fixture.h
%C%_test_worker_events_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_worker_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
$(%C%_test_state_service_OBJECTS): | $(HF_PROTO_H)
%C%_test_message_tracker_SOURCES = %D%/test-message-tracker.c
%C%_test_message_tracker_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_proxy_SOURCES = %D%/test-proxy.c %D%/endpoint.c %D%/endpoint.h \
    %D%/proxy-bench.c %D%/proxy-bench.h
%C%_test_proxy_LDADD = %D%/libh2test.la $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_origins_SOURCES = %D%/test-origins.c
%C%_test_origins_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_budget_SOURCES = %D%/test-budget.c
%C%_test_budget_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_retries_SOURCES = %D%/test-retries.c
%C%_test_retries_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_state_service_SOURCES = %D%/test-state-service.c
%C%_test_state_service_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_node_SOURCES = %D%/test-node.c
%C%_test_node_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_catalog_SOURCES = %D%/test-catalog.c
%C%_test_catalog_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)
%C%_test_function_spec_SOURCES = %D%/test-function-spec.c
%C%_test_function_spec_LDADD = $(UNIT_LIB) $(HF_NODE_LIBS) $(CUNIT_LIBS)

# --- core/h2
check_LTLIBRARIES += %D%/libh2test.la
%C%_libh2test_la_SOURCES = %D%/h2.c %D%/h2.h
H2_TEST_LIBS = %D%/libh2test.la $(UNIT_LIB) $(HF_H2_LIBS) $(CUNIT_LIBS)

UNIT_TESTS += %D%/test-h2-stream
%C%_test_h2_stream_SOURCES = %D%/test-h2-stream.c
%C%_test_h2_stream_LDADD = $(H2_TEST_LIBS)
UNIT_TESTS += %D%/test-h2-channel
%C%_test_h2_channel_SOURCES = %D%/test-h2-channel.c
%C%_test_h2_channel_LDADD = $(H2_TEST_LIBS)
UNIT_TESTS += %D%/test-hpack-guard
%C%_test_hpack_guard_SOURCES = %D%/test-hpack-guard.c
%C%_test_hpack_guard_LDADD = $(H2_TEST_LIBS)
UNIT_TESTS += %D%/test-h2-bad-bytes
%C%_test_h2_bad_bytes_SOURCES = %D%/test-h2-bad-bytes.c
%C%_test_h2_bad_bytes_LDADD = $(H2_TEST_LIBS)
UNIT_TESTS += %D%/test-h2-flow
%C%_test_h2_flow_SOURCES = %D%/test-h2-flow.c
%C%_test_h2_flow_LDADD = $(H2_TEST_LIBS)
UNIT_TESTS += %D%/test-h2-limits
%C%_test_h2_limits_SOURCES = %D%/test-h2-limits.c
%C%_test_h2_limits_LDADD = $(H2_TEST_LIBS)

RUNTIME_BENCH_SOURCES = %D%/contract-runtime.c %D%/contract-runtime.h %D%/runtime-bench.c \
    %D%/runtime-bench.h

UNIT_TESTS += %D%/test-runtime-process
%C%_test_runtime_process_SOURCES = %D%/test-runtime-process.c $(RUNTIME_BENCH_SOURCES) \
    $(HF_RUNTIME_PROCESS_SOURCES)
%C%_test_runtime_process_CPPFLAGS = $(AM_CPPFLAGS) $(HF_PATH_CPPFLAGS) -I$(top_srcdir)
%C%_test_runtime_process_LDADD = $(FAKE_HOST_LIBS)

UNIT_TESTS += %D%/test-process-users
%C%_test_process_users_SOURCES = %D%/test-process-users.c %D%/runtime-bench.c \
    %D%/runtime-bench.h $(HF_RUNTIME_PROCESS_SOURCES)
%C%_test_process_users_CPPFLAGS = $(AM_CPPFLAGS) $(HF_PATH_CPPFLAGS) -I$(top_srcdir)
%C%_test_process_users_LDADD = $(FAKE_HOST_LIBS)

UNIT_TESTS += %D%/test-runtime-fake
%C%_test_runtime_fake_SOURCES = %D%/test-runtime-fake.c $(RUNTIME_BENCH_SOURCES) \
    $(HF_RUNTIME_FAKE_SOURCES)
%C%_test_runtime_fake_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_runtime_fake_LDADD = $(FAKE_HOST_LIBS) -lm

UNIT_TESTS += %D%/test-docker-language
%C%_test_docker_language_SOURCES = %D%/test-docker-language.c $(HF_DOCKER_LANGUAGE_SOURCES)
%C%_test_docker_language_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_docker_language_LDADD = $(UNIT_LIBS) $(JSON_C_LIBS)

DOCKER_BENCH_SOURCES = %D%/docker-bench.c %D%/docker-bench.h %D%/fake-docker.c %D%/fake-docker.h \
    %D%/runtime-bench.c %D%/runtime-bench.h $(HF_RUNTIME_DOCKER_SOURCES)

UNIT_TESTS += %D%/test-docker-sessions
%C%_test_docker_sessions_SOURCES = %D%/test-docker-sessions.c $(DOCKER_BENCH_SOURCES)
%C%_test_docker_sessions_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_docker_sessions_LDADD = $(FAKE_HOST_LIBS) $(JSON_C_LIBS)

UNIT_TESTS += %D%/test-docker-strays
%C%_test_docker_strays_SOURCES = %D%/test-docker-strays.c $(DOCKER_BENCH_SOURCES)
%C%_test_docker_strays_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_docker_strays_LDADD = $(FAKE_HOST_LIBS) $(JSON_C_LIBS)

UNIT_TESTS += %D%/test-runtime-docker
%C%_test_runtime_docker_SOURCES = %D%/test-runtime-docker.c %D%/contract-runtime.c \
    %D%/contract-runtime.h $(DOCKER_BENCH_SOURCES)
%C%_test_runtime_docker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_runtime_docker_LDADD = $(FAKE_HOST_LIBS) $(JSON_C_LIBS)

# --- cli
UNIT_TESTS += %D%/test-cli-arguments
%C%_test_cli_arguments_SOURCES = %D%/test-cli-arguments.c cli/arguments.c cli/arguments.h cli/help.c
%C%_test_cli_arguments_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/cli
%C%_test_cli_arguments_LDADD = $(UNIT_LIBS)

UNIT_TESTS += %D%/test-cli-json %D%/test-cli-json-hostile
%C%_test_cli_json_SOURCES = %D%/test-cli-json.c %D%/cli-json.c %D%/cli-json.h
%C%_test_cli_json_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_cli_json_LDADD = $(UNIT_LIB) $(CLI_PROTO_LIBS) $(CUNIT_LIBS)
EXTRA_%C%_test_cli_json_DEPENDENCIES = %D%/cli-json.pb
%C%_test_cli_json_hostile_SOURCES = %D%/test-cli-json-hostile.c %D%/cli-json.c %D%/cli-json.h
%C%_test_cli_json_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_test_cli_json_hostile_LDADD = $(UNIT_LIB) $(CLI_PROTO_LIBS) $(CUNIT_LIBS)
EXTRA_%C%_test_cli_json_hostile_DEPENDENCIES = %D%/cli-json.pb
%D%/cli-json.pb: $(srcdir)/%D%/cli-json.proto
	$(AM_V_PROTOC)$(MKDIR_P) $(@D) && $(PROTOC) -I $(srcdir)/%D% -I $(PROTOBUF_PROTODIR) \
	    --include_imports -o $@ $<
EXTRA_DIST += %D%/cli-json.proto
CLEANFILES += %D%/cli-json.pb

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
