# Modules for test-module: one that is right, and one for each way to be wrong.

HF_TEST_MODULE_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include
HF_TEST_MODULE_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_LTLIBRARIES += $(HF_TEST_MODULES)
HF_TEST_MODULES = \
    %D%/lb-good.la \
    %D%/lb-short.la \
    %D%/lb-cut.la \
    %D%/lb-nopick.la \
    %D%/lb-unresolved.la \
    %D%/lb-nosymbol.la \
    %D%/lb-magic.la \
    %D%/lb-major.la \
    %D%/lb-minor.la \
    %D%/lb-size.la \
    %D%/lb-scheduler.la \
    %D%/lb-strange.la \
    %D%/lb-renamed.la \
    %D%/lb-noops.la \
    %D%/lb-badoption.la \
    %D%/lb-shortrows.la \
    %D%/lb-longrows.la \
    %D%/lb-takesplugin.la

%C%_lb_good_la_SOURCES = %D%/good.c %D%/lb.h
%C%_lb_good_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_good_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_short_la_SOURCES = %D%/short.c %D%/lb.h
%C%_lb_short_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_short_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_cut_la_SOURCES = %D%/cut.c %D%/lb.h
%C%_lb_cut_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_cut_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_nopick_la_SOURCES = %D%/nopick.c %D%/lb.h
%C%_lb_nopick_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_nopick_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_unresolved_la_SOURCES = %D%/unresolved.c %D%/lb.h
%C%_lb_unresolved_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_unresolved_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_nosymbol_la_SOURCES = %D%/nosymbol.c
%C%_lb_nosymbol_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS)
%C%_lb_nosymbol_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_magic_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_magic_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="magic"' \
    -DMAGIC=0x12345678
%C%_lb_magic_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_major_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_major_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="major"' \
    '-DMAJOR=HF_PLUGIN_ABI_MAJOR+1'
%C%_lb_major_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_minor_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_minor_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="minor"' \
    '-DMINOR=HF_PLUGIN_ABI_MINOR+1'
%C%_lb_minor_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_size_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_size_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="size"' \
    -DSIZE=16
%C%_lb_size_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_scheduler_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_scheduler_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="scheduler"' \
    -DKIND=HF_PLUGIN_SCHEDULER
%C%_lb_scheduler_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_strange_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_strange_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="strange"' \
    -DKIND=77
%C%_lb_strange_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_renamed_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_renamed_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="other"'
%C%_lb_renamed_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_noops_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_noops_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="noops"' \
    -DOPS=NULL
%C%_lb_noops_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_badoption_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_badoption_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="badoption"' \
    -DOPTIONS=bad_default
%C%_lb_badoption_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_shortrows_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_shortrows_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="shortrows"' \
    -DOPTIONS=bad_default -DOPTION_SIZE=8
%C%_lb_shortrows_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_longrows_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_longrows_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="longrows"' \
    '-DOPTIONS=&long_options[0].option' '-DOPTION_SIZE=sizeof(struct long_option)'
%C%_lb_longrows_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)

%C%_lb_takesplugin_la_SOURCES = %D%/descriptor.c %D%/lb.h
%C%_lb_takesplugin_la_CPPFLAGS = $(HF_TEST_MODULE_CPPFLAGS) '-DNAME="takesplugin"' \
    -DOPTIONS=takes_plugin
%C%_lb_takesplugin_la_LDFLAGS = $(HF_TEST_MODULE_LDFLAGS)
