# The policy "leastprocessed" (lb-leastprocessed).

plugin_LTLIBRARIES += %D%/lb-leastprocessed.la
%C%_lb_leastprocessed_la_SOURCES = %D%/leastprocessed.c
%C%_lb_leastprocessed_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_leastprocessed_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
