# The policy "availablecapacity" (lb-availablecapacity).

plugin_LTLIBRARIES += %D%/lb-availablecapacity.la
%C%_lb_availablecapacity_la_SOURCES = %D%/availablecapacity.c
%C%_lb_availablecapacity_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_availablecapacity_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
