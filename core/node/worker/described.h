/*
 * described.h - instances, their ends and resources as hyperfaas.v1.Node/Watch tells them.
 */
#ifndef HF_WORKER_DESCRIBED_H
#define HF_WORKER_DESCRIBED_H

#include "hyperfaas/v1/node.pb-c.h"
#include "node/worker/worker.h"

/* What a Watch event of an instance points to. */
struct hf_worker_told_instance {
    Hyperfaas__V1__WatchEvent event;
    Hyperfaas__V1__Instance instance;
    Google__Protobuf__Timestamp started;
    char revision[17];
};

/* What an event of an end points to. */
struct hf_worker_told_end {
    Hyperfaas__V1__WatchEvent event;
    Hyperfaas__V1__InstanceEnded end;
    Hyperfaas__V1__Instance instance;
    Google__Protobuf__Timestamp started;
    Google__Protobuf__Timestamp ended;
    char revision[17];
};

Google__Protobuf__Timestamp hf_worker_timestamp(uint64_t wall_ns);

/* How an instance's state is told. */
Hyperfaas__V1__InstanceState hf_worker_told_state(const struct hf_worker_instance *);

/* Fills `*ret`, whose texts stay the instance's. */
void hf_worker_describe(const struct hf_worker_instance *, Hyperfaas__V1__InstanceState state,
                        struct hf_worker_told_instance *ret);
void hf_worker_describe_end(const struct hf_worker_ended *, struct hf_worker_told_end *ret);

Hyperfaas__V1__Resources hf_worker_resources(const struct hf_worker_role *);

#endif
