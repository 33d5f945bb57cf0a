# Asynchronous HTTP client on libcurl.

noinst_LTLIBRARIES += %D%/libhf-http.la
%C%_libhf_http_la_SOURCES =
HF_HTTP_LIBS = %D%/libhf-http.la $(HF_LOOP_LIBS) $(CURL_LIBS)
