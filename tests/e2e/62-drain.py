"""SIGTERM: what runs is finished, nothing new is taken, the end is orderly."""

import signal

import grpc
import hf
from hf.load import Caller
from hf.rpc import instructions, outcome, trailer


class Drain(hf.TestCase):
    def start(self, **more):
        self.p = self.platform(**more)
        self.client = self.p.client(self.p.probe())
        self.client.call("/hf.Probe/Unary")

    def test_running_calls_end_well(self):
        self.start()
        calls = [self.client.begin("/hf.Probe/Unary", b"x",
                                   metadata=instructions(id="it", hold="end")) for _ in range(10)]
        stream = self.client.stream("/hf.Probe/Download", b"m",
                                    metadata=instructions(id="it", hold="end", replies=5))
        hf.eventually(lambda: len(self.p.notes("call", id="it")) == 11, "all calls run")
        self.p.leaf.terminate()
        hf.eventually(self.refuses, "new calls are refused")
        self.assertTrue(self.p.leaf.running())
        self.p.release("end")
        self.assertEqual({outcome(c) for c in calls}, {grpc.StatusCode.OK})
        self.assertEqual(list(stream), [b"m"] * 5)
        self.assertEqual(self.p.leaf.wait(), 0)
        self.assertEqual(len(self.p.notes("stop")), 1, "the instance ended in order")

    def refuses(self):
        """Whether a new call is turned away so that a caller may try elsewhere."""
        with hf.Client(self.p.proxy, "any") as other:
            error = hf.failure(other.call, "/x.Y/Z")
            return error.code() is grpc.StatusCode.UNAVAILABLE

    def test_under_load_no_call_is_cut(self):
        """Whatever the function saw, it was allowed to answer."""
        self.start()
        callers = [Caller(self.client) for _ in range(8)]
        for caller in callers:
            caller.start()
        hf.eventually(lambda: all(c.count > 5 for c in callers), "the load runs")
        self.p.leaf.terminate()
        failures = [f for caller in callers for f in caller.finish()]
        self.assertEqual(self.p.leaf.wait(), 0)
        for failure in failures:
            self.assertEqual(failure.code(), grpc.StatusCode.UNAVAILABLE, failure.details())
            self.assertNotEqual(trailer(failure, "hyperfaas-dispatched"), "1", failure.details())
        self.assertEqual(len(self.p.notes("cancelled")), 0)
        self.assertEqual(len(self.p.notes("call")), len(self.p.notes("finished")))

    def test_limit_cuts_what_does_not_end(self):
        self.start(options={"node": {"drain_timeout": "1s"}})
        self.p.leaf.log.announce("drain|cut")
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="never"))
        self.p.wait_note("call", id="it")
        self.p.leaf.terminate()
        self.assertEqual(self.p.leaf.wait(), 0)
        self.assertEqual(outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_second_signal_ends_at_once(self):
        self.start()
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="never"))
        self.p.wait_note("call", id="it")
        pid = self.p.notes("start")[0]["pid"]
        self.p.leaf.terminate()
        hf.eventually(self.refuses, "it drains")
        self.p.leaf.terminate()
        self.p.leaf.expected_end = self.p.leaf.wait()
        self.assertIn(self.p.leaf.expected_end, (-signal.SIGTERM, 128 + signal.SIGTERM))
        hf.eventually(lambda: not hf.processes.is_alive(pid), "the instance has died too")
        self.assertEqual(outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_idle_node_ends_at_once(self):
        self.start()
        self.p.leaf.terminate()
        self.assertEqual(self.p.leaf.wait(), 0)

    def test_worker_alone(self):
        """A worker that is told to end: what runs on it finishes."""
        self.start(split=True)
        self.p.leaf.log.tolerate("worker lost")
        call = self.client.begin("/hf.Probe/Unary", b"x",
                                 metadata=instructions(id="it", hold="end"))
        self.p.wait_note("call", id="it")
        self.p.worker.terminate()
        self.p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.assertEqual(self.p.worker.wait(limit=10), 0, "idle instances keep nobody waiting")


if __name__ == "__main__":
    hf.main()
