#!/usr/bin/env python3
"""What the platform adds to an engine's own create and start, and whether cold starts always work.

usage: dockerstart.py [--rounds N] [--json]

One private engine, one leaf, one worker.  Each round asks the engine itself for a container as
the platform makes it (create, start), removes it, and then calls a cold function through the
leaf.  What is added is the first call, less a warm one, less what the engine took for this very
start (the runtime counts it), as that differs far more from one start to the next.  Then 50 cold
functions are called at once.
"""

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchnode import BUILD, Node, free_ports

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))

import hf.rpc  # noqa: E402
from hf.engines import Dockerd  # noqa: E402

IMAGE = "hyperfaas-echo:latest"
ECHO = "/examples.echo.v1.Echo/Echo"
AT_ONCE = 50
GOAL_MS = 10

# As plugins/runtime-docker/requests.c asks for one.
BODY = {
    "Image": IMAGE,
    "Tty": False,
    "Env": ["FUNCTION_ID=raw", "CONTROLLER_ADDRESS=127.0.0.1:1"],
    "Labels": {"bench": "raw"},
    "ExposedPorts": {"50052/tcp": {}},
    "HostConfig": {
        "PidsLimit": 1024,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1048576", "max-file": "2"}},
        "Mounts": [{"Type": "volume", "Source": "function-logs", "Target": "/logs"}],
        "PortBindings": {"50052/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
    },
}


class Api(http.client.HTTPConnection):
    """The engine's socket."""

    def __init__(self, path):
        super().__init__("docker")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        self.request(method, f"/v1.41{path}", json.dumps(body) if body else None, headers)
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None

    def create_and_start(self):
        """Milliseconds of both together."""
        began = time.monotonic()
        container = self.ask("POST", "/containers/create", BODY)["Id"]
        self.ask("POST", f"/containers/{container}/start")
        took = 1000 * (time.monotonic() - began)
        self.ask("DELETE", f"/containers/{container}?force=1&v=1")
        return took


class Bench:
    def __init__(self, engine, node):
        self.engine, self.node = engine, node
        self.api = Api(engine.socket)
        self.failed = 0

    def call(self, client):
        """Milliseconds of a call; a failed one is counted."""
        began = time.monotonic()
        try:
            client.call(ECHO, b"\n\1x", timeout=60)
        except hf.rpc.grpc.RpcError as error:
            print(f"a call failed: {error.details()}", file=sys.stderr)
            self.failed += 1
        return 1000 * (time.monotonic() - began)

    def engine_ms(self):
        """What the engine took to create and start for the platform, ever."""
        counters = self.node.ctl("counters", "runtime_docker")
        return sum(int(re.search(rf"runtime_docker_{name}\D+(\d+)", counters)[1]) / 1000
                   for name in ("create_us", "start_us"))

    def client(self, function):
        return hf.rpc.Client(self.node.proxy, function)

    def to_zero(self):
        """All functions scale down; nothing is left that would disturb the next round."""
        self.node.ctl("time/warp", "10m")
        while self.engine.containers():
            time.sleep(0.01)

    def round(self, function):
        raw = self.api.create_and_start()
        before = self.engine_ms()
        with self.client(function) as client:
            hf.rpc.grpc.channel_ready_future(client.channel).result(timeout=10)
            first = self.call(client)
            warm = min(self.call(client) for _ in range(5))
        engine = self.engine_ms() - before
        self.to_zero()
        return {"raw": raw, "first": first, "engine": engine, "warm": warm,
                "added": first - warm - engine}

    def at_once(self, functions):
        began = time.monotonic()
        clients = [self.client(f) for f in functions]
        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(self.call, clients))
        took = time.monotonic() - began
        for client in clients:
            client.close()
        return took


def measure(folder, rounds):
    engine = Dockerd(folder)
    try:
        engine.start()
        engine.import_image(IMAGE, ["/function"],
                            function=os.path.join(BUILD, "functions", "echo", "echo"))
        worker = f"{engine.gateway}:{free_ports(1)[0]}"
        settings = [f"runtime.socket=unix://{engine.socket}", "runtime.pull=never",
                    f"worker.api={worker}", f"leaf.workers={worker}", "leaf.start_timeout=90s",
                    "worker.ready_timeout=60s"]
        names = [f"f-{i}" for i in range(AT_ONCE)]
        with Node("docker", settings, [(name, IMAGE, 100) for name in names]) as node:
            bench = Bench(engine, node)
            bench.round(names[0])  # the first of all is not counted
            found = [bench.round(names[i % AT_ONCE]) for i in range(rounds)]
            seconds = bench.at_once(names)
            bench.to_zero()
        return found, seconds, bench.failed
    finally:
        engine.discard()


def figures(found):
    result = {}
    for key in ("raw", "first", "engine", "warm", "added"):
        values = sorted(r[key] for r in found)
        result[key] = {"median_ms": statistics.median(values),
                       "p99_ms": values[int(len(values) * 0.99)], "max_ms": values[-1]}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hf-bench-") as folder:
        found, seconds, failed = measure(folder, arguments.rounds)
    result = {**figures(found), "rounds": len(found), "at_once_seconds": seconds, "failed": failed}
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        print("%-46s %10s %10s %10s" % (f"{len(found)} cold starts in a row", "median", "p99", "max"))
        for key, text in (("raw", "the engine's create + start"), ("first", "first call through the leaf"),
                          ("engine", "of that, the engine's create + start"), ("warm", "warm call"), ("added", "added by the platform")):
            row = result[key]
            print("%-46s %7.1f ms %7.1f ms %7.1f ms" % (text, row["median_ms"], row["p99_ms"],
                                                        row["max_ms"]))
        print("%-46s %7d ms" % ("goal for the median added", GOAL_MS))
        print("%-46s %8.1f s" % (f"{AT_ONCE} cold functions called at once", seconds))
        print("%-46s %10d" % ("failed calls", failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
