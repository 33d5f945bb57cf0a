# The policy "boundedloads" (scheduler-boundedloads).

plugin_LTLIBRARIES += %D%/scheduler-boundedloads.la
%C%_scheduler_boundedloads_la_SOURCES = %D%/boundedloads.c
%C%_scheduler_boundedloads_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_boundedloads_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
