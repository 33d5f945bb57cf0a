# The policy "k8sscore" (scheduler-k8sscore).

plugin_LTLIBRARIES += %D%/scheduler-k8sscore.la
%C%_scheduler_k8sscore_la_SOURCES = %D%/k8sscore.c
%C%_scheduler_k8sscore_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_k8sscore_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scheduler_k8sscore_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
