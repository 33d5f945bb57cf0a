"""Deadlines hold wherever the call is: running, queued, or waiting for a cold start."""

import time

import grpc
import hf
from hf.rpc import instructions, outcome

SHORT = 0.5 * hf.env.PATIENCE


class Deadline(hf.TestCase):
    def start(self, kind="probe", **options):
        self.p = self.platform(options={"leaf": {"max_instances_per_worker": 1}})
        self.client = self.p.client(self.p.probe(kind, **options))

    def expire(self, timeout=SHORT, **more):
        """A call with a short deadline, and how long its failure took."""
        begun = time.monotonic()
        error = hf.failure(self.client.method("/hf.Probe/Unary"), b"", timeout=timeout, **more)
        took = time.monotonic() - begun
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertLess(took, timeout + hf.env.seconds(1))
        return error

    def test_running(self):
        self.start()
        self.client.call("/hf.Probe/Unary")
        self.expire(metadata=instructions(id="late", hold="never"))
        self.p.wait_note("cancelled", id="late")

    def test_queued(self):
        self.start(max_concurrency=1)
        first = self.client.begin("/hf.Probe/Unary",
                                  metadata=instructions(id="first", hold="go-on"))
        self.p.wait_note("call", id="first")
        self.expire(metadata=instructions(id="queued"))
        # The caller's clock may run out before its word has come, or the leaf's own.
        hf.eventually(lambda: "waiting=0" in self.p.leaf.ctl("leaf/functions"), "nobody waits")
        self.p.release("go-on")
        self.assertEqual(outcome(first), grpc.StatusCode.OK)
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="next"))
        self.assertEqual(self.p.notes("call", id="queued"), [], "it was never dispatched")

    def test_cold_start(self):
        self.start("probe-waits")
        self.expire(metadata=instructions(id="early"))
        hf.eventually(lambda: "waiting=0" in self.p.leaf.ctl("leaf/functions"), "nobody waits")
        self.p.release("go")
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="after"))
        self.assertEqual(self.p.notes("call", id="early"), [])

    def test_function_sees_the_time_that_is_left(self):
        self.start("probe-waits")
        limit = hf.env.seconds(20)
        begun = time.monotonic()
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="it"))
        self.p.wait_note("start")
        hf.eventually(lambda: time.monotonic() - begun > 0.3, "0.3 s have been waited")
        self.p.release("go")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        remaining = self.p.notes("call", id="it")[0]["remaining"]
        self.assertLess(remaining, limit - 0.3)
        self.assertGreater(remaining, 0)

    def test_no_deadline_stays_none(self):
        self.start()
        self.client.method("/hf.Probe/Unary")(b"", metadata=instructions(id="free"))
        self.assertIsNone(self.p.notes("call", id="free")[0]["remaining"])

    def test_on_a_stream(self):
        self.start()
        self.client.call("/hf.Probe/Unary")
        replies = self.client.method("/hf.Probe/Download", "unary_stream")(
            b"m", timeout=SHORT, metadata=instructions(id="s", hold="never"))
        error = hf.failure(list, replies)
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.p.wait_note("cancelled", id="s")


if __name__ == "__main__":
    hf.main()
