# Asynchronous HTTP client on libcurl, which is opened when it is first needed and never linked.

noinst_LTLIBRARIES += %D%/libhf-http.la
%C%_libhf_http_la_SOURCES = \
    %D%/curl.c %D%/curl.h \
    %D%/exchange.c \
    %D%/http.c %D%/http.h %D%/http_private.h
HF_HTTP_LIBS = %D%/libhf-http.la $(HF_LOOP_LIBS) -ldl
