# Modules with one fault each, which tests/e2e/45-plugin-faults.py builds and has refused.

EXTRA_DIST += \
    %D%/lb-allocates.c \
    %D%/lb-behind.c \
    %D%/lb-clock.c \
    %D%/lb-crash.c \
    %D%/lb-division.c \
    %D%/lb-farther.c \
    %D%/lb-fresh.c \
    %D%/lb-global.c \
    %D%/lb-help.c \
    %D%/lb-leak.c \
    %D%/lb-loop.c \
    %D%/lb-memory.c \
    %D%/lb-options.c \
    %D%/lb-overrun.c \
    %D%/lb-random.c \
    %D%/lb-retire.c \
    %D%/lb-slots.c \
    %D%/lb-stale.c \
    %D%/lb-wild.c \
    %D%/lb.h \
    %D%/scaler-never.c \
    %D%/scaler-restless.c \
    %D%/scaler-twice.c \
    %D%/scaler-underflow.c \
    %D%/scaler.h \
    %D%/scheduler-blind.c \
    %D%/scheduler-many.c \
    %D%/scheduler-slots.c \
    %D%/scheduler.h
