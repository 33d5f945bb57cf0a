#!/usr/bin/env python3
"""What is left of a function's capacity when it is called twice as often as it can serve.

usage: overload.py [--json]

Capacity comes from slots: 8 instances that serve one call at a time, each for 50 ms.  Calls come
evenly, whether earlier ones were answered or not.  Goodput is what was answered in time.
"""

import json
import sys

from benchnode import Node, free_ports

SLOTS, SERVICE_MS, TIMEOUT_MS, SECONDS = 8, 50, 1000, 15
CAPACITY = SLOTS * 1000 / SERVICE_MS
GOAL = {"goodput": 0.9, "refused_ms": 50}


def in_front(node):
    """Settings that put a load balancer in front of the node's leaf; calls then go there."""
    proxy, api = ("127.0.0.1:%d" % port for port in free_ports(2))
    child = node.proxy
    node.proxy = proxy
    return ["node.roles=lb, leaf, worker", "lb.proxy=" + proxy, "lb.api=" + api,
            "lb.children=%s/%s" % (node.leaf_api, child)]


def overloaded(through_lb, timeout_ms):
    settings = ["leaf.max_instances_per_worker=%d" % SLOTS,
                "runtime.service_time=%dms" % SERVICE_MS]
    node = Node("fake", settings, [("work", "fixed", 1)])
    if through_lb:
        node.settings = settings + in_front(node)
    with node:
        method = ["--method", "/bench.Work/Do", "--connections", "4", "work"]
        node.calls("load", "--calls", str(SLOTS * 20), "--in-flight", str(SLOTS), *method)
        run = node.calls("load", "--rate", str(int(2 * CAPACITY)), "--timeout", str(timeout_ms),
                         "--calls", str(int(2 * CAPACITY * SECONDS)), *method)
    return {
        "goodput": run["ok"] / run["seconds"] / CAPACITY,
        "median_ms": run["median_us"] / 1000,
        "refused": run.get("UNAVAILABLE", 0) / run["calls"],
        "late": run.get("DEADLINE_EXCEEDED", 0) / run["calls"],
        "refused_ms": run["refused_median_us"] / 1000,
    }


def main():
    found = {
        "leaf, deadline %d ms" % TIMEOUT_MS: overloaded(False, TIMEOUT_MS),
        "leaf, deadline %d ms" % (TIMEOUT_MS // 4): overloaded(False, TIMEOUT_MS // 4),
        "load balancer and leaf, deadline %d ms" % TIMEOUT_MS: overloaded(True, TIMEOUT_MS),
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(found, indent=2))
    else:
        print("%-40s %9s %9s %9s %9s %9s" % ("twice the capacity (%d/s) through" % CAPACITY,
                                             "goodput", "answered", "refused", "refused", "late"))
        for name, row in found.items():
            print("%-40s %8.1f%% %6.0f ms %8.1f%% %6.1f ms %8.2f%%" % (
                name, 100 * row["goodput"], row["median_ms"], 100 * row["refused"],
                row["refused_ms"], 100 * row["late"]))
    return any(row["goodput"] < GOAL["goodput"] or row["refused_ms"] >= GOAL["refused_ms"]
               for row in found.values())


if __name__ == "__main__":
    sys.exit(main())
