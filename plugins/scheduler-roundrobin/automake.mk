# The policy "roundrobin" (scheduler-roundrobin).

plugin_LTLIBRARIES += %D%/scheduler-roundrobin.la
%C%_scheduler_roundrobin_la_SOURCES = %D%/roundrobin.c
%C%_scheduler_roundrobin_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_roundrobin_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
