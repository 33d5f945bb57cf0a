# Errors, logging, options, clocks, containers: what everything else stands on.

noinst_LTLIBRARIES += %D%/libhf-base.la
%C%_libhf_base_la_SOURCES = \
    %D%/arena.c %D%/arena.h \
    %D%/assert.c %D%/assert.h \
    %D%/backoff.c %D%/backoff.h \
    %D%/clock.c %D%/clock.h \
    %D%/config.c %D%/config.h \
    %D%/config_file.c %D%/config_file.h \
    %D%/crash.c %D%/crash.h \
    %D%/counters.c %D%/counters.h \
    %D%/err.c %D%/err.h \
    %D%/escape.c %D%/escape.h \
    %D%/fault.c %D%/fault.h \
    %D%/guest.c %D%/guest.h \
    %D%/hash.c %D%/hash.h \
    %D%/heap.c %D%/heap.h \
    %D%/json.c %D%/json.h \
    %D%/json_check.c %D%/json_check.h \
    %D%/json_read.c %D%/json_read.h \
    %D%/list.h \
    %D%/log.c %D%/log.h \
    %D%/log_line.c %D%/log_line.h \
    %D%/log_out.c %D%/log_out.h \
    %D%/macros.h \
    %D%/map.c %D%/map.h \
    %D%/option_table.c \
    %D%/option_value.c %D%/option_value.h \
    %D%/options.c %D%/options.h \
    %D%/parse.c %D%/parse.h \
    %D%/parse_address.c \
    %D%/quote.c %D%/quote.h \
    %D%/random.c %D%/random.h \
    %D%/text.c %D%/text.h \
    %D%/time_text.c %D%/time_text.h
HF_BASE_LIBS = %D%/libhf-base.la -lm
