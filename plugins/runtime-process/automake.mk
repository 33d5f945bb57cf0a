# The runtime "process".

HF_RUNTIME_PROCESS_SOURCES = $(HF_KIT_FOLDERS) $(HF_KIT_IMAGE) $(HF_KIT_WAITING) \
    %D%/environment.c \
    %D%/image.c \
    %D%/instance.c \
    %D%/log_reader.c \
    %D%/logs.c %D%/logs.h \
    %D%/output.c %D%/output.h \
    %D%/process.h \
    %D%/program.c \
    %D%/runtime-process.c \
    %D%/users.c %D%/users.h

plugin_LTLIBRARIES += %D%/runtime-process.la
%C%_runtime_process_la_SOURCES = $(HF_RUNTIME_PROCESS_SOURCES)
%C%_runtime_process_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS) $(HF_PATH_CPPFLAGS)
%C%_runtime_process_la_LDFLAGS = $(HF_PLUGIN_LINK)
$(%C%_runtime_process_la_OBJECTS): paths.stamp

EXTRA_DIST += %D%/README.md
