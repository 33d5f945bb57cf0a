# The policy "p2c" (lb-p2c).

plugin_LTLIBRARIES += %D%/lb-p2c.la
%C%_lb_p2c_la_SOURCES = %D%/p2c.c
%C%_lb_p2c_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_p2c_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
