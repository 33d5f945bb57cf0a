# The policy "perrequest" (scaler-perrequest).

plugin_LTLIBRARIES += %D%/scaler-perrequest.la
%C%_scaler_perrequest_la_SOURCES = %D%/perrequest.c
%C%_scaler_perrequest_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_scaler_perrequest_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
