# Tests of what `make install` leaves.

INSTALL_TESTS = %D%/plugin.sh

dist_check_SCRIPTS += $(INSTALL_TESTS)
EXTRA_DIST += %D%/lb-first.c
TESTS += $(INSTALL_TESTS)
