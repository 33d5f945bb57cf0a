"""HAProxy in front of leaves, and a load balancer of ours as its routing controller."""

import os
import signal
import subprocess

import grpc
import hf
from hf import env, load, net, spop, tree
from hf.haproxy import CONFIGURATIONS, HAProxy
from hf.rpc import instructions, trailer
from hf.spop import Spop

HELLO = "/examples.hello.v1.Hello/SayHello"
WARM, COLD = "routing-controller", "haproxy-consistent-hash"


class Controlled(hf.TestCase):
    """Leaves, and a load balancer that only answers."""

    def start(self, leaves=2, runtime="fake", **lb):
        self.agent = lb.get("spoe", net.free_address(net.own_host()))
        options = {"lb": {"spoe": self.agent, "forward": "no", **lb}}
        self.p = self.tree(leaves, runtime=runtime, options=options)

    def put_in_front(self, configuration="two.cfg"):
        self.haproxy = HAProxy(self.folder, configuration, self.p.leaves, self.agent)
        self.addCleanup(self.haproxy.discard)
        self.haproxy.start()
        self.p.proxy = self.haproxy.front

    def warm_at(self, leaf):
        """A function that this leaf has warm, and that the controller knows of."""
        function_id = self.p.create("hyperfaas-hello:latest")
        with hf.Client(leaf.proxy, function_id) as client:
            client.call(HELLO)
        hf.eventually(lambda: function_id in tree.warm(self.p.root), "the controller knows")
        return function_id

    def routed_by(self, function_id):
        """Who chose, for each call of the function, that which ended first first."""
        return [call["routed_by"] for call in self.haproxy.calls()
                if call["function"] == function_id]

    def ask(self, connection, **args):
        """The answer to a question: (preferred_backend, routed_by)."""
        full = {"host": None, "authority": None, "protocol": "2.0", **args}
        answer = connection.ask("route-decision", full)
        self.assertLessEqual({scope for scope, _ in answer}, {spop.TRANSACTION})
        values = {name: value for (_, name), value in answer.items()}
        return values.pop("preferred_backend", None), values.pop("routed_by"), *values


class Calls(Controlled):
    def check_warm(self, configuration, leaves, **lb):
        """Hashing alone would send many of the calls elsewhere."""
        self.start(leaves, **lb)
        self.put_in_front(configuration)
        homes = {self.warm_at(leaf): leaf.name for leaf in self.p.leaves for _ in range(5)}
        for function_id, leaf in homes.items():
            client = self.p.client(function_id)
            for _ in range(5):
                client.call(HELLO)
            self.assertEqual(self.p.leaves_with(function_id), [leaf])
            hf.eventually(lambda f=function_id: len(self.routed_by(f)) == 5, "all are in the log")
            self.assertEqual(set(self.routed_by(function_id)), {WARM})
        self.assertEqual(self.p.root.counter("haproxy_warm"), 5 * len(homes))

    def test_warm_calls_go_to_the_warm_leaf(self):
        self.check_warm("two.cfg", 2)

    def test_the_same_with_more_leaves_and_a_unix_socket(self):
        self.check_warm("many.cfg", 3, spoe=f"unix:{self.folder}/spoe")

    def test_one_leaf_needs_no_controller(self):
        p = self.p = self.tree(1)
        self.agent = None
        self.put_in_front("one.cfg")
        client = self.p.client(p.create("hyperfaas-hello:latest"))
        for _ in range(3):
            client.call(HELLO)

    def test_cold_functions_meet_and_spread(self):
        self.start()
        self.put_in_front()
        functions = [self.p.create("hyperfaas-hello:latest") for _ in range(20)]
        for function_id in functions:
            clients = [self.p.client(function_id + port) for port in ("", ":443", ":50053", "")]
            for call in [client.begin(HELLO) for client in clients]:
                call.result()
            hf.eventually(lambda f=function_id: len(self.routed_by(f)) == 4, "all are in the log")
            self.assertIn(COLD, self.routed_by(function_id))
        homes = [self.p.leaves_with(function_id) for function_id in functions]
        self.assertEqual({len(home) for home in homes}, {1}, "each is warm on one leaf")
        self.assertEqual(len({home[0] for home in homes}), 2, "both leaves are used")

    def test_a_burst_shares_few_connections_to_the_controller(self):
        """HAProxy opens one for each call unless told otherwise, and takes a refusal as a loss."""
        self.start()
        self.put_in_front()
        function_id = self.p.create("hyperfaas-echo:latest")
        report = load.run(self.haproxy.front, function_id, "/examples.echo.v1.Echo/Echo", 6000,
                          connections=50, streams=40)
        self.assertEqual((report["calls"], report["failed"]), (6000, 0), report["failure"])
        self.assertEqual(self.p.root.counter("spop_refused"), 0)
        self.assertLess(self.p.root.counter("spop_accepted"), 300)
        self.assertEqual(self.haproxy.servers()["controller"], "UP")

    def test_streams_deadlines_and_statuses_pass(self):
        self.start(runtime="process")
        self.put_in_front()
        client = self.p.client(self.p.probe())
        said = client.converse("/hf.Probe/Converse", iter([b"1", b"2", b"3"]))
        self.assertEqual(list(said), [b"1", b"2", b"3"])
        large = bytes(3 << 20)
        self.assertEqual(client.call("/hf.Probe/Unary", large), large)
        error = hf.failure(client.call, "/hf.Probe/Unary", metadata=instructions(
            status=9, message="as told", trailing=[["t", "1"]]))
        self.assertEqual((error.code(), error.details(), trailer(error, "t")),
                         (grpc.StatusCode.FAILED_PRECONDITION, "as told", "1"))
        call = client.begin("/hf.Probe/Unary", timeout=30,
                            metadata=instructions(id="it", hold="never"))
        self.p.wait_note("call", id="it")
        call.cancel()
        self.p.wait_note("cancelled", id="it")

    def test_leaf_that_drains_ends_its_calls_and_gets_no_new_ones(self):
        self.start(runtime="process")
        self.put_in_front()
        function_id = self.p.probe()
        client = self.p.client(function_id)
        call = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="file"))
        self.p.wait_note("call", id="it")
        home, = self.p.leaves_with(function_id)
        leaf, = (leaf for leaf in self.p.leaves if leaf.name == home)
        self.p.root.log.tolerate("child lost")
        leaf.terminate()
        self.haproxy.wait(f"leaf-{self.p.leaves.index(leaf) + 1}", "DOWN")
        self.assertEqual(client.call("/hf.Probe/Unary", b"new"), b"new")
        self.assertTrue(leaf.running())
        self.p.release("file")
        self.assertEqual(call.result(), b"")
        self.assertEqual(leaf.wait(), 0)


class Losses(Controlled):
    """Whoever goes away: calls go on, and none fails."""

    def setUp(self):
        super().setUp()
        self.start()
        self.put_in_front()
        self.function_id = self.warm_at(self.p.leaves[0])
        self.callers = [load.Caller(self.p.client(self.function_id), HELLO, b"") for _ in range(4)]
        for caller in self.callers:
            caller.start()
            self.addCleanup(caller.stop.set)
        self.wait_calls()

    def wait_calls(self, count=20):
        """Each caller has made so many calls more."""
        wanted = [caller.count + count for caller in self.callers]
        hf.eventually(lambda: all(caller.count >= n or caller.failures
                                  for caller, n in zip(self.callers, wanted)), "calls go on")

    def wait_routed_by(self, whom):
        hf.eventually(lambda: self.routed_by(self.function_id)[-1:] == [whom],
                      f"calls are routed by {whom}")

    def finish(self):
        failures = [failure for caller in self.callers for failure in caller.finish()]
        self.assertEqual(failures, [])

    def wait_warm_again(self):
        """The controller decides again."""
        self.haproxy.wait("controller", "UP")
        self.p.wait_whole()
        before = self.p.root.counter("haproxy_warm")
        hf.eventually(lambda: self.p.root.counter("haproxy_warm") > before, "it is asked again")

    def test_controller_killed_and_back(self):
        self.wait_routed_by(WARM)
        self.p.root.kill()
        self.haproxy.wait("controller", "DOWN")
        self.wait_calls()
        self.wait_routed_by("-")  # nobody has said anything
        other = self.p.create("hyperfaas-hello:latest")
        client = self.p.client(other)
        for _ in range(5):
            client.call(HELLO)
        self.assertEqual(len(self.p.leaves_with(other)), 1, "hashing keeps its calls together")
        self.p.root.restart()
        self.wait_warm_again()
        self.wait_calls()
        self.wait_routed_by(WARM)
        self.finish()

    def test_controller_that_ends_in_order(self):
        self.p.root.stop()
        self.wait_calls()
        self.p.root.restart()
        self.wait_warm_again()
        self.finish()
        self.assertNotIn("SPOE", self.haproxy.log.read_text())

    def test_controller_that_hangs(self):
        """A frozen one costs each call the time limit for its answers, until it is found out."""
        self.p.root.process.send_signal(signal.SIGSTOP)
        self.wait_calls(3)
        self.haproxy.wait("controller", "DOWN")
        self.wait_calls()
        self.p.root.process.send_signal(signal.SIGCONT)
        self.p.root.log.tolerate("child lost")
        self.wait_warm_again()
        self.finish()

    def test_leaf_taken_out_and_back(self):
        """The way to update a leaf: HAProxy is told before it ends."""
        leaf = self.p.leaves[0]
        self.p.root.log.tolerate("child lost")
        self.haproxy.ask("set server leaves/leaf-1 state maint")
        hf.eventually(lambda: not self.haproxy.running_calls("leaf-1"), "its calls have ended")
        leaf.stop()
        self.wait_calls()
        self.assertEqual(self.p.leaves_with(self.function_id), [self.p.leaves[1].name])
        leaf.restart()
        self.haproxy.ask("set server leaves/leaf-1 state ready")
        self.haproxy.wait("leaf-1", "UP")
        self.wait_calls()
        self.finish()

    def test_no_leaf_is_left(self):
        self.p.root.log.tolerate("child lost")
        self.finish()
        for number, leaf in enumerate(self.p.leaves):
            leaf.stop()
            self.haproxy.wait(f"leaf-{number + 1}", "DOWN")
        error = hf.failure(self.p.client(self.function_id).call, HELLO)
        self.assertEqual((error.code(), error.details()),
                         (grpc.StatusCode.UNAVAILABLE, "no leaf can be reached"))


class Answers(Controlled):
    """The agent, asked by a client of the test's own."""

    def test_hello_as_it_is_on_the_wire(self):
        self.start()
        with Spop(self.agent) as connection:
            self.assertEqual(connection.meet(), {
                "version": "2.0", "max-frame-size": 16380,
                "capabilities": "pipelining,fragmentation"})
        with Spop(self.agent) as connection:
            self.assertEqual(connection.meet(healthcheck=True, max_frame_size=1000)
                             ["max-frame-size"], 1000)
            self.assertIsNone(connection.receive(), "a health check is over at once")

    def test_who_decides(self):
        self.start()
        first, second = self.p.leaves
        warm = self.warm_at(first)
        with Spop(self.agent) as connection:
            connection.meet()
            by_controller, by_hash = (first.proxy, WARM), (None, COLD)
            for args, answer in (
                    ({"authority": warm}, by_controller),
                    ({"authority": f"{warm}:9999"}, by_controller),
                    ({"host": warm}, by_controller),
                    ({"host": f"{warm}:1", "authority": ""}, by_controller),
                    ({"host": warm, "authority": "other"}, by_hash),
                    ({"authority": "unheard-of"}, by_hash),
                    ({"authority": ":80"}, by_hash),
                    ({"authority": "x" * 5000}, by_hash),
                    ({}, by_hash)):
                self.assertEqual(self.ask(connection, **args), answer, args)
            self.assertEqual(connection.ask("something-else", {"host": warm}), {})
            with hf.Client(second.proxy, warm) as client:
                client.call(HELLO)
            hf.eventually(lambda: all(child["functions"] == "1"
                                      for child in tree.children(self.p.root)), "both tell")
            answers = [self.ask(connection, authority=warm)[0] for _ in range(10)]
            self.assertEqual({leaf: answers.count(leaf) for leaf in answers},
                             {first.proxy: 5, second.proxy: 5}, "each in turn")

    def test_a_leaf_that_is_lost_is_not_named(self):
        self.start()
        warm = self.warm_at(self.p.leaves[0])
        self.p.root.log.announce("child lost")
        self.p.leaves[0].kill()
        with Spop(self.agent) as connection:
            connection.meet()
            hf.eventually(lambda: self.ask(connection, authority=warm) == (None, COLD),
                          "the choice is left to HAProxy")

    def test_beside_calls_of_its_own_on_a_unix_socket(self):
        self.start(spoe=f"unix:{self.folder}/spoe", forward="yes")
        warm = self.warm_at(self.p.leaves[1])
        self.p.client(warm).call(HELLO)
        with Spop(self.agent) as connection:
            connection.meet()
            self.assertEqual(self.ask(connection, authority=warm),
                             (self.p.leaves[1].proxy, WARM))
        self.assertEqual(os.stat(f"{self.folder}/spoe").st_mode & 0o777, 0o660)

    def test_hostile_bytes(self):
        self.start()
        warm = self.warm_at(self.p.leaves[0])
        healthy = Spop(self.agent)
        self.addCleanup(healthy.__exit__)
        healthy.meet()
        hostile = [
            b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff" * 20000,
            bytes(4), spop.frame(spop.NOTIFY, b""), spop.hello(max_frame_size=10),
            spop.hello(supported_versions="1.0"), spop.hello() * 2,
            spop.hello() + spop.frame(spop.NOTIFY, b"\x05short", 1, 1),
            spop.hello() + spop.frame(0, b"", 1, 1),
            spop.hello() + b"\0\0\x40\x00",
        ]
        for data in hostile:
            with Spop(self.agent) as connection:
                connection.send(data)
                frames = list(iter(connection.receive, None))
                self.assertEqual(frames[-1].kind, spop.AGENT_DISCONNECT)
                self.assertGreater(frames[-1].items()["status-code"], 0)
        for cut in range(1, len(spop.hello()), 7):
            with Spop(self.agent) as connection:
                connection.send(spop.hello()[:cut])
        self.assertEqual(self.p.root.counter("spop_invalid"), len(hostile))
        self.assertEqual(self.ask(healthy, authority=warm), (self.p.leaves[0].proxy, WARM))


class Configurations(hf.TestCase):
    def test_haproxy_takes_them_as_they_are(self):
        """Without a warning."""
        for name in ("one.cfg", "two.cfg", "many.cfg"):
            result = subprocess.run(["haproxy", "-c", "-f", CONFIGURATIONS / name],
                                    capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""), name)

    def test_a_load_balancer_has_something_to_do(self):
        config = self.folder / "idle.ini"
        config.write_text("[node]\nroles = lb\n"
                          "[lb]\nforward = no\nchildren = 127.0.0.1:1/127.0.0.1:2\n")
        result = subprocess.run([env.program("hyperfaasd"), "-c", config, "--check"],
                                capture_output=True, text=True, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("[lb] forward: 'no' needs `spoe`", result.stderr)


if __name__ == "__main__":
    hf.main()
