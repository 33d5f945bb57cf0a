# The policy "peakewma" (lb-peakewma).

plugin_LTLIBRARIES += %D%/lb-peakewma.la
%C%_lb_peakewma_la_SOURCES = %D%/peakewma.c
%C%_lb_peakewma_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_peakewma_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_lb_peakewma_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
