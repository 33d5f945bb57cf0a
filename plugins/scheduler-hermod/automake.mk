# The policy "hermod" (scheduler-hermod).

plugin_LTLIBRARIES += %D%/scheduler-hermod.la
%C%_scheduler_hermod_la_SOURCES = %D%/hermod.c
%C%_scheduler_hermod_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_hermod_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
