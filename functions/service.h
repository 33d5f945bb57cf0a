/*
 * service.h - what the files of the function library share.
 */
#ifndef HF_FUNCTIONS_SERVICE_H
#define HF_FUNCTIONS_SERVICE_H

#include "grpc/server.h"
#include "hyperfaas-function.h"

struct hf_loop;
struct hf_ready;

/* The server's view of a method; its argument in the server is `method` itself. */
struct hf_grpc_method hf_function_adapt(const struct hf_method *method);

/* Tells the worker at `controller` ("HOST:PORT") that `instance` serves, again and again
 * for a limited time.  NULL if that is hopeless from the start; then it has said why. */
struct hf_ready *hf_ready_new(struct hf_loop *loop, const char *controller, const char *instance);

/* NULL is allowed. */
void hf_ready_free(struct hf_ready *ready);

#endif
