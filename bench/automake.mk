# Benchmarks, run by `make bench`; never part of `make check`.

BENCH_TOOLS = %D%/backend %D%/relay %D%/h2relay %D%/callgen %D%/decisions
EXTRA_PROGRAMS = $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS)
EXTRA_DIST += %D%/bench.py %D%/benchnode.py %D%/coldstart.py %D%/dockerstart.py %D%/overload.py

# The yardsticks know nghttp2 and nothing of ours.
%C%_backend_SOURCES = %D%/backend.c %D%/peer.c %D%/peer.h
%C%_backend_LDADD = $(NGHTTP2_LIBS)
%C%_relay_SOURCES = %D%/relay.c %D%/peer.c %D%/peer.h
%C%_relay_LDADD = $(NGHTTP2_LIBS)
%C%_h2relay_SOURCES = %D%/h2relay.c
%C%_h2relay_LDADD = $(HF_H2_LIBS)
%C%_callgen_SOURCES = %D%/callgen.c
%C%_callgen_LDADD = $(HF_GRPC_LIBS) $(HF_CTL_LIBS)

%C%_decisions_SOURCES = %D%/decisions.c
%C%_decisions_LDADD = $(HF_PLUGIN_LIBS) $(HF_BASE_LIBS)

# BENCH_ARGS: see bench/bench.py --help
bench: bench-proxy bench-coldstart bench-overload
bench-proxy: all $(BENCH_TOOLS)
	HF_BUILDDIR='$(abs_top_builddir)' $(PYTHON3) -B $(srcdir)/%D%/bench.py $(BENCH_ARGS)
bench-coldstart: all $(BENCH_TOOLS)
	HF_BUILDDIR='$(abs_top_builddir)' $(PYTHON3) -B $(srcdir)/%D%/coldstart.py
bench-overload: all $(BENCH_TOOLS)
	HF_BUILDDIR='$(abs_top_builddir)' $(PYTHON3) -B $(srcdir)/%D%/overload.py
# Nanoseconds per decision of each policy.
bench-decisions: all $(BENCH_TOOLS)
	%D%/decisions $(BENCH_ARGS)
# As root, with Debian's docker.io.
bench-docker: all
	HF_SRCDIR='$(abs_top_srcdir)' HF_BUILDDIR='$(abs_top_builddir)' \
	    $(PYTHON3) -B $(srcdir)/%D%/dockerstart.py $(BENCH_ARGS)
.PHONY: bench bench-proxy bench-coldstart bench-decisions bench-overload bench-docker
