/*
 * bridge.c - the address of a network interface of this machine.
 */
#include "bridge.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

bool
bridge_address(const char *name, char ret[static GATEWAY_SIZE])
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (!*name || getifaddrs(&all) < 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
            strcmp(one->ifa_name, name) == 0) {
            struct sockaddr_in address;

            memcpy(&address, one->ifa_addr, sizeof address);
            found = inet_ntop(AF_INET, &address.sin_addr, ret, GATEWAY_SIZE) != NULL;
        }
    }
    freeifaddrs(all);
    return found;
}
