# Pure state machines: functions, slots, waiters, fleet, autoscaling, routing in the tree.

noinst_LTLIBRARIES += %D%/libhf-engine.la
%C%_libhf_engine_la_SOURCES = \
    %D%/action.h \
    %D%/autoscale.c %D%/autoscale.h %D%/autoscale_private.h \
    %D%/decide.c \
    %D%/evict.c \
    %D%/failure.h \
    %D%/fleet.c %D%/fleet.h %D%/fleet_private.h \
    %D%/handles.c %D%/handles.h \
    %D%/instance.c \
    %D%/node_load.h \
    %D%/placement.c \
    %D%/pool.c %D%/pool.h %D%/pool_private.h \
    %D%/pool_admission.c \
    %D%/pool_control.c \
    %D%/pool_figures.c \
    %D%/reasons.c %D%/reasons.h \
    %D%/tree.c %D%/tree.h %D%/tree_private.h \
    %D%/tree_ring.c
HF_ENGINE_LIBS = %D%/libhf-engine.la $(HF_BASE_LIBS) -lm
