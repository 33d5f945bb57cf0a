"""Instances that say they are ready and cannot be reached: a signal is a hint, an answer is the truth."""

import grpc
import hf
from hf.rpc import outcome, trailer

CALLS = 5


class ASignalIsAHint(hf.TestCase):
    def test_before_it_listens(self):
        """The call waits until the function serves; no instance is given up for it."""
        p = self.platform()
        call = p.client(p.probe("probe-hasty")).begin("/hf.Probe/Unary", b"x", timeout=60)
        p.wait_note("signalled")
        self.assertFalse(call.done())
        p.release("go")
        self.assertEqual(call.result(), b"x")
        self.assertEqual(p.worker.counter("worker_starts"), 1)
        self.assertEqual(p.leaf.counter("leaf_unreachable"), 0)

    def test_where_nobody_reaches_it(self):
        """It is a failed start, and callers read what was looked for and where."""
        p = self.platform(options={"worker": {"ready_timeout": "1s"}, "leaf": {"start_attempts": 1}})
        p.worker.log.announce("start failed")
        p.leaf.log.announce("calls refused")
        p.install_sample("hello")
        image = p.install_script("elsewhere", "#!/bin/sh\nLISTEN_ADDRESS=127.99.99.99 "
                                 f"exec {p.functions}/hello\n")
        error = hf.failure(p.client(p.create(image)).call, "/any.Service/Method", timeout=60)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        self.assertIn("it called SignalReady, but at ", error.details())
        self.assertIn("no HTTP/2 server answers: ", error.details())
        self.assertGreaterEqual(p.worker.counter("worker_starts_failed"), 1)


class WhatNeverServed(hf.TestCase):
    """A worker that cannot look: its leaf is the first who dials."""

    def start(self):
        self.p = self.platform(options={"worker": {"readiness": "signal"}})
        self.p.leaf.log.announce("instance can't be reached")
        self.p.leaf.stop_time()
        self.client = self.p.client(self.p.probe("probe-hasty"))

    def unreachable(self, count):
        hf.eventually(lambda: self.p.leaf.counter("leaf_unreachable") == count,
                      f"instance {count} was tried in vain", limit=30)

    def test_counts_as_a_failed_start(self):
        """Starts are paced, however many calls there are, and then calls are refused."""
        self.start()
        self.p.leaf.log.announce("calls refused")
        calls = []
        for turn in range(1, 4):
            calls += [self.client.begin("/hf.Probe/Unary", timeout=60) for _ in range(CALLS)]
            self.unreachable(turn)
            self.assertEqual(self.p.worker.counter("worker_starts"), turn, "the pause is kept")
            self.p.leaf.warp("1m")
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.UNAVAILABLE})
        self.assertIn("start-failed", {trailer(call, "hyperfaas-reason") for call in calls})
        self.assertIn("has not served any call", " ".join(call.details() for call in calls))


if __name__ == "__main__":
    hf.main()
