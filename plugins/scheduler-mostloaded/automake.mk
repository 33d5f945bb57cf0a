# The policy "mostloaded" (scheduler-mostloaded).

plugin_LTLIBRARIES += %D%/scheduler-mostloaded.la
%C%_scheduler_mostloaded_la_SOURCES = %D%/mostloaded.c
%C%_scheduler_mostloaded_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_mostloaded_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
