# The policy "hybridhistogram" (scaler-hybridhistogram).

plugin_LTLIBRARIES += %D%/scaler-hybridhistogram.la
%C%_scaler_hybridhistogram_la_SOURCES = %D%/hybridhistogram.c
%C%_scaler_hybridhistogram_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scaler_hybridhistogram_la_LDFLAGS = $(HF_PLUGIN_LINK)
%C%_scaler_hybridhistogram_la_LIBADD = -lm

EXTRA_DIST += %D%/README.md
