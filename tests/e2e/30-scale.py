"""From zero to many and back: instances follow the calls."""

import grpc
import hf
from hf.rpc import instructions, outcome

CALLS = 1500


class FromZero(hf.TestCase):
    def test_1500_concurrent_first_calls(self):
        """One call at a time per instance, eight instances: everybody gets an answer."""
        p = self.platform(runtime="fake", options={
            "leaf": {"max_instances_per_worker": 8, "queue_depth": 10000}})
        function_id = p.create("hyperfaas-echo:latest", max_concurrency=1)
        clients = [p.client(function_id) for _ in range(15)]
        calls = [clients[i % 15].begin("/examples.echo.v1.Echo/Echo", b"\n\2ok", timeout=60)
                 for i in range(CALLS)]
        codes = [outcome(call) for call in calls]
        self.assertEqual(codes.count(grpc.StatusCode.OK), CALLS, set(codes))
        self.assertEqual({call.result() for call in calls}, {b"\n\2ok"})

    def test_one_start_serves_many_first_calls(self):
        """A function without a narrow limit does not get an instance for each waiter."""
        p = self.platform()
        client = p.client(p.probe(max_concurrency=100))
        calls = [client.begin("/hf.Probe/Unary") for _ in range(50)]
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})
        self.assertEqual(len(p.notes("start")), 1)


class ScaleOut(hf.TestCase):
    def test_concurrent_calls_get_instances_of_their_own(self):
        p = self.platform(options={"leaf": {"max_instances_per_worker": 4}})
        client = p.client(p.probe(max_concurrency=1))
        calls = [client.begin("/hf.Probe/Unary", metadata=instructions(hold="together"))
                 for _ in range(4)]
        hf.eventually(lambda: len(p.notes("call")) == 4, "four calls run side by side", limit=20)
        self.assertEqual(len({note["instance"] for note in p.notes("call")}), 4)
        p.release("together")
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})

    def test_limit_of_concurrency_is_kept(self):
        p = self.platform(options={"leaf": {"max_instances_per_worker": 1}})
        client = p.client(p.probe(max_concurrency=3))
        calls = [client.begin("/hf.Probe/Unary", metadata=instructions(hold="batch"))
                 for _ in range(10)]
        hf.eventually(lambda: len(p.notes("call")) == 3, "three calls run")
        self.assertEqual(sum(call.done() for call in calls), 0)
        p.release("batch")
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})


class ToZero(hf.TestCase):
    """The idle time is policy time: the tests stop the clock and push it."""

    def start(self, **options):
        self.p = self.platform()
        self.p.leaf.stop_time()
        self.client = self.p.client(self.p.probe(**options))
        self.client.call("/hf.Probe/Unary")

    def test_idle_function_goes_to_zero_and_comes_back(self):
        self.start(function_timeout="60s")
        self.p.leaf.idle("55s")
        self.client.call("/hf.Probe/Unary")
        self.p.leaf.idle("55s")
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="again"))
        self.assertEqual(len(self.p.notes("start")), 1, "the idle time counts from the last call")
        self.p.leaf.idle("65s")
        self.p.wait_note("stop")
        self.client.call("/hf.Probe/Unary")
        self.assertEqual(len(self.p.notes("start")), 2)

    def test_running_call_keeps_it(self):
        self.start(function_timeout="10s")
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="long", hold="end"))
        self.p.wait_note("call", id="long")
        self.p.leaf.warp("100s")
        self.client.call("/hf.Probe/Unary")
        self.assertEqual(self.p.notes("stop"), [])
        self.p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)

    def test_up_and_down_again_and_again(self):
        self.start(function_timeout="10s")
        for turn in range(2, 6):
            self.p.leaf.idle("15s")
            hf.eventually(lambda: len(self.p.notes("stop")) == turn - 1, "it scaled to zero")
            self.client.call("/hf.Probe/Unary")
            self.assertEqual(len(self.p.notes("start")), turn)


if __name__ == "__main__":
    hf.main()
