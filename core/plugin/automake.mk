# Finding, loading, checking, configuring and replacing modules.

noinst_LTLIBRARIES += %D%/libhf-plugin.la
%C%_libhf_plugin_la_SOURCES = \
    %D%/configure.c \
    %D%/elf_file.c \
    %D%/host.c %D%/host.h \
    %D%/module.c %D%/module.h %D%/module_private.h \
    %D%/search.c
%C%_libhf_plugin_la_CPPFLAGS = $(AM_CPPFLAGS) $(HF_PATH_CPPFLAGS)
$(%C%_libhf_plugin_la_OBJECTS): paths.stamp
HF_PLUGIN_LIBS = %D%/libhf-plugin.la $(HF_LOOP_LIBS) $(LTDL_LIBS) -ldl
