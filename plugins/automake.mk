# The modules.  plugins/<kind>-<name>/ has an automake.mk of this form, included from here:
#
#   plugin_LTLIBRARIES += %D%/lb-roundrobin.la
#   %C%_lb_roundrobin_la_SOURCES = %D%/roundrobin.c
#   %C%_lb_roundrobin_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
#   %C%_lb_roundrobin_la_LDFLAGS = $(HF_PLUGIN_LINK)

include plugins/kit/automake.mk
include plugins/lb-leastload/automake.mk
include plugins/lb-roundrobin/automake.mk
include plugins/runtime-docker/automake.mk
include plugins/runtime-fake/automake.mk
include plugins/runtime-process/automake.mk
include plugins/scaler-concurrency/automake.mk
include plugins/scheduler-roundrobin/automake.mk
include plugins/store-etcd/automake.mk
include plugins/store-file/automake.mk

# Each has a page.
PLUGIN_PAGES = \
    %D%/lb-leastload/README.md \
    %D%/lb-roundrobin/README.md \
    %D%/runtime-docker/README.md \
    %D%/runtime-fake/README.md \
    %D%/runtime-process/README.md \
    %D%/scaler-concurrency/README.md \
    %D%/scheduler-roundrobin/README.md \
    %D%/store-etcd/README.md \
    %D%/store-file/README.md
nobase_dist_doc_DATA += $(PLUGIN_PAGES)
