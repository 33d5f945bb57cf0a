# The policy "chbounded" (lb-chbounded).

plugin_LTLIBRARIES += %D%/lb-chbounded.la
%C%_lb_chbounded_la_SOURCES = %D%/chbounded.c
%C%_lb_chbounded_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_chbounded_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
