# The policy "coldstartaware" (scheduler-coldstartaware).

plugin_LTLIBRARIES += %D%/scheduler-coldstartaware.la
%C%_scheduler_coldstartaware_la_SOURCES = %D%/coldstartaware.c
%C%_scheduler_coldstartaware_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_coldstartaware_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
