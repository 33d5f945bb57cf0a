# The policy "firstavailable" (lb-firstavailable).

plugin_LTLIBRARIES += %D%/lb-firstavailable.la
%C%_lb_firstavailable_la_SOURCES = %D%/firstavailable.c
%C%_lb_firstavailable_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_firstavailable_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
