# The policy "kpa" (scaler-kpa).

plugin_LTLIBRARIES += %D%/scaler-kpa.la
%C%_scaler_kpa_la_SOURCES = %D%/kpa.c
%C%_scaler_kpa_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scaler_kpa_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scaler_kpa_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
