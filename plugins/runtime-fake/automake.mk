# The runtime "fake".

HF_RUNTIME_FAKE_SOURCES = $(HF_KIT_IMAGE) \
    %D%/fake.h \
    %D%/instance.c \
    %D%/models.c %D%/models.h \
    %D%/random.c \
    %D%/runtime-fake.c \
    %D%/schedule.c %D%/schedule.h \
    %D%/service.c \
    %D%/table.c

plugin_LTLIBRARIES += %D%/runtime-fake.la
%C%_runtime_fake_la_SOURCES = $(HF_RUNTIME_FAKE_SOURCES)
%C%_runtime_fake_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_runtime_fake_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_runtime_fake_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
