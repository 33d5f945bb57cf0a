"""A tree of three levels under random faults and under load: every call ends, and it recovers.

`make chaos` runs it for longer: HF_CHAOS_SECONDS, HF_CHAOS_SEED.
"""

import itertools
import os
import secrets
import signal
import time

import hf
from hf import chaos, load
from hf.engines import Etcd
from hf.grove import Grove

FIXED_SEED = 5
SECONDS = float(os.environ.get("HF_CHAOS_SECONDS") or 10)
SEED = int(os.environ.get("HF_CHAOS_SEED") or secrets.randbits(32))

# While nodes die around it, a node may complain; errors and sanitizers' reports are something else.
COMPLAINTS = "level=warning"

# A node that hangs is missed after heartbeat + loss_timeout; then calls go elsewhere.
LOSS_BOUND = 4

# A rolling restart lasts for so many calls, of each of four functions.
ROLLING_CALLS = 40_000 if "HF_CHAOS_SECONDS" in os.environ else 10_000


class ChaosCase(hf.TestCase):
    def setUp(self):
        super().setUp()
        etcd = self.engine(Etcd(self.folder))
        self.grove = Grove(self.folder, etcd)
        for line in self.grove.lines:
            self.engine(line)
        self._take(self.grove, start=True)
        for node in self.grove.nodes:
            node.log.tolerate(COMPLAINTS)
        self.load = chaos.Load(self.grove)
        self.addCleanup(self.load.over.set)

    def begin(self, seed=SEED):
        print(f"chaos: seed {seed}", flush=True)
        self.chaos = chaos.Chaos(self.grove, self.load, seed)
        return self.chaos

    def finish(self):
        self.load.finish()
        self.assertEqual(self.load.wrong, [])
        self.grove.wait_agreed()
        print(f"chaos: rounds {dict(self.chaos.rounds)}, calls {dict(self.load.outcomes)}", flush=True)


class RandomEvents(ChaosCase):
    def run_with(self, seed):
        self.begin(seed).run(SECONDS)
        self.finish()

    def test_fixed_seed(self):
        if "HF_CHAOS_SECONDS" in os.environ:
            self.skipTest("the long run has one seed")
        self.run_with(FIXED_SEED)

    def test_random_seed(self):
        self.run_with(SEED)


class Silence(ChaosCase):
    """A node that says nothing any more: calls succeed again while it is still silent."""

    def silence(self, node, begin, end):
        begin()
        try:
            self.load.wait_well(LOSS_BOUND)
        finally:
            end()
        self.chaos.recover()
        self.assertEqual(self.load.wrong, [], node.name)

    def silent_nodes(self):
        return (self.grove.branches[0], self.grove.leaves[0], self.grove.workers[0])

    def test_lost_packets(self):
        self.begin()
        for node in self.silent_nodes():
            self.silence(node, node.line.cut, node.line.mend)
        self.finish()

    def test_frozen_nodes(self):
        self.begin()
        for node in self.silent_nodes():
            self.silence(node, lambda n=node: n.process.send_signal(signal.SIGSTOP),
                         lambda n=node: n.process.send_signal(signal.SIGCONT))
        self.finish()


class Orderly(ChaosCase):
    """No call may fail."""

    def finish(self):
        super().finish()
        self.assertEqual(set(self.load.outcomes), {"OK"})

    def test_joins_and_leaves_every_second(self):
        self.begin().churn(120 if "HF_CHAOS_SECONDS" in os.environ else 10)
        self.finish()

    def test_store_that_some_cannot_reach(self):
        """For longer than announcements live: the nodes are used on."""
        self.begin()
        away = [nodes[0] for nodes in (self.grove.workers, self.grove.leaves, self.grove.branches)]
        for node in away:
            node.store_line.cut()
        try:
            announced = [f"hyperfaas-nodes/hyperfaas/functions/{node.name}" for node in away]
            hf.eventually(lambda: not any(map(self.grove.etcd.get, announced)),
                          "their announcements end", limit=10)
            self.load.wait_well()
        finally:
            for node in away:
                node.store_line.mend()
        hf.eventually(lambda: all(map(self.grove.etcd.get, announced)), "they are there again")
        self.chaos.recover()
        self.finish()

    def test_rolling_restart_of_every_node(self):
        """Also of the outermost ones, behind callers that know both; each node at least once."""
        self.begin()
        roots = ",".join(root.own["proxy"] for root in self.grove.roots)
        functions = [self.grove.create("hyperfaas-echo:latest") for _ in range(4)]
        begun = time.monotonic()
        loads = [load.begin(roots, function, chaos.ECHO, ROLLING_CALLS, connections=4, streams=2)
                 for function in functions]
        restarts = 0
        for node in itertools.cycle(self.grove.nodes):
            if restarts >= len(self.grove.nodes) and all(p.poll() is not None for p in loads):
                break
            self.chaos.play("restart", node, 0, orderly=True)
            restarts += 1
        reports = [load.finish(process) for process in loads]
        self.assertEqual([(r["calls"], r["failed"]) for r in reports],
                         [(ROLLING_CALLS, 0)] * 4, [r["failure"] for r in reports])
        calls = 4 * ROLLING_CALLS + self.load.outcomes["OK"]
        print(f"chaos: {restarts} restarts, {calls} calls in {time.monotonic() - begun:.0f} s",
              flush=True)
        self.finish()


if __name__ == "__main__":
    hf.main()
