# The policy "rjch" (lb-rjch).

plugin_LTLIBRARIES += %D%/lb-rjch.la
%C%_lb_rjch_la_SOURCES = %D%/rjch.c
%C%_lb_rjch_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_rjch_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_lb_rjch_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
