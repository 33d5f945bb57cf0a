# Checks and helpers for developers of this project.

# Rules that check themselves, part of `make check`.
RULE_CHECKS = \
    %D%/check-banned.py \
    %D%/check-circles.py \
    %D%/check-exports.sh \
    %D%/check-externals.py \
    %D%/check-headers.sh \
    %D%/check-layers.py \
    %D%/check-magics.py \
    %D%/check-size.py

TESTS += $(RULE_CHECKS) %D%/test-unsteady.sh
EXTRA_DIST += $(RULE_CHECKS) %D%/test-unsteady.sh %D%/unsteady.sh %D%/csource.py %D%/objects.py %D%/check-steady.sh %D%/show-skipped.py %D%/lint.sh %D%/analyzer-core.h %D%/analyzer-plugin.h %D%/cppcheck.suppressions

# What `./bootstrap.sh demo` runs.
dist_check_SCRIPTS += %D%/demo.sh
EXTRA_DIST += %D%/demo.py

# The slow checks: make lint, or one of them: make lint ONLY=tidy
lint: $(BUILT_SOURCES)
	@HF_SRCDIR='$(abs_top_srcdir)' HF_TEST_CPPFLAGS='$(HF_TEST_CPPFLAGS)' \
	    $(srcdir)/%D%/lint.sh $(ONLY)
.PHONY: lint

# All tests several times in a row, every second time on a busy machine: make check-steady RUNS=10
RUNS = 10
LOAD = 1
check-steady: all $(check_PROGRAMS)
	+@MAKE='$(MAKE)' $(srcdir)/%D%/check-steady.sh '$(RUNS)' '$(LOAD)'
clean-local: clean-steady
clean-steady:
	rm -rf steady steady.log
.PHONY: check-steady clean-steady
