# Manual pages.  What hyperfaas.ini(5) says about options is written by a program from the
# tables that check them.

dist_man_MANS += \
    %D%/hyperfaas.1 \
    %D%/hyperfaas-plugin.7 \
    %D%/hyperfaasd.8
man_MANS = %D%/hyperfaas.ini.5 $(INTERFACE_MANS)

noinst_PROGRAMS += %D%/options
%C%_options_SOURCES = %D%/options.c
%C%_options_LDADD = $(HF_NODE_LIBS)

EXTRA_DIST += %D%/hyperfaas.ini.5.in
CLEANFILES += %D%/hyperfaas.ini.5 %D%/options.roff

%D%/options.roff: %D%/options $(plugin_LTLIBRARIES)
	$(AM_V_GEN)%D%/options > $@.tmp && mv $@.tmp $@
%D%/hyperfaas.ini.5: %D%/hyperfaas.ini.5.in %D%/options.roff
	$(AM_V_GEN)$(SED) -e '/^@OPTIONS@$$/{r %D%/options.roff' -e 'd;}' \
	    $(srcdir)/%D%/hyperfaas.ini.5.in > $@.tmp && mv $@.tmp $@

# What the interface of plugins means stands in its headers, and pages are made of them.
INTERFACE_MANS = \
    %D%/hyperfaas-host.7 \
    %D%/hyperfaas-lb.7 \
    %D%/hyperfaas-option.7 \
    %D%/hyperfaas-runtime.7 \
    %D%/hyperfaas-scaler.7 \
    %D%/hyperfaas-scheduler.7 \
    %D%/hyperfaas-store.7
EXTRA_DIST += %D%/interface.awk
CLEANFILES += $(INTERFACE_MANS)

# The header is the page's name behind the dash.
$(INTERFACE_MANS): %D%/interface.awk
	$(AM_V_GEN)page=`basename $@ .7` && header=`echo $$page | $(SED) 's/^hyperfaas-//'` && \
	    $(AWK) -v page=$$page -f $(srcdir)/%D%/interface.awk \
	    $(srcdir)/include/hyperfaas/$$header.h > $@.tmp && mv $@.tmp $@
%D%/hyperfaas-host.7: include/hyperfaas/host.h
%D%/hyperfaas-lb.7: include/hyperfaas/lb.h
%D%/hyperfaas-option.7: include/hyperfaas/option.h
%D%/hyperfaas-runtime.7: include/hyperfaas/runtime.h
%D%/hyperfaas-scaler.7: include/hyperfaas/scaler.h
%D%/hyperfaas-scheduler.7: include/hyperfaas/scheduler.h
%D%/hyperfaas-store.7: include/hyperfaas/store.h
