# The policy "resourceaware" (scheduler-resourceaware).

plugin_LTLIBRARIES += %D%/scheduler-resourceaware.la
%C%_scheduler_resourceaware_la_SOURCES = %D%/resourceaware.c
%C%_scheduler_resourceaware_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_resourceaware_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scheduler_resourceaware_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
