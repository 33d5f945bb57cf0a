# End-to-end tests: real daemons on free ports and an independent client (python3-grpcio).
#
# The helpers are the package hf/; what a function does when called is told to functions/probe.
# The numbers go from the basic to the special: the first failure should be the cause.

E2E_TESTS = \
    %D%/10-unary.py \
    %D%/12-streaming.py \
    %D%/14-metadata.py \
    %D%/16-compression.py \
    %D%/18-status.py \
    %D%/20-deadline.py \
    %D%/22-cancel.py \
    %D%/24-refusals.py \
    %D%/25-bad-bytes.py \
    %D%/26-control-metadata.py \
    %D%/27-memory.py \
    %D%/28-descriptors.py \
    %D%/29-lack-of-memory.py \
    %D%/30-scale.py \
    %D%/31-eviction.py \
    %D%/31-readiness.py \
    %D%/32-change.py \
    %D%/33-restart.py \
    %D%/34-crash.py \
    %D%/35-surroundings.py \
    %D%/35-reasons.py \
    %D%/35-ends.py \
    %D%/35-hung.py \
    %D%/36-volume.py \
    %D%/37-processes.py \
    %D%/38-languages.py \
    %D%/40-cli.py \
    %D%/40-config.py \
    %D%/40-wrong-configs.py \
    %D%/41-cli-call.py \
    %D%/41-cli-etcd.py \
    %D%/41-cli-logs.py \
    %D%/41-cli-terminal.py \
    %D%/41-cli-watch.py \
    %D%/41-cli-worker.py \
    %D%/42-plugins.py \
    %D%/43-plugin-faults.py \
    %D%/44-store.py \
    %D%/45-plugin-check.py \
    %D%/45-plugin-faults.py \
    %D%/44-store-changes.py \
    %D%/46-docs.py \
    %D%/47-first-steps.py \
    %D%/50-worker-api.py \
    %D%/51-access.py \
    %D%/51-files.py \
    %D%/52-leaf-state.py \
    %D%/54-identity.py \
    %D%/56-existing-leaf.py \
    %D%/57-existing-worker.py \
    %D%/58-existing-controller.py \
    %D%/60-lost-nodes.py \
    %D%/61-killed-worker.py \
    %D%/62-drain.py \
    %D%/63-start-and-end.py \
    %D%/64-tree.py \
    %D%/64-tree-failures.py \
    %D%/64-tree-needs.py \
    %D%/64-tree-peers.py \
    %D%/66-haproxy.py \
    %D%/68-nodes.py \
    %D%/70-load.py \
    %D%/72-overload.py \
    %D%/74-faults.py \
    %D%/76-chaos.py \
    %D%/80-etcd.py \
    %D%/82-etcd-away.py \
    %D%/82-etcd-other.py \
    %D%/83-etcd-nodes.py \
    %D%/84-docker.py \
    %D%/84-etcd-security.py \
    %D%/85-docker-restarts.py \
    %D%/86-docker-starts.py

# Those in which threads meet.
THREAD_TESTS += \
    %D%/10-unary.py \
    %D%/12-streaming.py \
    %D%/22-cancel.py \
    %D%/30-scale.py \
    %D%/32-change.py \
    %D%/35-hung.py \
    %D%/62-drain.py \
    %D%/63-start-and-end.py \
    %D%/64-tree.py \
    %D%/64-tree-failures.py \
    %D%/64-tree-needs.py \
    %D%/70-load.py

dist_check_SCRIPTS += $(E2E_TESTS) %D%/functions/probe
TESTS += $(E2E_TESTS)
EXTRA_DIST += \
    %D%/functions/asker.py \
    %D%/functions/intruder.py \
    %D%/wrong-configs \
    %D%/functions/mirror.py \
    %D%/functions/rude.py \
    %D%/hf/__init__.py \
    %D%/hf/case.py \
    %D%/hf/chaos.py \
    %D%/hf/cli.py \
    %D%/hf/containers.py \
    %D%/hf/ctl.py \
    %D%/hf/daemon.py \
    %D%/hf/engines.py \
    %D%/hf/env.py \
    %D%/hf/etcd.py \
    %D%/hf/existing_worker.py \
    %D%/hf/fleet.py \
    %D%/hf/function.py \
    %D%/hf/grove.py \
    %D%/hf/h2raw.py \
    %D%/hf/haproxy.py \
    %D%/hf/ini.py \
    %D%/hf/jpeg.py \
    %D%/hf/line.py \
    %D%/hf/load.py \
    %D%/hf/logs.py \
    %D%/hf/make.py \
    %D%/hf/net.py \
    %D%/hf/pb.py \
    %D%/hf/peer.py \
    %D%/hf/platform.py \
    %D%/hf/plugins.py \
    %D%/hf/processes.py \
    %D%/hf/protos.py \
    %D%/hf/rpc.py \
    %D%/hf/samples.py \
    %D%/hf/spop.py \
    %D%/hf/tree.py \
    %D%/hf/wait.py \
    %D%/hf/wire.py \
    %D%/README.md \
    %D%/lb-faulty.c \
    %D%/lb-needs.c \
    %D%/scaler-faulty.c \
    %D%/scaler-flap.c \
    %D%/scaler-lru.c \
    %D%/wire/common/common.proto \
    %D%/wire/examples/sleep/v1/sleep.proto \
    %D%/wire/grpc/health/v1/health.proto \
    %D%/wire/leaf/leaf.proto \
    %D%/wire/worker/worker.proto

check_PROGRAMS += %D%/deny %D%/line %D%/load
%C%_deny_SOURCES = %D%/deny.c
%C%_line_SOURCES = %D%/line.c
%C%_load_SOURCES = %D%/load.c
%C%_load_LDADD = $(NGHTTP2_LIBS)

# Loaded into a node, fails one allocation.
check_LTLIBRARIES += %D%/oom.la
%C%_oom_la_SOURCES = %D%/oom.c
%C%_oom_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
%C%_oom_la_LIBADD =

# The whole of a test that `make check` runs a part of: each allocation of a node's life fails once.
check-memory: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	@$(AM_TESTS_ENVIRONMENT) HF_OOM_POINTS=all $(PY_LOG_COMPILER) $(srcdir)/%D%/29-lack-of-memory.py
.PHONY: check-memory

# A long run of random events, to be watched: make chaos SECONDS=180 SEED=7
SECONDS = 180
SEED =
chaos: all $(check_PROGRAMS)
	@$(AM_TESTS_ENVIRONMENT) HF_CHAOS_SECONDS='$(SECONDS)' HF_CHAOS_SEED='$(SEED)' \
	    HF_TEST_TIMEOUT=$$(($(SECONDS) + 600)) $(PY_LOG_COMPILER) $(srcdir)/%D%/76-chaos.py
.PHONY: chaos
