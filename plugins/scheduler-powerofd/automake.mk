# The policy "powerofd" (scheduler-powerofd).

plugin_LTLIBRARIES += %D%/scheduler-powerofd.la
%C%_scheduler_powerofd_la_SOURCES = %D%/powerofd.c
%C%_scheduler_powerofd_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_powerofd_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
