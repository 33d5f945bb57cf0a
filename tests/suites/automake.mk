# Suites and clients that others wrote: gRPC's interop tests, h2spec and grpcurl, built with Go where
# it is there.

SUITE_TESTS = %D%/interop.py %D%/grpcurl.py %D%/h2spec.py

dist_check_SCRIPTS += $(SUITE_TESTS)
EXTRA_DIST += %D%/gotools.py %D%/h2spec-expected.txt
TESTS += $(SUITE_TESTS)
CLEANFILES += %D%/bin/client %D%/bin/server %D%/bin/h2spec %D%/bin/grpcurl %D%/bin/lock
