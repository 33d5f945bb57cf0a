# The control socket: registry of commands, connections, and the client for tools.

noinst_LTLIBRARIES += %D%/libhf-ctl.la
%C%_libhf_ctl_la_SOURCES = \
    %D%/builtin.c \
    %D%/client.c %D%/client.h \
    %D%/ctl.c %D%/ctl.h %D%/ctl_private.h \
    %D%/ctl_conn.c \
    %D%/words.c %D%/words.h
HF_CTL_LIBS = %D%/libhf-ctl.la $(HF_LOOP_LIBS)
