"""The leaf's State stream, as routing controllers listen to it."""

import hf
from hf import pb

STATE = "/leaf.Leaf/State"


class State(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.p.leaf.stop_time()
        self.client = self.p.leaf_client()

    def open(self):
        stream = self.client.stream(STATE, pb.common.StateRequest(), pb.common.StateResponse,
                                    timeout=60)
        self.addCleanup(stream.cancel)
        return stream

    def snapshot(self, stream):
        """The functions told before the message with the empty id."""
        found = []
        for update in stream:
            if not update.function_id:
                return found
            self.assertTrue(update.have)
            found.append(update.function_id)
        raise AssertionError("the stream ended within its snapshot")

    def warm(self, **options):
        function_id = self.p.create("hyperfaas-hello:latest", **options)
        self.p.client(function_id).call("/examples.hello.v1.Hello/SayHello")
        return function_id

    def test_empty_snapshot(self):
        self.assertEqual(self.snapshot(self.open()), [])

    def test_snapshot_has_what_is_warm(self):
        warm = sorted(self.warm() for _ in range(3))
        self.p.create("hyperfaas-hello:latest")
        self.assertEqual(sorted(self.snapshot(self.open())), warm)

    def test_changes_reach_every_listener(self):
        streams = [self.open() for _ in range(3)]
        for stream in streams:
            self.assertEqual(self.snapshot(stream), [])
        function_id = self.warm(function_timeout="10s")
        for stream in streams:
            update = next(stream)
            self.assertEqual((update.function_id, update.have), (function_id, True))
        self.p.leaf.idle("20s")
        for stream in streams:
            update = next(stream)
            self.assertEqual((update.function_id, update.have), (function_id, False))

    def test_listener_that_left_swallows_nothing(self):
        gone = self.open()
        self.snapshot(gone)
        gone.cancel()
        stays = self.open()
        self.snapshot(stays)
        function_id = self.warm()
        self.assertEqual(next(stays).function_id, function_id)

    def test_stream_ends_when_the_leaf_does(self):
        stream = self.open()
        self.snapshot(stream)
        self.p.leaf.terminate()
        for _ in stream:
            pass
        self.assertEqual(self.p.leaf.wait(), 0)


if __name__ == "__main__":
    hf.main()
