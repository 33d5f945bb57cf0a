# The policy "queuestale" (scaler-queuestale).

plugin_LTLIBRARIES += %D%/scaler-queuestale.la
%C%_scaler_queuestale_la_SOURCES = %D%/queuestale.c
%C%_scaler_queuestale_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scaler_queuestale_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scaler_queuestale_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
