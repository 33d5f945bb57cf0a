"""The tree: calls of all kinds through several levels, to the leaf that has the function warm."""

import grpc
import hf
from hf import env, h2raw, load, pb, tree
from hf.rpc import instructions, outcome, trailer

HELLO = "/examples.hello.v1.Hello/SayHello"
ECHO = "/examples.echo.v1.Echo/Echo"
MESSAGE = b"\n\1x"  # of the echo function


class Kinds(hf.TestCase):
    """What the leaf's own tests check in detail holds through the tree as well."""

    def check(self, p):
        client = p.client(p.probe())
        self.assertEqual(client.call("/hf.Probe/Unary", b"one"), b"one")
        metadata = instructions(replies=50)
        self.assertEqual(list(client.stream("/hf.Probe/Download", b"m", metadata=metadata)),
                         [b"m"] * 50)
        self.assertEqual(client.upload("/hf.Probe/Upload", [b"a", b"b", b"c"]), b"abc")
        said = client.converse("/hf.Probe/Converse", iter([b"1", b"2", b"3"]))
        self.assertEqual(list(said), [b"1", b"2", b"3"])
        large = bytes(3 << 20)
        self.assertEqual(client.call("/hf.Probe/Unary", large), large)

    def test_two_levels(self):
        self.check(self.tree(2, runtime="process"))

    def test_three_levels(self):
        self.check(self.tree(2, 2, runtime="process"))

    def test_metadata_status_and_trailers(self):
        p = self.tree(1, 1, runtime="process")
        client = p.client(p.probe())
        error = hf.failure(client.call, "/hf.Probe/Unary", metadata=[
            ("some", "thing"), ("raw-bin", b"\0\xff"),
            *instructions(id="it", status=9, message="as told", trailing=[["t", "1"]])])
        self.assertEqual((error.code(), error.details()),
                         (grpc.StatusCode.FAILED_PRECONDITION, "as told"))
        self.assertEqual(trailer(error, "t"), "1")
        seen = dict(p.notes("call", id="it")[0]["metadata"])
        self.assertEqual(seen["some"], "thing")
        self.assertIn("raw-bin", seen)
        self.assertNotIn("grpc-previous-rpc-attempts", seen)

    def test_unknown_function(self):
        p = self.tree(2, 2)
        error = hf.failure(p.client("nobody").call, HELLO)
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "unknown-function")

    def test_deadline_is_one_for_the_whole_way(self):
        p = self.tree(1, 1, runtime="process")
        client = p.client(p.probe())
        client.call("/hf.Probe/Unary")
        call = client.begin("/hf.Probe/Unary", timeout=2,
                            metadata=instructions(id="it", hold="never"))
        self.assertEqual(outcome(call), grpc.StatusCode.DEADLINE_EXCEEDED)
        # grpcio rounds up what it sends.
        self.assertLessEqual(p.notes("call", id="it")[0]["remaining"], env.seconds(2) * 1.05)
        p.wait_note("cancelled", id="it")

    def test_cancelling_reaches_the_function(self):
        p = self.tree(1, 1, runtime="process")
        client = p.client(p.probe())
        call = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="never"))
        p.wait_note("call", id="it")
        call.cancel()
        p.wait_note("cancelled", id="it")


class Warm(hf.TestCase):
    def wait_warm(self, p, *functions):
        hf.eventually(lambda: set(functions) <= tree.warm(p.root), "the root knows what is warm")

    def test_warm_calls_go_to_the_warm_leaf(self):
        """Also when hashing would have sent the first call elsewhere."""
        p = self.tree(2, 2)
        homes = {}
        for i in range(16):
            function_id = p.create("hyperfaas-hello:latest")
            leaf = p.leaves[i % 4]
            with hf.Client(leaf.proxy, function_id) as client:
                client.call(HELLO)
            homes[function_id] = leaf.name
        self.wait_warm(p, *homes)
        for function_id in homes:
            client = p.client(function_id)
            for _ in range(5):
                client.call(HELLO)
        for function_id, leaf in homes.items():
            self.assertEqual(p.leaves_with(function_id), [leaf])

    def test_cold_functions_spread_and_stay(self):
        p = self.tree(2, 2)
        # Names that do not change, nor do those of the nodes: hashing spreads them always alike.
        functions = [p.create("hyperfaas-hello:latest", f"cold-{i}") for i in range(20)]
        for function_id in functions:
            client = p.client(function_id)
            for _ in range(5):
                client.call(HELLO)
        homes = [p.leaves_with(function_id) for function_id in functions]
        self.assertEqual({len(home) for home in homes}, {1}, "each is warm on one leaf")
        self.assertEqual(len({home[0] for home in homes}), 4, "all leaves are used")

    def test_thousand_first_calls_meet_at_one_leaf(self):
        p = self.tree(2, 2)
        function_id = p.create("hyperfaas-echo:latest", max_concurrency=100)
        report = load.run(p.proxy, function_id, ECHO, 1000, connections=50, streams=20)
        self.assertEqual((report["calls"], report["failed"]), (1000, 0), report["failure"])
        self.assertEqual(len(p.leaves_with(function_id)), 1)

    def test_policy_may_choose_for_cold_functions_too(self):
        p = self.tree(4, options={"balance.lb": {"cold": "any", "plugin": "roundrobin"},
                                  "runtime": {"start_delay": "10ms"}})
        function_id = p.create("hyperfaas-echo:latest")
        client = p.client(function_id)
        for leaf in p.leaves:
            leaf.stop_time()  # so no leaf has it warm before all calls have come
        calls = [client.begin(ECHO, MESSAGE) for _ in range(20)]
        hf.eventually(lambda: sum(leaf.counter("proxy_calls") for leaf in p.leaves) == 20,
                      "all calls have come to a leaf")
        for leaf in p.leaves:
            leaf.warp("1s")
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})
        self.assertEqual(len(p.leaves_with(function_id)), 4)

    def test_restarted_load_balancer_asks_before_it_sends(self):
        """The first calls after a start go where the function is warm, not where hashing says."""
        p = self.tree(4)
        homes = {}
        for i in range(16):
            function_id = p.create("hyperfaas-hello:latest")
            with hf.Client(p.leaves[i % 4].proxy, function_id) as client:
                client.call(HELLO)
            homes[function_id] = p.leaves[i % 4].name
        p.root.terminate()
        self.assertEqual(p.root.wait(), 0)
        p.root.restart()
        for function_id in homes:
            p.client(function_id).call(HELLO)
        self.assertEqual({f: p.leaves_with(f) for f in homes}, {f: [h] for f, h in homes.items()})

    def test_function_that_goes_cold_is_no_longer_told(self):
        p = self.tree(2)
        function_id = p.create("hyperfaas-hello:latest", function_timeout="10s")
        for leaf in p.leaves:
            leaf.stop_time()
        p.client(function_id).call(HELLO)
        self.wait_warm(p, function_id)
        for leaf in p.leaves:
            leaf.idle("1h")
        hf.eventually(lambda: not tree.warm(p.root), "it is cold")

    def test_state_as_parents_hear_it(self):
        """A load balancer serves it under the routing controller's name, with a snapshot."""
        p = self.tree(1)
        function_id = p.create("hyperfaas-hello:latest")
        p.client(function_id).call(HELLO)
        self.wait_warm(p, function_id)
        with hf.Client(p.root.api) as client:
            stream = client.stream("/routingcontroller.RoutingController/State",
                                   pb.common.StateRequest(), pb.common.StateResponse)
            told = [(m.function_id, m.have) for m, _ in zip(stream, range(2))]
            stream.cancel()
        self.assertEqual(told, [(function_id, True), ("", False)])

    def test_functions_that_nobody_calls_are_forgotten(self):
        p = self.tree(1)
        for i in range(50):
            hf.failure(p.client(f"nobody-{i}").call, HELLO)
        self.assertEqual(len(p.root.ctl("lb/functions").splitlines()), 50)
        p.root.stop_time()
        p.root.warp("1h")
        self.assertEqual(p.root.ctl("lb/functions"), "")
        self.assertEqual(p.root.counter("tree_forgotten"), 50)

    def test_as_many_functions_as_may(self):
        """Ids that callers make up push each other out, not those that are called."""
        p = self.tree(1, runtime="process", options={"lb": {"max_functions": 5}})
        busy = p.client(p.probe()).begin("/hf.Probe/Unary",
                                         metadata=instructions(id="it", hold="end"))
        p.wait_note("call", id="it")
        for i in range(20):
            error = hf.failure(p.client(f"nobody-{i}").call, HELLO)
            self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(len(p.root.ctl("lb/functions").splitlines()), 5)
        p.release("end")
        self.assertEqual(outcome(busy), grpc.StatusCode.OK)


class Spill(hf.TestCase):
    def hold(self, p, client, count):
        """Calls that run until the file `end` is there."""
        calls = [client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="end"))
                 for _ in range(count)]
        hf.eventually(lambda: len(p.notes("call", id="it")) == count, "all calls run")
        return calls

    def check(self, bound, calls, leaves):
        p = self.tree(3, runtime="process", options={"balance.lb": {"spill_inflight": bound}})
        function_id = p.probe()
        client = p.client(function_id)
        client.call("/hf.Probe/Unary")
        held = self.hold(p, client, calls)
        self.assertEqual(len(p.leaves_with(function_id)), leaves)
        p.release("end")
        self.assertEqual({outcome(call) for call in held}, {grpc.StatusCode.OK})

    def test_below_the_bound_one_leaf_does_it(self):
        self.check(3, 3, 1)

    def test_above_it_others_help(self):
        self.check(3, 5, 2)

    def test_when_all_are_above_it_nobody_waits(self):
        self.check(2, 12, 3)

    def test_without_a_bound(self):
        self.check(0, 12, 1)


class Cancelling(hf.TestCase):
    """Callers who cancel much on many connections share few to the leaf: none is cut for it."""

    SLEEP = "/examples.sleep.v1.Sleep/Sleep"
    CALLS = 400  # on each connection, fewer than make the load balancer suspicious

    def request(self, seconds):
        return pb.sleep.SleepRequest(duration_nanos=int(seconds * 1e9))

    def cancel_many(self, p, function_id):
        message = h2raw.message(self.request(3600).SerializeToString())
        with h2raw.Connection(p.proxy) as connection:
            streams = [connection.request(h2raw.grpc_request(function_id, self.SLEEP), message)
                       for _ in range(self.CALLS)]
            hf.eventually(lambda: f"in_flight={self.CALLS + 1} " in
                          p.root.ctl("lb/functions", function_id), "all are on their way")
            for stream in streams:
                connection.reset(stream)
            hf.eventually(lambda: "in_flight=1 " in p.root.ctl("lb/functions", function_id),
                          "all are cancelled")

    def test_many_cancelled_calls_cut_no_other(self):
        p = self.tree(1, options={"leaf": {"trust_callers": "yes"}, "node": {"threads": 1}})
        function_id = p.create("hyperfaas-sleep:latest", max_concurrency=1000)
        client = p.client(function_id)
        client.call(self.SLEEP, self.request(0))
        long = client.begin(self.SLEEP, self.request(3600), timeout=60)
        for _ in range(5):
            self.cancel_many(p, function_id)
        self.assertFalse(long.done())
        long.cancel()


class Alone(hf.TestCase):
    """A load balancer in one process with what is below it."""

    def test_drains_from_the_outside_inwards(self):
        p = self.platform(lb=True)
        client = p.client(p.probe())
        call = client.begin("/hf.Probe/Unary", b"x", metadata=instructions(id="it", hold="end"))
        p.wait_note("call", id="it")
        p.leaf.terminate()
        hf.eventually(lambda: "draining=yes" in p.leaf.ctl("node/show"), "it drains")
        p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.assertEqual(p.leaf.wait(), 0)

    def test_needs_no_store(self):
        p = self.tree(1)
        with self.assertRaisesRegex(AssertionError, "needs to know no functions"):
            p.root.ctl("catalog/show")
        with self.assertRaisesRegex(AssertionError, "has no store"):
            p.root.ctl("store/show")
        self.assertEqual([path.name for path in p.root.state.rglob("store*")], [])


if __name__ == "__main__":
    hf.main()
