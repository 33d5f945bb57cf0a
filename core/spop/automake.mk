# HAProxy's stream processing offload protocol: its bytes, and the agent that answers.

noinst_LTLIBRARIES += %D%/libhf-spop.la
%C%_libhf_spop_la_SOURCES = \
    %D%/agent.c %D%/agent.h %D%/agent_private.h \
    %D%/agent_conn.c \
    %D%/data.c %D%/data.h \
    %D%/fragments.c %D%/fragments.h \
    %D%/frame.c %D%/frame.h \
    %D%/hello.c %D%/hello.h \
    %D%/message.c %D%/message.h \
    %D%/status.c %D%/status.h
HF_SPOP_LIBS = %D%/libhf-spop.la $(HF_LOOP_LIBS)
