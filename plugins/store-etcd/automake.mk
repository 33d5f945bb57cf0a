# The metadata store "etcd".

HF_STORE_ETCD_SOURCES = $(HF_KIT_JSON) \
    %D%/announce.c \
    %D%/call.c \
    %D%/client.c %D%/client.h %D%/client_private.h \
    %D%/etcd.h \
    %D%/follow.c %D%/follow.h \
    %D%/keys.c %D%/keys.h \
    %D%/known.c %D%/known.h \
    %D%/lines.c %D%/lines.h \
    %D%/listing.c \
    %D%/operations.c \
    %D%/store-etcd.c \
    %D%/stream.c \
    %D%/token.c \
    %D%/wire.c %D%/wire.h

plugin_LTLIBRARIES += %D%/store-etcd.la
%C%_store_etcd_la_SOURCES = $(HF_STORE_ETCD_SOURCES)
%C%_store_etcd_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS) $(JSON_C_CFLAGS)
%C%_store_etcd_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_store_etcd_la_LIBADD = $(JSON_C_LIBS)

EXTRA_DIST += %D%/README.md
