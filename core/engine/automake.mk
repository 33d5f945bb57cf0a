# Pure state machines: functions, slots, waiters, fleet, autoscaling.

noinst_LTLIBRARIES += %D%/libhf-engine.la
%C%_libhf_engine_la_SOURCES = \
    %D%/autoscale.c %D%/autoscale.h %D%/autoscale_private.h \
    %D%/deadlines.c %D%/deadlines.h \
    %D%/decide.c \
    %D%/fleet.c %D%/fleet.h %D%/fleet_private.h \
    %D%/placement.c \
    %D%/pool.c %D%/pool.h %D%/pool_private.h \
    %D%/pool_control.c
HF_ENGINE_LIBS = %D%/libhf-engine.la $(HF_BASE_LIBS) -lm
