# The policy "leastloaded" (scheduler-leastloaded).

plugin_LTLIBRARIES += %D%/scheduler-leastloaded.la
%C%_scheduler_leastloaded_la_SOURCES = %D%/leastloaded.c
%C%_scheduler_leastloaded_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_leastloaded_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
