# The services and messages of the platform, compiled by protoc-c into the build folder.
#
# Code that includes a generated header waits for it with
#     $(some_library_la_OBJECTS): | $(HF_PROTO_H)
# so that one target can be built on its own from a clean tree.

HF_PROTOS = \
    %D%/common/common.proto \
    %D%/examples/bfs/v1/bfs.proto \
    %D%/examples/crash/v1/crash.proto \
    %D%/examples/echo/v1/echo.proto \
    %D%/examples/greeter/v1/greeter.proto \
    %D%/examples/hello/v1/hello.proto \
    %D%/examples/sleep/v1/sleep.proto \
    %D%/examples/thumbnailer/v1/thumbnailer.proto \
    %D%/function/function.proto \
    %D%/grpc/health/v1/health.proto \
    %D%/grpc/reflection/v1/reflection.proto \
    %D%/hyperfaas/v1/node.proto \
    %D%/leaf/leaf.proto \
    %D%/routingcontroller/routingcontroller.proto \
    %D%/worker/worker.proto

HF_PROTO_C = \
    %D%/common/common.pb-c.c \
    %D%/examples/bfs/v1/bfs.pb-c.c \
    %D%/examples/crash/v1/crash.pb-c.c \
    %D%/examples/echo/v1/echo.pb-c.c \
    %D%/examples/greeter/v1/greeter.pb-c.c \
    %D%/examples/hello/v1/hello.pb-c.c \
    %D%/examples/sleep/v1/sleep.pb-c.c \
    %D%/examples/thumbnailer/v1/thumbnailer.pb-c.c \
    %D%/function/function.pb-c.c \
    %D%/google/protobuf/descriptor.pb-c.c \
    %D%/google/protobuf/empty.pb-c.c \
    %D%/google/protobuf/timestamp.pb-c.c \
    %D%/grpc/health/v1/health.pb-c.c \
    %D%/grpc/reflection/v1/reflection.pb-c.c \
    %D%/hyperfaas/v1/node.pb-c.c \
    %D%/leaf/leaf.pb-c.c \
    %D%/routingcontroller/routingcontroller.pb-c.c \
    %D%/worker/worker.pb-c.c

HF_PROTO_H = $(HF_PROTO_C:.c=.h)

noinst_LTLIBRARIES += %D%/libhf-proto.la
nodist_%C%_libhf_proto_la_SOURCES = $(HF_PROTO_C)
%C%_libhf_proto_la_CFLAGS = $(HF_CFLAGS) $(HF_SAN_CFLAGS)
HF_PROTO_LIBS = %D%/libhf-proto.la $(PROTOBUF_C_LIBS)

# For callers, and `hyperfaas call --proto`.
protodir = $(pkgdatadir)
nobase_proto_DATA = $(HF_PROTOS)

EXTRA_DIST += $(HF_PROTOS)
BUILT_SOURCES += $(HF_PROTO_H)
CLEANFILES += $(HF_PROTO_C) $(HF_PROTO_H)

AM_V_PROTOC = $(AM_V_PROTOC_@AM_V@)
AM_V_PROTOC_ = $(AM_V_PROTOC_@AM_DEFAULT_V@)
AM_V_PROTOC_0 = @echo "  PROTOC  " $@;
RUN_PROTOC_C = $(AM_V_PROTOC)$(MKDIR_P) $(@D) && \
    $(PROTOC_C) -I $(srcdir)/%D% -I $(PROTOBUF_PROTODIR) --c_out=%D%

%D%/%.pb-c.c %D%/%.pb-c.h: $(srcdir)/%D%/%.proto
	$(RUN_PROTOC_C) $<

%D%/google/protobuf/%.pb-c.c %D%/google/protobuf/%.pb-c.h: $(PROTOBUF_PROTODIR)/google/protobuf/%.proto
	$(RUN_PROTOC_C) $<

$(proto_libhf_proto_la_OBJECTS): | $(HF_PROTO_H)
