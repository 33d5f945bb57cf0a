/*
 * bridge.h - the address of a network interface of this machine.
 */
#ifndef HF_RUNTIME_DOCKER_BRIDGE_H
#define HF_RUNTIME_DOCKER_BRIDGE_H

#include <stdbool.h>

#include "answers.h"

/* The first IPv4 address of the interface; false, and `ret` as it was, if there is none. */
bool bridge_address(const char *name, char ret[static GATEWAY_SIZE]);

#endif
