# The policy "knative" (lb-knative).

plugin_LTLIBRARIES += %D%/lb-knative.la
%C%_lb_knative_la_SOURCES = %D%/knative.c
%C%_lb_knative_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_knative_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
