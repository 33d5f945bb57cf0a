# The policy "random" (scheduler-random).

plugin_LTLIBRARIES += %D%/scheduler-random.la
%C%_scheduler_random_la_SOURCES = %D%/random.c
%C%_scheduler_random_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_random_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
