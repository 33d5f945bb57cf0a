# The public headers: all that a plugin may include.

pkginclude_HEADERS = \
    %D%/hyperfaas/error.h \
    %D%/hyperfaas/function.h \
    %D%/hyperfaas/host.h \
    %D%/hyperfaas/lb.h \
    %D%/hyperfaas/option.h \
    %D%/hyperfaas/plugin.h \
    %D%/hyperfaas/runtime.h \
    %D%/hyperfaas/scaler.h \
    %D%/hyperfaas/scheduler.h \
    %D%/hyperfaas/store.h \
    %D%/hyperfaas/testing.h \
    %D%/hyperfaas/testing_lb.h \
    %D%/hyperfaas/testing_scaler.h \
    %D%/hyperfaas/testing_scheduler.h

# Mathematics that policies share.
policyincludedir = $(pkgincludedir)/policy
policyinclude_HEADERS = \
    %D%/hyperfaas/policy/average.h \
    %D%/hyperfaas/policy/children.h \
    %D%/hyperfaas/policy/decision.h \
    %D%/hyperfaas/policy/draw.h \
    %D%/hyperfaas/policy/evict.h \
    %D%/hyperfaas/policy/fleet.h \
    %D%/hyperfaas/policy/histogram.h \
    %D%/hyperfaas/policy/order.h \
    %D%/hyperfaas/policy/ring.h \
    %D%/hyperfaas/policy/table.h \
    %D%/hyperfaas/policy/tournament.h

# What pkg-config reads is written where it is installed, so that `make install prefix=...` holds.
PC_FILES = %D%/hyperfaas-plugin.pc.in
EXTRA_DIST += %D%/hyperfaas-plugin.pc.in

install-data-local: install-pc
uninstall-local: uninstall-pc
install-pc:
	$(MKDIR_P) "$(DESTDIR)$(pkgconfigdir)"
	for file in $(PC_FILES); do \
	    $(SED) -e 's|@prefix[@]|$(prefix)|' -e 's|@exec_prefix[@]|$(exec_prefix)|' \
	        -e 's|@bindir[@]|$(bindir)|' -e 's|@includedir[@]|$(includedir)|' -e 's|@libdir[@]|$(libdir)|' \
	        -e 's|@PACKAGE[@]|$(PACKAGE)|' -e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|' \
	        "$(srcdir)/$$file" > "$(DESTDIR)$(pkgconfigdir)/`basename $$file .in`" || exit 1; \
	done
uninstall-pc:
	for file in $(PC_FILES); do \
	    rm -f "$(DESTDIR)$(pkgconfigdir)/`basename $$file .in`"; \
	done
.PHONY: install-pc uninstall-pc
