"""What becomes of instances that ended: the worker remembers how, for a while."""

import hf
from hf import pb
from hf.rpc import instructions


class Remembered(hf.TestCase):
    """hyperfaas.v1.Node/Watch with `all`."""

    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.p.leaf.log.tolerate("instance can't be reached")

    def ended(self):
        """The ends that the worker remembers, oldest first."""
        stream = self.p.worker_client().stream(
            "/hyperfaas.v1.Node/Watch", pb.node.WatchRequest(all=True), pb.node.WatchEvent,
            timeout=60)
        found = []
        for event in stream:
            if event.HasField("instance_ended"):
                found.append(event.instance_ended)
            elif event.HasField("snapshot_end"):
                stream.cancel()
                return found
        raise AssertionError("the stream ended within its snapshot")

    def wait_ended(self, count=1):
        hf.eventually(lambda: len(self.ended()) >= count, f"{count} ends are remembered")
        return self.ended()

    def test_by_a_signal(self):
        function_id = self.p.probe()
        client = self.p.client(function_id)
        hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(exit="abort"))
        end = self.wait_ended()[0]
        self.assertEqual(end.instance.function_id, function_id)
        self.assertEqual((end.known, end.signal, end.exit_code), (True, 6, -1))
        self.assertFalse(end.expected)
        self.assertIn("SIGABRT", end.reason)
        self.assertEqual(end.instance.state, pb.node.INSTANCE_STATE_READY)
        self.assertLessEqual(end.instance.started.ToNanoseconds(), end.ended.ToNanoseconds())

    def test_by_an_exit(self):
        client = self.p.client(self.p.probe())
        hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(exit=3))
        end = self.wait_ended()[0]
        self.assertEqual((end.known, end.signal, end.exit_code), (True, 0, 3))

    def test_because_it_was_asked(self):
        client = self.p.client(self.p.probe())
        client.call("/hf.Probe/Unary")
        self.p.leaf.stop_time()
        self.p.leaf.warp("10m")
        end = self.wait_ended()[0]
        self.assertTrue(end.expected)
        self.assertFalse(end.known)

    def test_before_it_served(self):
        self.p.leaf.log.announce("ended before it was ready")
        self.p.leaf.log.tolerate("start failed|calls refused")
        image = self.p.install_script("early", "#!/bin/sh\nexit 7\n")
        hf.failure(self.p.client(self.p.create(image)).call, "/x/Y", timeout=10)
        end = self.wait_ended()[0]
        self.assertEqual((end.exit_code, end.instance.state), (7, pb.node.INSTANCE_STATE_STARTING))

    def test_for_a_while(self):
        client = self.p.client(self.p.probe())
        hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(exit=3))
        self.wait_ended()
        self.p.leaf.stop_time()
        self.p.leaf.warp("2h")
        hf.eventually(lambda: not self.ended(), "it is forgotten")


if __name__ == "__main__":
    hf.main()
