# The policy "imageaware" (scheduler-imageaware).

plugin_LTLIBRARIES += %D%/scheduler-imageaware.la
%C%_scheduler_imageaware_la_SOURCES = %D%/imageaware.c
%C%_scheduler_imageaware_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_imageaware_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
