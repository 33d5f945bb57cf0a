# hyperfaas, the command line tool.

# Messages as JSON, by definitions that are read when needed: pure code, which tests use alone.
noinst_LTLIBRARIES += %D%/proto/libcli-proto.la
%C%_proto_libcli_proto_la_SOURCES = \
    %D%/proto/json.h \
    %D%/proto/json_decode.c \
    %D%/proto/json_encode.c \
    %D%/proto/json_read.c \
    %D%/proto/pieces.c %D%/proto/pieces.h \
    %D%/proto/scalar.c %D%/proto/scalar.h \
    %D%/proto/schema.c %D%/proto/schema.h \
    %D%/proto/schema_build.c %D%/proto/schema_private.h
CLI_PROTO_LIBS = %D%/proto/libcli-proto.la $(HF_GRPC_LIBS) -lm

bin_PROGRAMS += %D%/hyperfaas
%C%_hyperfaas_SOURCES = \
    %D%/arguments.c %D%/arguments.h \
    %D%/call.c \
    %D%/call_form.c %D%/call_form.h \
    %D%/cli.h \
    %D%/client.c %D%/client.h \
    %D%/function.c \
    %D%/function_form.c %D%/function_form.h \
    %D%/function_restart.c \
    %D%/function_watch.c \
    %D%/help.c \
    %D%/instances.c \
    %D%/logs.c \
    %D%/main.c \
    %D%/node.c \
    %D%/node_list.c %D%/node_list.h \
    %D%/nodes.c \
    %D%/output.c %D%/output.h \
    %D%/plugin.c %D%/plugin.h \
    %D%/plugin_check.c \
    %D%/plugin_new.c \
    %D%/protoc.c %D%/protoc.h \
    %D%/reflection.c %D%/reflection.h \
    %D%/store.c %D%/store.h \
    %D%/worker.c \
    %D%/workers.c %D%/workers.h
%C%_hyperfaas_LDADD = %D%/proto/libcli-proto.la $(HF_VERIFY_LIBS) $(HF_NODE_LIBS) -lm

# What `hyperfaas plugin new` makes folders from; in a build tree it finds them beside itself.
POLICY_TEMPLATES = %D%/templates/policy/Makefile %D%/templates/policy/README.md
LB_TEMPLATES = %D%/templates/lb/KIND-NAME.c %D%/templates/lb/test-NAME.c \
    %D%/templates/lb/bench-NAME.c
SCHEDULER_TEMPLATES = %D%/templates/scheduler/KIND-NAME.c %D%/templates/scheduler/test-NAME.c \
    %D%/templates/scheduler/bench-NAME.c
SCALER_TEMPLATES = %D%/templates/scaler/KIND-NAME.c %D%/templates/scaler/test-NAME.c \
    %D%/templates/scaler/bench-NAME.c
policytemplatedir = $(templatedir)/policy
lbtemplatedir = $(templatedir)/lb
schedulertemplatedir = $(templatedir)/scheduler
scalertemplatedir = $(templatedir)/scaler
dist_policytemplate_DATA = $(POLICY_TEMPLATES)
dist_lbtemplate_DATA = $(LB_TEMPLATES)
dist_schedulertemplate_DATA = $(SCHEDULER_TEMPLATES)
dist_scalertemplate_DATA = $(SCALER_TEMPLATES)

noinst_DATA += %D%/templates.stamp
%D%/templates.stamp: Makefile
	test -e %D%/templates || $(LN_S) '$(abs_top_srcdir)/%D%/templates' %D%/templates
	touch $@
CLEANFILES += %D%/templates.stamp
clean-local: clean-templates
clean-templates:
	test ! -h %D%/templates || rm -f %D%/templates
.PHONY: clean-templates

completiondir = $(datadir)/bash-completion/completions
dist_completion_DATA = %D%/bash-completion/hyperfaas

$(%C%_hyperfaas_OBJECTS) $(%C%_proto_libcli_proto_la_OBJECTS): | $(HF_PROTO_H)
