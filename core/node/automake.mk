# The roles: network events into engine input, engine actions into calls.

noinst_LTLIBRARIES += %D%/libhf-node.la
%C%_libhf_node_la_SOURCES =
HF_NODE_LIBS = %D%/libhf-node.la $(HF_CTL_LIBS) $(HF_SPOP_LIBS) $(HF_PLUGIN_LIBS) $(HF_HTTP_LIBS) $(HF_GRPC_LIBS) \
    $(HF_ENGINE_LIBS)

# What roles share.
%C%_libhf_node_la_SOURCES += \
    %D%/access.c %D%/access.h \
    %D%/budget.c %D%/budget.h \
    %D%/catalog.c %D%/catalog.h %D%/catalog_private.h \
    %D%/catalog_lookup.c \
    %D%/catalog_table.c \
    %D%/discovery.c %D%/discovery.h \
    %D%/function_def.c %D%/function_def.h \
    %D%/function_spec.c %D%/function_spec.h \
    %D%/managers.c %D%/managers.h \
    %D%/message_json.c %D%/message_json.h \
    %D%/node.c %D%/node.h %D%/node_private.h \
    %D%/node_announce.c %D%/node_announce.h \
    %D%/node_check.c %D%/node_check.h \
    %D%/node_check_addresses.c \
    %D%/node_config.c %D%/node_config.h \
    %D%/node_ctl.c \
    %D%/node_document.c %D%/node_document.h \
    %D%/node_drain.c \
    %D%/node_id.c %D%/node_id.h \
    %D%/node_life.c \
    %D%/node_modules.c \
    %D%/node_place.c %D%/node_place.h \
    %D%/node_store.c \
    %D%/node_threads.c \
    %D%/role.h %D%/roles.c \
    %D%/secret.c %D%/secret.h \
    %D%/selector.c %D%/selector.h

$(%C%_libhf_node_la_OBJECTS): | $(HF_PROTO_H)

# What drivers are given.
%C%_libhf_node_la_SOURCES += \
    %D%/driver_host.c %D%/driver_host.h \
    %D%/driver_service.c

# What several roles serve.
%C%_libhf_node_la_SOURCES += \
    %D%/load_service.c %D%/load_service.h \
    %D%/node_paths.c %D%/node_paths.h \
    %D%/node_service.c %D%/node_service.h \
    %D%/state_service.c %D%/state_service.h

# The data path of leaf and load balancer.
%C%_libhf_node_la_SOURCES += \
    %D%/proxy/account.c \
    %D%/proxy/call.c %D%/proxy/call.h \
    %D%/proxy/callee.c %D%/proxy/callee.h %D%/proxy/callee_private.h \
    %D%/proxy/callee_endpoints.c \
    %D%/proxy/control.c %D%/proxy/control.h \
    %D%/proxy/failure.c %D%/proxy/failure.h \
    %D%/proxy/forward.c \
    %D%/proxy/message_tracker.c %D%/proxy/message_tracker.h \
    %D%/proxy/origins.c %D%/proxy/origins.h \
    %D%/proxy/proxy.c %D%/proxy/proxy.h \
    %D%/proxy/retry.c \
    %D%/proxy/route.c \
    %D%/proxy/thread.c %D%/proxy/thread.h \
    %D%/proxy/upstream.c %D%/proxy/upstream.h

# Connections to other nodes.
%C%_libhf_node_la_SOURCES += \
    %D%/peer/link.c %D%/peer/link.h \
    %D%/peer/peers.c %D%/peer/peers.h

# What roles that take calls have towards callers.
%C%_libhf_node_la_SOURCES += \
    %D%/front/front.c %D%/front/front.h \
    %D%/front/shared.c %D%/front/shared.h

# The roles.
%C%_libhf_node_la_SOURCES += \
    %D%/leaf/adoption.c \
    %D%/leaf/answer.c \
    %D%/leaf/api.c \
    %D%/leaf/calls.c \
    %D%/leaf/functions.c \
    %D%/leaf/leaf.c %D%/leaf/leaf.h \
    %D%/leaf/scaling.c \
    %D%/leaf/restart.c \
    %D%/leaf/strays.c \
    %D%/leaf/watch.c \
    %D%/leaf/worker.h \
    %D%/leaf/workers.c \
    %D%/lb/above.c \
    %D%/lb/api.c \
    %D%/lb/balancer.c %D%/lb/balancer.h \
    %D%/lb/children.c \
    %D%/lb/endpoints.c \
    %D%/lb/functions.c \
    %D%/lb/haproxy.c \
    %D%/lb/load.c \
    %D%/lb/members.c \
    %D%/lb/state.c \
    %D%/worker/adoption.c \
    %D%/worker/api.c \
    %D%/worker/ended.c \
    %D%/worker/events.c \
    %D%/worker/facts.c \
    %D%/worker/images.c \
    %D%/worker/instance.c \
    %D%/worker/logs.c \
    %D%/worker/metrics.c \
    %D%/worker/owners.c \
    %D%/worker/ready.c \
    %D%/worker/running.c \
    %D%/worker/service.c \
    %D%/worker/stopping.c \
    %D%/worker/worker.c %D%/worker/worker.h
