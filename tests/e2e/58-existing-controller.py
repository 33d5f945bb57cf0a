"""A leaf of ours as an existing routing controller listens to it.

The listener does what the existing one does: it opens one stream to each child, keeps "who has
this function" from what it hears, skips messages without a function, listens again when a stream
ends, and keeps the entries of a child that it has lost.
"""

import threading

import grpc
import hf
from hf import h2raw, wire

HELLO = "/examples.hello.v1.Hello/SayHello"


class Controller:
    """The existing controller's cache of one child."""

    def __init__(self, address):
        self.address = address
        self.have = set()
        self.heard = []  # (function id, have), in order
        self.streams = 0
        self.pause = threading.Event()
        self.pause.set()
        self.closing = threading.Event()
        self.call = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.closing.is_set():
            with hf.Client(self.address) as client:
                self.call = client.method(wire.STATE, "unary_stream", wire.common.StateResponse)(
                    wire.common.StateRequest())
                self.streams += 1
                try:
                    for update in self.call:
                        self._hear(update)
                except grpc.RpcError:
                    pass
            self.closing.wait(0.02)

    def _hear(self, update):
        if not update.function_id:
            return
        self.heard.append((update.function_id, update.have))
        if update.have:
            self.have.add(update.function_id)
        else:
            self.have.discard(update.function_id)
        self.pause.wait()

    def close(self):
        self.closing.set()
        self.pause.set()
        while self.thread.is_alive():
            if self.call is not None:
                self.call.cancel()
            self.thread.join(0.05)


class ExistingController(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.p.leaf.stop_time()

    def listen(self):
        controller = Controller(self.p.leaf_api)
        self.addCleanup(controller.close)
        hf.eventually(lambda: controller.streams, "the controller listens")
        return controller

    def warm(self, **options):
        function_id = self.p.create("hyperfaas-hello:latest", **options)
        self.call(function_id)
        return function_id

    def call(self, function_id):
        self.p.client(function_id).call(HELLO)

    @staticmethod
    def wait_for(controller, functions):
        hf.eventually(lambda: controller.have == set(functions), f"it has {functions}")

    def test_warm_and_cold(self):
        controller = self.listen()
        function_id = self.warm(function_timeout="10s")
        self.wait_for(controller, [function_id])
        self.call(function_id)
        self.p.leaf.idle("20s")
        self.wait_for(controller, [])
        self.call(function_id)
        self.wait_for(controller, [function_id])
        self.assertEqual(controller.heard, [(function_id, have) for have in (True, False, True)],
                         "only what changes is told")

    def test_several_listeners_hear_the_same(self):
        """Listeners of an existing leaf compete for its messages."""
        controllers = [self.listen() for _ in range(4)]
        functions = [self.warm() for _ in range(3)]
        for controller in controllers:
            self.wait_for(controller, functions)

    def test_listener_that_comes_late(self):
        functions = [self.warm() for _ in range(3)]
        self.wait_for(self.listen(), functions)

    def test_listener_that_comes_again(self):
        """What happened while it was away is in what it hears first."""
        controller = self.listen()
        before = self.warm()
        self.wait_for(controller, [before])
        controller.call.cancel()
        after = self.warm()
        hf.eventually(lambda: controller.streams >= 2, "it listens again")
        self.wait_for(controller, [before, after])

    def test_slow_listener(self):
        """One does not read at all, one stops for a while: the others hear everything."""
        deaf = h2raw.Connection(self.p.leaf_api, window=0)
        self.addCleanup(deaf.socket.close)
        deaf.request(h2raw.grpc_request("leaf", wire.STATE), h2raw.message(b""))
        slow, awake = self.listen(), self.listen()
        slow.pause.clear()
        function_id = self.warm(function_timeout="10s")
        for _ in range(5):
            self.wait_for(awake, [function_id])
            self.p.leaf.idle("20s")
            self.wait_for(awake, [])
            self.call(function_id)
        self.wait_for(awake, [function_id])
        slow.pause.set()
        self.wait_for(slow, [function_id])

    def test_leaf_that_ends_takes_its_word_back(self):
        """An existing controller would go on sending calls to a leaf that it has lost."""
        controllers = [self.listen() for _ in range(2)]
        functions = [self.warm() for _ in range(3)]
        for controller in controllers:
            self.wait_for(controller, functions)
        self.p.leaf.terminate()
        self.assertEqual(self.p.leaf.wait(), 0)
        for controller in controllers:
            self.wait_for(controller, [])

    def test_leaf_that_drains_takes_its_word_back_first(self):
        """While a call still runs there."""
        controller = self.listen()
        function_id = self.p.create("hyperfaas-sleep:latest")
        call = self.p.client(function_id).begin(
            "/examples.sleep.v1.Sleep/Sleep", wire.sleep.SleepRequest(duration_nanos=10**9))
        self.wait_for(controller, [function_id])
        self.p.leaf.terminate()
        self.wait_for(controller, [])
        self.assertFalse(call.done())
        self.p.leaf.warp("2s")
        call.result()
        self.assertEqual(self.p.leaf.wait(), 0)

    def test_leaf_that_comes_back(self):
        controller = self.listen()
        self.wait_for(controller, [self.warm()])
        self.p.leaf.terminate()
        self.assertEqual(self.p.leaf.wait(), 0)
        self.wait_for(controller, [])
        self.p.leaf.restart()
        self.p.leaf.stop_time()
        self.wait_for(controller, [self.warm()])


if __name__ == "__main__":
    hf.main()
