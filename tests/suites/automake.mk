# Suites and clients that others wrote: gRPC's interop tests, h2spec and grpcurl, built with Go where
# it is there.

SUITE_TESTS = %D%/interop.py %D%/grpcurl.py %D%/h2spec.py

dist_check_SCRIPTS += $(SUITE_TESTS)
EXTRA_DIST += %D%/gotools.py %D%/h2spec-expected.txt
TESTS += $(SUITE_TESTS)

# Built before any test runs: compilers take their time, and tests have a limit.  Where they cannot be
# built, the tests are skipped and say why.
check_SCRIPTS += %D%/bin/built
%D%/bin/built: %D%/gotools.py
	$(AM_V_GEN)$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/%D%/gotools.py || test $$? -eq 77
	@$(MKDIR_P) %D%/bin && touch $@

CLEANFILES += %D%/bin/built %D%/bin/client %D%/bin/server %D%/bin/h2spec %D%/bin/grpcurl %D%/bin/lock
