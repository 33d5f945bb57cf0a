# The policy "random" (lb-random).

plugin_LTLIBRARIES += %D%/lb-random.la
%C%_lb_random_la_SOURCES = %D%/random.c
%C%_lb_random_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_random_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
