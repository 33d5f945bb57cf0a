# The policy "reservationaware" (scheduler-reservationaware).

plugin_LTLIBRARIES += %D%/scheduler-reservationaware.la
%C%_scheduler_reservationaware_la_SOURCES = %D%/reservationaware.c
%C%_scheduler_reservationaware_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scheduler_reservationaware_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
