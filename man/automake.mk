# Manual pages.  What hyperfaas.ini(5) says about options is written by a program from the
# tables that check them.

dist_man_MANS += \
    %D%/hyperfaas.1 \
    %D%/hyperfaas-plugin.7 \
    %D%/hyperfaasd.8
man_MANS = %D%/hyperfaas.ini.5

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
