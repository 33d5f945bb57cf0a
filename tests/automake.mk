# Everything that `make check` runs, each through tests/run-test, which limits its time.

TEST_EXTENSIONS = .py .sh
LOG_COMPILER = $(srcdir)/%D%/run-test
PY_LOG_COMPILER = $(srcdir)/%D%/run-test $(PYTHON3) -B
SH_LOG_COMPILER = $(srcdir)/%D%/run-test sh

# What a test may rely on; all paths are absolute.
AM_TESTS_ENVIRONMENT = \
    HF_SRCDIR='$(abs_top_srcdir)' HF_BUILDDIR='$(abs_top_builddir)' \
    HF_SANITIZERS='$(HF_SANITIZERS)' HF_MODULES='$(plugin_LTLIBRARIES)' \
    HF_TEST_CPPFLAGS='$(HF_TEST_CPPFLAGS)' CC='$(CC)' CXX='$(CXX)' \
    PYTHONPATH='$(abs_top_srcdir)/%D%/e2e' PYTHONDONTWRITEBYTECODE=1; \
    export HF_SRCDIR HF_BUILDDIR HF_SANITIZERS HF_MODULES HF_TEST_CPPFLAGS CC CXX; \
    export PYTHONPATH PYTHONDONTWRITEBYTECODE;

EXTRA_DIST += %D%/run-test %D%/unsteady.txt

include tests/unit/automake.mk
include tests/e2e/automake.mk
include tests/fuzz/automake.mk
include tests/install/automake.mk
include tests/plugin-faults/automake.mk
include tests/suites/automake.mk

# The last lines of `make check` name what was skipped, and how to include it.
check-local: check-TESTS
	@$(PYTHON3) -B $(srcdir)/tools/show-skipped.py '$(abs_builddir)' $(TEST_LOGS)

# Parts of `make check`: the unit tests alone, and the tests in which threads meet, which are worth
# running under ThreadSanitizer (each folder adds its own to THREAD_TESTS).
check-unit: $(BUILT_SOURCES) all-am $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(UNIT_TESTS)'
check-threads: $(BUILT_SOURCES) all-am $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(THREAD_TESTS)'
.PHONY: check-unit check-threads
