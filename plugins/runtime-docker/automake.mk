# The runtime "docker".

# The language of engines, without I/O.
HF_DOCKER_LANGUAGE_SOURCES = \
    %D%/answers.c %D%/answers.h \
    %D%/demux.c %D%/demux.h \
    %D%/elements.c %D%/elements.h \
    %D%/json.c %D%/json.h \
    %D%/lines.c %D%/lines.h \
    %D%/names.c %D%/names.h \
    %D%/requests.c %D%/requests.h

HF_RUNTIME_DOCKER_SOURCES = $(HF_DOCKER_LANGUAGE_SOURCES) \
    %D%/bridge.c %D%/bridge.h \
    %D%/deferred.c %D%/deferred.h \
    %D%/docker.h \
    %D%/ending.c \
    %D%/engine.c %D%/engine.h \
    %D%/images.c %D%/images.h \
    %D%/instance.c %D%/instance.h \
    %D%/listing.c %D%/listing.h \
    %D%/log_reader.c %D%/log_reader.h \
    %D%/runtime-docker.c \
    %D%/session.c %D%/session.h \
    %D%/start.c

plugin_LTLIBRARIES += %D%/runtime-docker.la
%C%_runtime_docker_la_SOURCES = $(HF_RUNTIME_DOCKER_SOURCES)
%C%_runtime_docker_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS) $(JSON_C_CFLAGS)
%C%_runtime_docker_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_runtime_docker_la_LIBADD = $(JSON_C_LIBS)

EXTRA_DIST += %D%/README.md
