# The runtime "docker".

# The language of engines, without I/O.
HF_DOCKER_LANGUAGE_SOURCES = $(HF_KIT_IMAGE) $(HF_KIT_JSON) \
    %D%/answers.c %D%/answers.h \
    %D%/requests.c %D%/requests.h \
    %D%/streams.c %D%/streams.h

HF_RUNTIME_DOCKER_SOURCES = $(HF_DOCKER_LANGUAGE_SOURCES) $(HF_KIT_WAITING) \
    %D%/docker.h \
    %D%/ending.c \
    %D%/engine.c %D%/engine.h \
    %D%/images.c %D%/images.h \
    %D%/instance.c %D%/instance.h \
    %D%/listing.c \
    %D%/log_reader.c \
    %D%/runtime-docker.c \
    %D%/session.c %D%/session.h \
    %D%/start.c

plugin_LTLIBRARIES += %D%/runtime-docker.la
%C%_runtime_docker_la_SOURCES = $(HF_RUNTIME_DOCKER_SOURCES)
%C%_runtime_docker_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS) $(JSON_C_CFLAGS)
%C%_runtime_docker_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_runtime_docker_la_LIBADD = $(JSON_C_LIBS)

EXTRA_DIST += %D%/README.md
