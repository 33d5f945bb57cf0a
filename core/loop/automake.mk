# Threads with an event base each, timers, posting between threads, child processes.

noinst_LTLIBRARIES += %D%/libhf-loop.la
%C%_libhf_loop_la_SOURCES = \
    %D%/address.c %D%/address.h \
    %D%/child.c %D%/child.h %D%/child_private.h \
    %D%/dial.c %D%/dial.h \
    %D%/kin.c %D%/kin.h \
    %D%/listener.c %D%/listener.h \
    %D%/loop.c %D%/loop.h %D%/loop_private.h \
    %D%/peer.c %D%/peer.h \
    %D%/resolver.c %D%/resolver.h \
    %D%/signals.c %D%/signals.h \
    %D%/spawner.c \
    %D%/supervisor.c \
    %D%/thread.c %D%/thread.h \
    %D%/timer.c %D%/timer.h \
    %D%/watchdog.c %D%/watchdog.h \
    %D%/watch.c %D%/watch.h
HF_LOOP_LIBS = %D%/libhf-loop.la $(HF_BASE_LIBS) $(LIBEVENT_LIBS)
