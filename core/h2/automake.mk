# HTTP/2 connections and streams on nghttp2.

noinst_LTLIBRARIES += %D%/libhf-h2.la
%C%_libhf_h2_la_SOURCES = \
    %D%/abandon.c \
    %D%/alive.c \
    %D%/buffer.c \
    %D%/buffer.h \
    %D%/buffer_private.h \
    %D%/channel.c \
    %D%/channel.h \
    %D%/channel_check.c \
    %D%/channel_dial.c \
    %D%/channel_private.h \
    %D%/conn.c \
    %D%/conn.h \
    %D%/conn_private.h \
    %D%/ending.c \
    %D%/fields.c \
    %D%/fields.h \
    %D%/fields_private.h \
    %D%/hpack_guard.c \
    %D%/hpack_guard.h \
    %D%/intake.c \
    %D%/intake.h \
    %D%/limits.c \
    %D%/mem.c \
    %D%/mem.h \
    %D%/output.c \
    %D%/receive.c \
    %D%/session.c \
    %D%/socket.c \
    %D%/stream.c \
    %D%/stream.h
HF_H2_LIBS = %D%/libhf-h2.la $(HF_LOOP_LIBS) $(NGHTTP2_LIBS)
