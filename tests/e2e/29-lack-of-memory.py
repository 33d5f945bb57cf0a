"""One failed allocation, wherever it falls, ends no node: it does not start and says why, or it runs,
serves the calls that follow, and ends in order.

`make check-memory` tries every allocation of a node's life; `make check` a part of them, chosen by a seed
that is printed: HF_OOM_POINTS, HF_OOM_SEED.
"""

import concurrent.futures
import os
import random
import secrets

import grpc

import hf
from hf import env, net, processes
from hf.cli import Tool
from hf.daemon import Daemon
from hf.logs import parse
from hf.rpc import Client

ECHO, MESSAGE = "/examples.echo.v1.Echo/Echo", b"\n\2hi"
POINTS = os.environ.get("HF_OOM_POINTS") or (40 if env.SANITIZED else 150)
SEED = int(os.environ.get("HF_OOM_SEED") or secrets.randbits(32))
CALLS = 2

# A caller that was turned away comes back soon.
RECONNECT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100))

# What a sanitizer's runtime says when it is its own allocation that fails, or libltdl's that leaks one.
NOT_OURS = "Sanitizer: CHECK failed: sanitizer_|libltdl does not start"

# That runtime need not be the first library.
ASAN = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"


class Life:
    """A node that is leaf and worker: it starts, a function is created and called, it ends."""

    def __init__(self, folder, fail_at):
        folder.mkdir()
        proxy, api, worker_api = (net.free_address(net.own_host()) for _ in range(3))
        self.proxy, self.counted = proxy, folder / "count"
        self.node = Daemon(folder, "node", {
            "node": {"roles": "leaf, worker", "id": "node", "state_dir": folder / "node.state",
                     "threads": 2, "plugin_path": env.BUILD / "plugins"},
            "leaf": {"proxy": proxy, "api": api, "workers": worker_api},
            "worker": {"api": worker_api, "memory": "64GiB"},
            "store": {"plugin": "file", "path": folder / "store"},
            "runtime": {"plugin": "fake"},
            "balance.leaf": {"plugin": "leastload"},
            "scheduler": {"plugin": "roundrobin"},
            "scaler": {"plugin": "concurrency"},
        })
        self.node.variables = {"LD_PRELOAD": str(env.BUILD / "tests/e2e/.libs/oom.so"),
                               "OOM_AT": str(fail_at), "OOM_COUNT": str(self.counted),
                               "ASAN_OPTIONS": ASAN}

    def run(self):
        """Whether it started; fails if anything is not as it should be."""
        self.node.launch()
        try:
            started = hf.eventually(self._started, "the node is ready or has ended")
            if started == "ended":
                self._check_refusal()
                return False
            self._call()
            self.node.stop()
            self._check_log()
            return True
        finally:
            self.node.discard()

    def _started(self):
        if not self.node.running():
            return "ended"
        return self.node.notify.said("READY=1") and "ready"

    def _errors(self):
        """Lines of the log that are errors, or not of the log at all."""
        return [line for line in self.node.log.lines()
                if (parse(line) or {"level": "error"})["level"] == "error"]

    def _check_refusal(self):
        """A status for what failed, and one line that says what."""
        said = self._errors()
        assert self.node.process.returncode in (1, 2) and len(said) == 1, \
            f"it ended with {self.node.process.returncode} and said {said}"

    def _call(self):
        """Once memory is there again, all is well again."""
        def created():
            result = Tool(self.node.config).run("function", "create", "hyperfaas-echo:latest",
                                                "--id", "echo", check=False)
            return result.returncode == 0 or "exists" in result.stderr

        hf.eventually(created, "the function is there")
        with Client(self.proxy, "echo", RECONNECT) as client:
            for _ in range(CALLS):
                hf.eventually(lambda: self._served(client), "a call succeeds")

    @staticmethod
    def _served(client):
        try:
            return client.call(ECHO, MESSAGE, timeout=2) == MESSAGE
        except grpc.RpcError:
            return False

    def _check_log(self):
        """Errors are of one cause only; a sanitizer's report would be another."""
        others = [line for line in self._errors() if not (parse(line) and "memory" in line)]
        assert not others, others


class LackOfMemory(hf.TestCase):
    def live(self, point):
        """What is wrong with a life in which that allocation fails, or None; whether it began."""
        life = Life(self.folder / str(point), point)
        try:
            return None, life.run()
        except AssertionError as error:
            if life.node.log.find(NOT_OURS):
                return None, False
            return f"allocation {point}: {error}", None

    def count(self):
        life = Life(self.folder / "0", 0)
        self.assertTrue(life.run())
        total = int(life.counted.read_text())
        self.assertGreater(total, 500)
        return total

    def test_each_allocation(self):
        total = self.count()
        points = range(1, total + 1)
        if POINTS != "all":
            print(f"out of memory: seed {SEED}", flush=True)
            points = random.Random(SEED).sample(points, min(int(POINTS), total))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
            ends = list(pool.map(self.live, points))
        wrong = [what for what, _ in ends if what]
        started = sum(1 for _, began in ends if began)
        print(f"out of memory: {len(ends) - len(wrong)} of {len(ends)} lives ended well, {started} of "
              f"them served calls; there are {total} allocations", flush=True)
        self.assertEqual(len(wrong), 0, "\n".join(what[:2000] for what in wrong[:20]))
        self.assertEqual(processes.orphans(set()), [])


if __name__ == "__main__":
    hf.main()
