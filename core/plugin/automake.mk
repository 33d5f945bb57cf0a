# Finding, loading, checking, configuring and replacing modules.

noinst_LTLIBRARIES += %D%/libhf-plugin.la
%C%_libhf_plugin_la_SOURCES = \
    %D%/configure.c \
    %D%/describe.c \
    %D%/elf_file.c %D%/elf_file.h \
    %D%/host.c %D%/host.h \
    %D%/kinds.c %D%/kinds.h \
    %D%/module.c %D%/module.h \
    %D%/search.c %D%/search.h \
    %D%/where.c %D%/where.h
%C%_libhf_plugin_la_CPPFLAGS = $(AM_CPPFLAGS) $(HF_PATH_CPPFLAGS)
$(%C%_libhf_plugin_la_OBJECTS): paths.stamp
HF_PLUGIN_LIBS = %D%/libhf-plugin.la $(HF_LOOP_LIBS) $(LTDL_LIBS) -ldl
