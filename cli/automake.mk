# hyperfaas, the command line tool.

bin_PROGRAMS += %D%/hyperfaas
%C%_hyperfaas_SOURCES = \
    %D%/arguments.c %D%/arguments.h \
    %D%/call.c \
    %D%/cli.h \
    %D%/function.c \
    %D%/function_flags.c %D%/function_flags.h \
    %D%/help.c %D%/help.h \
    %D%/hint.c %D%/hint.h \
    %D%/instances.c \
    %D%/main.c \
    %D%/node.c \
    %D%/node_list.c %D%/node_list.h \
    %D%/nodes.c \
    %D%/plugin.c \
    %D%/protoc.c %D%/protoc.h \
    %D%/store.c %D%/store.h \
    %D%/table.c %D%/table.h
%C%_hyperfaas_LDADD = $(HF_NODE_LIBS)

$(%C%_hyperfaas_OBJECTS): | $(HF_PROTO_H)
