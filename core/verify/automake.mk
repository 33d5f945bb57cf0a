# Whether policies keep their contracts: a module in, verdicts out.

noinst_LTLIBRARIES += %D%/libhf-verify.la
%C%_libhf_verify_la_SOURCES = \
    %D%/checks.c %D%/checks.h \
    %D%/crowd.c \
    %D%/drive.c %D%/drive.h \
    %D%/imports.c %D%/imports.h \
    %D%/isolate.c %D%/isolate.h \
    %D%/lb.c %D%/lb_private.h \
    %D%/lb_shared.c %D%/lb_shared.h \
    %D%/lb_world.c \
    %D%/probe.c %D%/probe.h \
    %D%/report.c \
    %D%/rooms.c %D%/rooms.h \
    %D%/scaler.c \
    %D%/scheduler.c %D%/scheduler_private.h \
    %D%/scheduler_world.c \
    %D%/verify.c %D%/verify.h
HF_VERIFY_LIBS = %D%/libhf-verify.la $(HF_PLUGIN_LIBS)
