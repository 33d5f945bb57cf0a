/*
 * driver_service.h - gRPC served for instances that live inside a driver; private to
 * driver_host.c.  The functions are those of hyperfaas/host.h.
 */
#ifndef HF_NODE_DRIVER_SERVICE_H
#define HF_NODE_DRIVER_SERVICE_H

#include <hyperfaas/host.h>

struct hf_loop;

int hf_driver_service_listen(struct hf_loop *loop, const char *address,
                             const struct hf_host_service *service, void *arg,
                             const struct hf_host_service_options *options,
                             struct hf_host_listener **ret, struct hf_err *err);
uint16_t hf_driver_service_port(const struct hf_host_listener *);
void hf_driver_service_drop(struct hf_host_listener *, const char *local);
void hf_driver_service_free(struct hf_host_listener *);

int hf_driver_call_send(struct hf_host_call *, const void *data, size_t len);
void hf_driver_call_finish(struct hf_host_call *, uint32_t grpc_status, const char *message);

#endif
