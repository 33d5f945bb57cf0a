# The policy "hashprobe" (scheduler-hashprobe).

plugin_LTLIBRARIES += %D%/scheduler-hashprobe.la
%C%_scheduler_hashprobe_la_SOURCES = %D%/hashprobe.c
%C%_scheduler_hashprobe_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_hashprobe_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
