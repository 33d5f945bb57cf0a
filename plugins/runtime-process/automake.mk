# The runtime "process".

HF_RUNTIME_PROCESS_SOURCES = \
    %D%/deferred.c %D%/deferred.h \
    %D%/environment.c %D%/environment.h \
    %D%/image.c %D%/image.h \
    %D%/instance.c \
    %D%/interpreter.c %D%/interpreter.h \
    %D%/limits.c %D%/limits.h \
    %D%/log_reader.c \
    %D%/logs.c %D%/logs.h \
    %D%/output.c %D%/output.h \
    %D%/port.c %D%/port.h \
    %D%/process.h \
    %D%/program.c %D%/program.h \
    %D%/runtime-process.c \
    %D%/users.c %D%/users.h \
    %D%/where.c %D%/where.h

plugin_LTLIBRARIES += %D%/runtime-process.la
%C%_runtime_process_la_SOURCES = $(HF_RUNTIME_PROCESS_SOURCES)
%C%_runtime_process_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS) $(HF_PATH_CPPFLAGS)
%C%_runtime_process_la_LDFLAGS = $(HF_PLUGIN_LINK)
$(%C%_runtime_process_la_OBJECTS): paths.stamp

EXTRA_DIST += %D%/README.md
