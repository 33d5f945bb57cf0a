# The core process.  Each layer is a convenience library that may use only those above it; its
# HF_<LAYER>_LIBS names it with everything it needs, for programs and tests that stop there.

include core/base/automake.mk
include core/loop/automake.mk
include core/h2/automake.mk
include core/grpc/automake.mk
include core/http/automake.mk
include core/plugin/automake.mk
include core/verify/automake.mk
include core/engine/automake.mk
include core/ctl/automake.mk
include core/spop/automake.mk
include core/node/automake.mk

bin_PROGRAMS += %D%/hyperfaasd
%C%_hyperfaasd_SOURCES = %D%/main.c
%C%_hyperfaasd_LDADD = $(HF_NODE_LIBS)
