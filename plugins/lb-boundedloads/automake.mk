# The policy "boundedloads" (lb-boundedloads).

plugin_LTLIBRARIES += %D%/lb-boundedloads.la
%C%_lb_boundedloads_la_SOURCES = %D%/boundedloads.c
%C%_lb_boundedloads_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_boundedloads_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
