# The policy "hash" (lb-hash).

plugin_LTLIBRARIES += %D%/lb-hash.la
%C%_lb_hash_la_SOURCES = %D%/hash.c
%C%_lb_hash_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_lb_hash_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
