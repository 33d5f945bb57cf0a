# The policy "chrlu" (lb-chrlu).

plugin_LTLIBRARIES += %D%/lb-chrlu.la
%C%_lb_chrlu_la_SOURCES = %D%/chrlu.c
%C%_lb_chrlu_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_chrlu_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_lb_chrlu_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
