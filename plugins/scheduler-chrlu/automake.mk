# The policy "chrlu" (scheduler-chrlu).

plugin_LTLIBRARIES += %D%/scheduler-chrlu.la
%C%_scheduler_chrlu_la_SOURCES = %D%/chrlu.c
%C%_scheduler_chrlu_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_chrlu_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scheduler_chrlu_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
