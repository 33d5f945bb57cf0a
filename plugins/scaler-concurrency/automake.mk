# The policy "concurrency" (scaler-concurrency).

plugin_LTLIBRARIES += %D%/scaler-concurrency.la
%C%_scaler_concurrency_la_SOURCES = %D%/concurrency.c
%C%_scaler_concurrency_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scaler_concurrency_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
