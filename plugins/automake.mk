# The modules.  plugins/<kind>-<name>/ has an automake.mk of this form, included from here:
#
#   plugin_LTLIBRARIES += %D%/lb-roundrobin.la
#   %C%_lb_roundrobin_la_SOURCES = %D%/roundrobin.c
#   %C%_lb_roundrobin_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
#   %C%_lb_roundrobin_la_LDFLAGS = $(HF_PLUGIN_LINK)

include plugins/kit/automake.mk
include plugins/lb-availablecapacity/automake.mk
include plugins/lb-boundedloads/automake.mk
include plugins/lb-chbounded/automake.mk
include plugins/lb-chrlu/automake.mk
include plugins/lb-firstavailable/automake.mk
include plugins/lb-hash/automake.mk
include plugins/lb-knative/automake.mk
include plugins/lb-leastload/automake.mk
include plugins/lb-leastprocessed/automake.mk
include plugins/lb-p2c/automake.mk
include plugins/lb-peakewma/automake.mk
include plugins/lb-pull/automake.mk
include plugins/lb-random/automake.mk
include plugins/lb-rjch/automake.mk
include plugins/lb-roundrobin/automake.mk
include plugins/runtime-docker/automake.mk
include plugins/runtime-fake/automake.mk
include plugins/runtime-process/automake.mk
include plugins/scaler-concurrency/automake.mk
include plugins/scaler-hybridhistogram/automake.mk
include plugins/scaler-kpa/automake.mk
include plugins/scaler-perrequest/automake.mk
include plugins/scaler-queuestale/automake.mk
include plugins/scheduler-boundedloads/automake.mk
include plugins/scheduler-chbounded/automake.mk
include plugins/scheduler-chrlu/automake.mk
include plugins/scheduler-coldstartaware/automake.mk
include plugins/scheduler-hashprobe/automake.mk
include plugins/scheduler-hermod/automake.mk
include plugins/scheduler-imageaware/automake.mk
include plugins/scheduler-k8sscore/automake.mk
include plugins/scheduler-leastloaded/automake.mk
include plugins/scheduler-locality/automake.mk
include plugins/scheduler-mostloaded/automake.mk
include plugins/scheduler-powerofd/automake.mk
include plugins/scheduler-random/automake.mk
include plugins/scheduler-reservationaware/automake.mk
include plugins/scheduler-resourceaware/automake.mk
include plugins/scheduler-roundrobin/automake.mk
include plugins/store-etcd/automake.mk
include plugins/store-file/automake.mk

# Each has a page.
PLUGIN_PAGES = \
    %D%/lb-availablecapacity/README.md \
    %D%/lb-boundedloads/README.md \
    %D%/lb-chbounded/README.md \
    %D%/lb-chrlu/README.md \
    %D%/lb-firstavailable/README.md \
    %D%/lb-hash/README.md \
    %D%/lb-knative/README.md \
    %D%/lb-leastload/README.md \
    %D%/lb-leastprocessed/README.md \
    %D%/lb-p2c/README.md \
    %D%/lb-peakewma/README.md \
    %D%/lb-pull/README.md \
    %D%/lb-random/README.md \
    %D%/lb-rjch/README.md \
    %D%/lb-roundrobin/README.md \
    %D%/runtime-docker/README.md \
    %D%/runtime-fake/README.md \
    %D%/runtime-process/README.md \
    %D%/scaler-concurrency/README.md \
    %D%/scaler-hybridhistogram/README.md \
    %D%/scaler-kpa/README.md \
    %D%/scaler-perrequest/README.md \
    %D%/scaler-queuestale/README.md \
    %D%/scheduler-boundedloads/README.md \
    %D%/scheduler-chbounded/README.md \
    %D%/scheduler-chrlu/README.md \
    %D%/scheduler-coldstartaware/README.md \
    %D%/scheduler-hashprobe/README.md \
    %D%/scheduler-hermod/README.md \
    %D%/scheduler-imageaware/README.md \
    %D%/scheduler-k8sscore/README.md \
    %D%/scheduler-leastloaded/README.md \
    %D%/scheduler-locality/README.md \
    %D%/scheduler-mostloaded/README.md \
    %D%/scheduler-powerofd/README.md \
    %D%/scheduler-random/README.md \
    %D%/scheduler-reservationaware/README.md \
    %D%/scheduler-resourceaware/README.md \
    %D%/scheduler-roundrobin/README.md \
    %D%/store-etcd/README.md \
    %D%/store-file/README.md
nobase_dist_doc_DATA += $(PLUGIN_PAGES)
