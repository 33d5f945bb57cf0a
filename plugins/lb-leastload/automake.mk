# The policy "leastload" (lb-leastload).

plugin_LTLIBRARIES += %D%/lb-leastload.la
%C%_lb_leastload_la_SOURCES = %D%/leastload.c
%C%_lb_leastload_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_leastload_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
