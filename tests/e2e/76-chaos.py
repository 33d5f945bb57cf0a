"""A tree of three levels under random faults and under load: every call ends, and it recovers.

`make chaos` runs it for longer: HF_CHAOS_SECONDS, HF_CHAOS_SEED.
"""

import os
import secrets

import hf
from hf import chaos
from hf.engines import Etcd
from hf.grove import Grove

FIXED_SEED = 5
SECONDS = float(os.environ.get("HF_CHAOS_SECONDS") or 10)
SEED = int(os.environ.get("HF_CHAOS_SEED") or secrets.randbits(32))

# While nodes die around it, a node may complain; errors and sanitizers' reports are something else.
COMPLAINTS = "level=warning"

# A node that hangs is missed after heartbeat + loss_timeout; then calls go elsewhere.
LOSS_BOUND = 4


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

    def chaos(self, seed):
        return chaos.Chaos(self.grove, self.load, seed)

    def finish(self, run):
        self.load.finish()
        self.assertEqual(self.load.wrong, [])
        self.grove.wait_agreed()
        print(f"chaos: rounds {dict(run.rounds)}, calls {dict(self.load.outcomes)}", flush=True)


class RandomEvents(ChaosCase):
    def run_with(self, seed):
        print(f"chaos: seed {seed}, {SECONDS:.0f} s", flush=True)
        run = self.chaos(seed)
        run.run(SECONDS)
        self.finish(run)

    def test_fixed_seed(self):
        if "HF_CHAOS_SECONDS" in os.environ:
            self.skipTest("the long run has one seed")
        self.run_with(FIXED_SEED)

    def test_random_seed(self):
        self.run_with(SEED)


if __name__ == "__main__":
    hf.main()
