/*
 * curl.h - libcurl, opened when it is first needed.
 *
 * The process is not linked with it: with what it pulls in, it would cost each node some
 * 8 MiB and its start, and only those that talk to etcd or Docker have a use for it.
 */
#ifndef HF_HTTP_CURL_H
#define HF_HTTP_CURL_H

#include <curl/curl.h>

struct hf_err;

/* All that we use of it, without the "curl_" in front. */
#define HF_CURL_FUNCTIONS(FUNCTION)                                                                \
    FUNCTION(global_init)                                                                          \
    FUNCTION(easy_init)                                                                            \
    FUNCTION(easy_setopt)                                                                          \
    FUNCTION(easy_getinfo)                                                                         \
    FUNCTION(easy_header)                                                                          \
    FUNCTION(easy_strerror)                                                                        \
    FUNCTION(easy_cleanup)                                                                         \
    FUNCTION(slist_append)                                                                         \
    FUNCTION(slist_free_all)                                                                       \
    FUNCTION(multi_init)                                                                           \
    FUNCTION(multi_setopt)                                                                         \
    FUNCTION(multi_assign)                                                                         \
    FUNCTION(multi_add_handle)                                                                     \
    FUNCTION(multi_remove_handle)                                                                  \
    FUNCTION(multi_socket_action)                                                                  \
    FUNCTION(multi_info_read)                                                                      \
    FUNCTION(multi_cleanup)

struct hf_curl {
#define HF_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    HF_CURL_FUNCTIONS(HF_CURL_MEMBER)
#undef HF_CURL_MEMBER
};

/* Finds libcurl, once for the process and never closed, or HF_EUNSUPPORTED.  Any thread. */
int hf_curl_open(const struct hf_curl **ret, struct hf_err *err);

#endif
