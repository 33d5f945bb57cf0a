# gRPC framing, status, deadlines, server and client.

noinst_LTLIBRARIES += %D%/libhf-grpc.la
%C%_libhf_grpc_la_SOURCES = \
    %D%/base64.c %D%/base64.h \
    %D%/call.c %D%/call.h %D%/call_answer.c \
    %D%/client.c %D%/client.h \
    %D%/client_call.c %D%/client_call.h \
    %D%/frame.c %D%/frame.h \
    %D%/gzip.c %D%/gzip.h \
    %D%/health.c %D%/health.h \
    %D%/message.c %D%/message.h \
    %D%/probe.c \
    %D%/reply.c %D%/reply.h \
    %D%/server.c %D%/server.h \
    %D%/status.c %D%/status.h \
    %D%/timeout.c %D%/timeout.h \
    %D%/wire.c %D%/wire.h
HF_GRPC_LIBS = %D%/libhf-grpc.la $(HF_H2_LIBS) $(HF_PROTO_LIBS) $(ZLIB_LIBS)

$(%C%_libhf_grpc_la_OBJECTS): | $(HF_PROTO_H)
