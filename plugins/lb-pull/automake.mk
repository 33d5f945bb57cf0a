# The policy "pull" (lb-pull).

plugin_LTLIBRARIES += %D%/lb-pull.la
%C%_lb_pull_la_SOURCES = %D%/pull.c
%C%_lb_pull_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_pull_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
