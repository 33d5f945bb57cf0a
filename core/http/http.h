/*
 * http.h - an asynchronous HTTP/1.1 client on libcurl's multi interface.
 *
 * The types are those that drivers see, and what they promise stands in hyperfaas/host.h.
 * Engines are configured explicitly, so proxies of the environment are not asked.  All
 * functions on the loop's thread.
 */
#ifndef HF_HTTP_HTTP_H
#define HF_HTTP_HTTP_H

#include <hyperfaas/host.h>

struct hf_loop;

int hf_http_new(struct hf_loop *loop, const struct hf_host_http_options *options,
                struct hf_host_http **ret, struct hf_err *err);
void hf_http_free(struct hf_host_http *http);

int hf_http_send(struct hf_host_http *http, const struct hf_host_http_request *request,
                 const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret,
                 struct hf_err *err);
void hf_http_cancel(struct hf_host_exchange *exchange);
const char *hf_http_header(const struct hf_host_exchange *exchange, const char *name);

#endif
