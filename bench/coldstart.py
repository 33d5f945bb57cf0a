#!/usr/bin/env python3
"""How long the first call to a cold function takes, and how many cold starts a second there can be.

usage: coldstart.py [--json]

Measured against one leaf and one worker in one process, with the calls of bench/callgen.
A latency is that of the first call minus that of a warm one on the same connection.

What a cold start costs is given in warm calls: the processor time that the node, which is caller's
leaf, worker and instance at once, takes for one of 5,000 first calls, each to another function,
over that for one of 50,000 calls to one that is warm, ten in flight on each of ten connections.
Both are measured at the same node, one right after the other, so the ratio hardly depends on the
machine, as starts per second do.
"""

import json
import statistics
import sys
import threading
import time

from benchnode import Node

ROUNDS = 200
FUNCTIONS = 5000
WARM_CALLS = 50000
FLAPS_MS = 200


def first_calls(runtime):
    """Cold starts one after the other."""
    with Node(runtime, functions=[("hello", "hyperfaas-hello:latest", 1)]) as node:
        rounds = node.calls("first", "--calls", str(ROUNDS), "hello")["rounds"]
    added = sorted(r["first_us"] - r["warm_us"] for r in rounds)
    return {
        "median_ms": statistics.median(added) / 1000,
        "p99_ms": added[int(len(added) * 0.99)] / 1000,
        "warm_ms": statistics.median(r["warm_us"] for r in rounds) / 1000,
    }


def cost(node, *arguments):
    """What callgen measured, and the node's processor time for each call in microseconds."""
    before = node.cpu_seconds()
    run = node.calls("load", *arguments)
    return run, (node.cpu_seconds() - before) / run["calls"] * 1e6


def many_functions():
    """Each call wakes another function; then calls to one that is warm, to compare with."""
    functions = [("f-%d" % i, "hello", 1) for i in range(FUNCTIONS)] + [("warm", "hello", 100)]
    with Node("fake", functions=functions) as node:
        run, cold_us = cost(node, "--functions", str(FUNCTIONS), "--calls", str(FUNCTIONS),
                            "--in-flight", "256", "--connections", "4", "f")
        node.calls("load", "--calls", "1000", "--connections", "10", "--in-flight", "100", "warm")
        warm, warm_us = cost(node, "--calls", str(WARM_CALLS), "--connections", "10",
                             "--in-flight", "100", "warm")
    failed = sum(r["calls"] - r["ok"] for r in (run, warm))
    return {"per_second": run["ok"] / run["seconds"], "not_ok": failed, "cold_us": cold_us,
            "warm_us": warm_us}


def stampede():
    """1,500 callers at once of one cold function that may have 8 instances, each for one call."""
    with Node("fake", ["leaf.max_instances_per_worker=8"], [("hello", "hello", 1)]) as node:
        run = node.calls("load", "--calls", "1500", "--connections", "15", "hello")
    return {"seconds": run["seconds"], "not_ok": run["calls"] - run["ok"]}


def flapping(calls=100000, rate=2500):
    """Warm calls while the function's scale is forced up and down all the time.

    With the clock being pushed calls seem to take seconds: they must be patient not to be refused.
    """
    settings = ["leaf.max_instances_per_worker=32", "leaf.max_wait=0", "runtime.service_time=2ms"]
    with Node("fake", settings, [("work", "fixed", 1)]) as node:
        over = threading.Event()

        def flap():
            concurrency = 100
            while not over.wait(FLAPS_MS / 1000):
                node.put("work", "fixed", concurrency)
                node.ctl("time/warp", "2s")
                concurrency = 101 - concurrency

        flapper = threading.Thread(target=flap)
        flapper.start()
        try:
            run = node.calls("load", "--calls", str(calls), "--rate", str(rate), "--connections",
                             "8", "--method", "/bench.Work/Do", "--timeout", "3600000", "work")
        finally:
            over.set()
            flapper.join()
        starts = node.ctl("counters", "worker_starts")
    run["starts"] = int(starts.split()[0].split("=")[-1]) if "=" in starts else starts.strip()
    run["not_ok"] = run["calls"] - run["ok"]
    return run


def table(found):
    yield "%-52s %10s %10s %10s" % ("", "median", "p99", "goal")
    for runtime, goal in (("fake", "1 / 5 ms"), ("process", "10 ms")):
        row = found["first_call_" + runtime]
        yield "%-52s %7.2f ms %7.2f ms %10s" % ("first call - warm call, runtime-" + runtime,
                                                row["median_ms"], row["p99_ms"], goal)
    yield "%-52s %8.0f/s %10s %10s" % ("cold starts, one leaf and one worker, runtime-fake",
                                       found["cold_starts"]["per_second"], "", "10000/s")
    yield "%-52s %7.1f us %7.1f us %10s" % (
        "CPU of a cold start, and of a warm call at 10x10", found["cold_starts"]["cold_us"],
        found["cold_starts"]["warm_us"], "")
    yield "%-52s %10.1f" % ("CPU of a cold start over CPU of a warm call at 10x10",
                            found["cold_starts"]["cold_us"] / found["cold_starts"]["warm_us"])
    yield "%-52s %7.0f ms %10s" % ("1,500 first calls at once, 8 instances",
                                   found["stampede"]["seconds"] * 1000, "")
    yield "%-52s %7.2f ms %7.2f ms" % (
        "%(calls)d calls at %%d/s, scale forced up and down" % found["flapping"]
        % (found["flapping"]["calls"] / found["flapping"]["seconds"]),
        found["flapping"]["median_us"] / 1000, found["flapping"]["p99_us"] / 1000)
    for name in ("cold_starts", "stampede", "flapping"):
        yield "%-52s %10d" % ("failed calls: " + name.replace("_", " "), found[name]["not_ok"])


def main():
    if "--help" in sys.argv[1:]:
        print(__doc__.strip())
        return 0
    found = {
        "first_call_fake": first_calls("fake"),
        "first_call_process": first_calls("process"),
        "cold_starts": many_functions(),
        "stampede": stampede(),
        "flapping": flapping(),
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(table(found)))
    return any(found[name]["not_ok"] for name in ("cold_starts", "stampede", "flapping"))


if __name__ == "__main__":
    sys.exit(main())
