"""Functions that die: the call under way hears of it, the next one gets a new instance."""

import os
import signal

import grpc
import hf
from hf import pb
from hf.rpc import instructions, outcome, trailer

# What a leaf says if it hears of the crash from the connection first, and not from the worker.
UNREACHABLE = "instance can't be reached"


class Crash(hf.TestCase):
    def start(self):
        self.p = self.platform()
        self.p.leaf.log.tolerate(UNREACHABLE)

    def test_during_a_unary_call(self):
        self.start()
        client = self.p.client(self.p.probe())
        error = hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(exit="abort"))
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "endpoint-lost")
        self.assertEqual(trailer(error, "hyperfaas-dispatched"), "1")
        self.assertIn("it was killed by signal 6 (SIGABRT)", error.details())
        self.assertEqual(client.call("/hf.Probe/Unary", b"again"), b"again")
        self.assertEqual(len(self.p.notes("start")), 2)
        self.assertEqual(len(self.p.notes("call", id="")), 2, "a call seen is not repeated")

    def test_after_some_messages_of_a_stream(self):
        self.start()
        client = self.p.client(self.p.probe())
        replies = client.stream("/hf.Probe/Download", b"m",
                                metadata=instructions(replies=10, after=4, exit=1, hold="seen"))
        self.assertTrue(self.p.wait_note("call"))
        self.p.release("seen")
        received = []
        with self.assertRaises(grpc.RpcError) as caught:
            for reply in replies:
                received.append(reply)
        self.assertIn(caught.exception.code(),
                      (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL))
        self.assertLessEqual(len(received), 4)

    def test_others_on_the_same_instance_are_told_too(self):
        self.start()
        client = self.p.client(self.p.probe())
        client.call("/hf.Probe/Unary")
        held = [client.begin("/hf.Probe/Unary", metadata=instructions(id="held", hold="never"))
                for _ in range(5)]
        hf.eventually(lambda: len(self.p.notes("call", id="held")) == 5, "five calls run")
        hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(exit="abort"))
        self.assertEqual({outcome(c) for c in held}, {grpc.StatusCode.UNAVAILABLE})

    def test_sample_function(self):
        self.start()
        client = self.p.client(self.p.create(self.p.install_sample("crash")))
        error = hf.failure(client.call, "/examples.crash.v1.Crash/Crash",
                           pb.crash.CrashRequest())
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)

    def test_idle_instance_that_dies_is_replaced(self):
        self.start()
        client = self.p.client(self.p.probe())
        client.call("/hf.Probe/Unary")
        os.kill(self.p.notes("start")[0]["pid"], signal.SIGKILL)
        hf.eventually(lambda: self.p.leaf.log.find("instance ended by itself"), "it is noticed")
        self.assertEqual(client.call("/hf.Probe/Unary", b"y"), b"y", "nobody else is hurt")
        self.assertEqual(len(self.p.notes("start")), 2)


if __name__ == "__main__":
    hf.main()
