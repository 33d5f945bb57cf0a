# The policy "chbounded" (scheduler-chbounded).

plugin_LTLIBRARIES += %D%/scheduler-chbounded.la
%C%_scheduler_chbounded_la_SOURCES = %D%/chbounded.c
%C%_scheduler_chbounded_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_chbounded_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
