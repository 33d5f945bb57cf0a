/*
 * driver_host.h - what drivers are given beyond a module's host: hyperfaas/host.h's
 * `struct hf_driver_host` over our loop, processes and gRPC server.
 *
 * One for each instance of a driver, on the loop that the driver lives on.
 */
#ifndef HF_NODE_DRIVER_HOST_H
#define HF_NODE_DRIVER_HOST_H

#include <stdint.h>

#include <hyperfaas/host.h>

struct hf_loop;
struct hf_spawner;

/* `spawner` may be NULL for drivers that start no processes.  `host` is the module's. */
int hf_driver_host_new(struct hf_loop *loop, struct hf_spawner *spawner, const struct hf_host *host,
                       uint64_t seed, struct hf_driver_host **ret, struct hf_err *err);

/* After the driver has been destroyed.  NULL is ignored. */
void hf_driver_host_free(struct hf_driver_host *);

/* --- driver_service.c: gRPC for instances inside a driver, as in hyperfaas/host.h --- */

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
