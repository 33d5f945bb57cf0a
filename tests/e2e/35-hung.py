"""Instances that hang: their connections are there, and nothing comes any more."""

import os
import signal

import grpc
import hf
from hf.rpc import instructions, outcome

UNARY = "/hf.Probe/Unary"
SHORT = 0.2  # seconds that a call waits for an answer in vain


class HungTest(hf.TestCase):
    def start(self, **leaf):
        self.p = self.platform(options={"leaf": {
            "hang_timeout": "500ms", "max_instances_per_worker": 1, **leaf}})
        self.client = self.p.client(self.p.probe(max_concurrency=100))
        self.assertEqual(self.client.call(UNARY, b"first"), b"first")
        self.pid = self.p.notes("start")[0]["pid"]

    def stop_process(self):
        """As if it were swapped out, in a debugger, or waiting for a lock."""
        os.kill(self.pid, signal.SIGSTOP)
        hf.eventually(lambda: hf.processes.is_stopped(self.pid), "the process has stopped")
        self.addCleanup(lambda: hf.processes.is_alive(self.pid) and os.kill(self.pid, signal.SIGCONT))

    def answers(self):
        try:
            return self.client.call(UNARY, b"x", timeout=SHORT) == b"x"
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.DEADLINE_EXCEEDED,
                                         grpc.StatusCode.UNAVAILABLE))
            return False

    def be_unanswered(self, calls):
        for _ in range(calls):
            self.assertFalse(self.answers())

    def asked(self):
        return self.p.leaf.counter("proxy_asked") > 0

    def assert_kept(self):
        self.assertEqual(self.p.leaf.counter("leaf_hung"), 0)
        self.assertEqual(len(self.p.notes("start")), 1)


class Hung(HungTest):
    def test_is_replaced(self):
        """It is noticed by calls that end unanswered; it is taken out of use and killed."""
        self.start()
        self.p.leaf.log.announce("instance does not answer")
        self.stop_process()
        hf.eventually(self.answers, "calls are answered again", limit=30)
        self.assertEqual(self.p.leaf.counter("leaf_hung"), 1)
        hf.eventually(lambda: not hf.processes.is_alive(self.pid), "its process is gone", limit=30)

    def test_its_calls_end(self):
        """One that came after the instance was asked, and is in no hurry itself; if it came too
        late for that, it has got the next instance."""
        self.start(hang_timeout="2s")
        self.p.leaf.log.announce("instance does not answer")
        self.stop_process()
        self.be_unanswered(2)
        hf.eventually(self.asked, "the instance is asked")
        self.answers()
        late = self.client.begin(UNARY, b"x", timeout=60)
        self.assertIn(outcome(late), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK))

    def test_busy_for_too_long(self):
        """A call from before is waited for only so long, whether others are given up or not."""
        self.start(busy_limit="1s")
        self.p.leaf.log.tolerate("instance does not answer|instance can't be reached")
        held = self.client.begin(UNARY, metadata=instructions(id="held", hold="never"), timeout=120)
        self.p.wait_note("call", id="held")
        self.stop_process()
        hf.eventually(self.answers, "calls are answered again", limit=30)
        self.assertEqual(outcome(held), grpc.StatusCode.UNAVAILABLE)


class NotHung(HungTest):
    def test_slow(self):
        """Calls end unanswered again and again, but the function's side of HTTP/2 answers."""
        self.start()
        for i in range(8):  # given up by the caller alone: a deadline is the server's, too
            call = self.client.begin(UNARY, timeout=60,
                                     metadata=instructions(id=f"given-up-{i}", hold="never"))
            self.p.wait_note("call", id=f"given-up-{i}")
            call.cancel()
        hf.eventually(self.asked, "it was asked")
        self.assertEqual(self.client.call(UNARY, b"y"), b"y")
        self.assert_kept()

    def test_busy_with_a_call_from_before(self):
        """A function with one thread may answer nothing else while it computes."""
        self.start()
        held = self.client.begin(UNARY, b"done", timeout=60,
                                 metadata=instructions(id="held", hold="slow"))
        self.p.wait_note("call", id="held")
        self.stop_process()
        self.be_unanswered(6)
        hf.eventually(self.asked, "it was asked")
        self.be_unanswered(6)  # longer than hang_timeout
        self.assert_kept()
        os.kill(self.pid, signal.SIGCONT)
        self.p.release("slow")
        self.assertEqual(held.result(), b"done")
        hf.eventually(self.answers, "it answers")
        self.assert_kept()

    def test_never_asked(self):
        """hang_timeout = 0."""
        self.start(hang_timeout="0")
        self.stop_process()
        self.be_unanswered(6)
        self.assertFalse(self.asked())
        os.kill(self.pid, signal.SIGCONT)
        hf.eventually(self.answers, "it answers")
        self.assert_kept()


if __name__ == "__main__":
    hf.main()
