# The policy "locality" (scheduler-locality).

plugin_LTLIBRARIES += %D%/scheduler-locality.la
%C%_scheduler_locality_la_SOURCES = %D%/locality.c
%C%_scheduler_locality_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_locality_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
