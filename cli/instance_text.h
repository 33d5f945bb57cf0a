/*
 * instance_text.h - instances and their ends in words, as workers describe them.
 */
#ifndef HF_CLI_INSTANCE_TEXT_H
#define HF_CLI_INSTANCE_TEXT_H

#include <stdint.h>

#include "base/json.h"
#include "hyperfaas/v1/node.pb-c.h"

/* "starting", "ready", "stopping", "unknown". */
const char *cli_instance_state(const Hyperfaas__V1__Instance *instance);

/* Appends how it ended: "exit code 1", "signal 9 (KILL)", "out of memory", "stopped", "not ready".
 */
void cli_add_end(const Hyperfaas__V1__InstanceEnded *end, struct hf_text *out);

/* Since the wall clock's 1970; 0: not known. */
uint64_t cli_timestamp_ns(const Google__Protobuf__Timestamp *timestamp);

/* An instance as a JSON object; `end` NULL: it has not ended. */
void cli_instance_json(struct hf_json *json, const char *worker,
                       const Hyperfaas__V1__Instance *instance,
                       const Hyperfaas__V1__InstanceEnded *end);

#endif
