# The policy "roundrobin" (lb-roundrobin).

plugin_LTLIBRARIES += %D%/lb-roundrobin.la
%C%_lb_roundrobin_la_SOURCES = %D%/roundrobin.c
%C%_lb_roundrobin_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_roundrobin_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
