"""The tree under failure: nodes that die, freeze, drain, come late or come back, under load."""

import itertools
import os
import signal
import time

import grpc
import hf
from hf import env, load, tree
from hf.load import Caller
from hf.rpc import instructions, outcome, trailer

ECHO = "/examples.echo.v1.Echo/Echo"
MESSAGE = b"\n\1x"
CALLS = 10_000 if env.SANITIZED else 60_000

# What load balancers may say of a child that was killed or is away for a moment.
LOST = "child lost|calls fail at a child"


class Callers:
    """Calls of several functions, so that all leaves have something to do."""

    def __init__(self, p):
        functions = [p.create("hyperfaas-echo:latest") for _ in range(8)]
        self.callers = [Caller(p.client(function), ECHO, MESSAGE) for function in functions]
        for caller in self.callers:
            caller.start()
        self.wait_more(5)

    def wait_more(self, calls, limit=20):
        """Until each caller has made so many more."""
        wanted = [caller.count + calls for caller in self.callers]
        hf.eventually(lambda: all(c.count >= n or not c.is_alive()
                                  for c, n in zip(self.callers, wanted)), "calls go on", limit)

    def finish(self):
        """Ends the load and returns what failed."""
        return [f for caller in self.callers for f in caller.finish()]


class Leaves(hf.TestCase):
    def announce(self, p, pattern=LOST):
        for node in [p.root, *p.branches]:
            node.log.tolerate(pattern)

    def test_killed_leaf_costs_only_what_it_had(self):
        p = self.tree(2)
        self.announce(p)
        callers = Callers(p)
        p.leaves[0].kill()
        callers.wait_more(50)
        failures = callers.finish()
        self.assertLessEqual(len(failures), len(callers.callers), "one call of each at most")
        for failure in failures:
            self.assertEqual(failure.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(trailer(failure, "hyperfaas-dispatched"), "1", failure.details())
            self.assertEqual(trailer(failure, "hyperfaas-reason"), "endpoint-lost")
        self.assertEqual(tree.usable(p.root), 1)

    def test_killed_leaf_comes_back(self):
        p = self.tree(2)
        self.announce(p)
        p.leaves[0].kill()
        hf.eventually(lambda: tree.usable(p.root) == 1, "it is missed", limit=3)
        p.leaves[0].restart()
        hf.eventually(lambda: tree.usable(p.root) == 2, "it is used again", limit=3)
        functions = [p.create("hyperfaas-echo:latest") for _ in range(20)]
        for function_id in functions:
            p.client(function_id).call(ECHO, MESSAGE)
        homes = {leaf for function_id in functions for leaf in p.leaves_with(function_id)}
        self.assertEqual(len(homes), 2, "it gets calls again")

    def test_frozen_leaf_is_left_alone(self):
        p = self.tree(2, options={"lb": {"loss_timeout": "2s"}})
        self.announce(p)
        functions = [p.create("hyperfaas-echo:latest") for _ in range(10)]
        clients = [p.client(function_id) for function_id in functions]
        for client in clients:
            client.call(ECHO, MESSAGE)
        os.kill(p.leaves[0].pid, signal.SIGSTOP)
        try:
            hf.eventually(lambda: tree.usable(p.root) == 1, "it is missed", limit=6)
            for client in clients:
                self.assertEqual(client.call(ECHO, MESSAGE, timeout=3), MESSAGE)
        finally:
            os.kill(p.leaves[0].pid, signal.SIGCONT)
        hf.eventually(lambda: tree.usable(p.root) == 2, "it is used again", limit=6)

    def test_frozen_leaf_loses_its_calls_in_the_end(self):
        p = self.tree(2, runtime="process", options={"lb": {"give_up_after": "500ms",
                                                                     "loss_timeout": "2s"}})
        self.announce(p)
        function_id = p.probe()
        client = p.client(function_id)
        call = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="never"))
        p.wait_note("call", id="it")
        home, = p.leaves_with(function_id)
        leaf, = [leaf for leaf in p.leaves if leaf.name == home]
        os.kill(leaf.pid, signal.SIGSTOP)
        try:
            self.assertEqual(outcome(call), grpc.StatusCode.UNAVAILABLE)
        finally:
            os.kill(leaf.pid, signal.SIGCONT)
        self.assertEqual(trailer(call, "hyperfaas-dispatched"), "1")
        p.wait_note("cancelled", id="it")

    def test_rolling_restart_of_leaves(self):
        p = self.tree(2)
        self.announce(p)
        callers = Callers(p)
        for leaf in p.leaves * 2:
            self.restart(p, leaf)
            callers.wait_more(20)
        self.assertEqual(callers.finish(), [])

    def test_rolling_restart_of_all_below_the_root(self):
        """Under as much load as the machine makes, until it ends, and each node at least once."""
        p = self.tree(2, 2)
        self.announce(p)
        loads = [load.begin(p.proxy, p.create("hyperfaas-echo:latest"), ECHO, CALLS,
                            connections=4, streams=4) for _ in range(4)]
        nodes = itertools.cycle(p.leaves + p.branches)
        restarts = 0
        while any(process.poll() is None for process in loads):
            self.restart(p, next(nodes))
            restarts += 1
        for process in loads:
            report = load.finish(process)
            self.assertEqual((report["calls"], report["failed"]), (CALLS, 0), report["failure"])
        self.assertGreaterEqual(restarts, len(p.leaves + p.branches), "the load was too short")

    def restart(self, p, node):
        """Ends a node in order, starts it again, and waits until it is used again."""
        node.terminate()
        self.assertEqual(node.wait(), 0)
        node.restart()
        p.wait_whole()

    def test_branch_without_leaves_gets_no_calls(self):
        p = self.tree(2, 1, options={"lb": {"child_wait": "200ms", "heartbeat": "100ms"}})
        self.announce(p)
        p.leaves[0].kill()
        hf.eventually(lambda: [c["serving"] for c in tree.children(p.root)] == ["no", "yes"],
                      "the root knows", limit=5)
        for _ in range(10):
            function_id = p.create("hyperfaas-echo:latest")
            self.assertEqual(p.client(function_id).call(ECHO, MESSAGE), MESSAGE)
            self.assertEqual(p.leaves_with(function_id), ["leaf-1"])
        p.leaves[0].restart()
        p.wait_whole()

    def test_draining_leaf_finishes_what_it_has(self):
        p = self.tree(2, runtime="process")
        self.announce(p)
        function_id = p.probe()
        client = p.client(function_id)
        call = client.begin("/hf.Probe/Unary", b"x", metadata=instructions(id="it", hold="end"))
        p.wait_note("call", id="it")
        home, = p.leaves_with(function_id)
        leaf, = [leaf for leaf in p.leaves if leaf.name == home]
        leaf.terminate()
        hf.eventually(lambda: tree.usable(p.root) == 1, "it gets no calls", limit=3)
        self.assertEqual(client.call("/hf.Probe/Unary", b"y"), b"y")
        p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.assertEqual(leaf.wait(), 0)


class Absent(hf.TestCase):
    def test_calls_wait_for_a_child(self):
        p = self.tree(1, start=False, options={"lb": {"child_wait": "20s"}})
        p.root.start()
        p.leaves[0].config.write_text(hf.ini.render(p.leaves[0].sections))
        client = p.client(p.create("hyperfaas-echo:latest"))
        call = client.begin(ECHO, MESSAGE)
        hf.eventually(lambda: "waiting=1" in p.root.ctl("lb/functions"), "the call waits")
        p.leaves[0].start()
        self.assertEqual(call.result(), MESSAGE)

    def test_but_not_for_ever(self):
        p = self.tree(1, start=False, options={"lb": {"child_wait": "100ms"}})
        p.root.start()
        client = p.client("any")
        begun = time.monotonic()
        error = hf.failure(client.call, ECHO, MESSAGE)
        self.assertLess(time.monotonic() - begun, env.seconds(5))
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "no-child")
        self.assertEqual(trailer(error, "hyperfaas-dispatched"), "0")
        self.assertIn("the only child", error.details())
        p.leaves[0].start()
        p.wait_whole()
        self.assertEqual(p.client(p.create("hyperfaas-echo:latest")).call(ECHO, MESSAGE), MESSAGE)


if __name__ == "__main__":
    hf.main()
