"""Calls that the platform itself refuses: the status, a word for programs, a text for people."""

import grpc
import hf
from hf import h2raw
from hf.rpc import instructions, outcome, trailer

Code = grpc.StatusCode


class Refusals(hf.TestCase):
    def assert_refused(self, error, code, reason, dispatched="0"):
        self.assertEqual(error.code(), code, error.details())
        self.assertEqual(trailer(error, "hyperfaas-reason"), reason)
        self.assertEqual(trailer(error, "hyperfaas-dispatched"), dispatched)
        self.assertTrue(error.details())

    def test_unknown_function(self):
        p = self.platform(runtime="fake")
        error = hf.failure(p.client("nobody").call, "/any.Service/Method")
        self.assert_refused(error, Code.NOT_FOUND, "unknown-function")
        self.assertIn("nobody", error.details())

    def test_id_that_no_function_can_have(self):
        """Its status does not invite to repeat the call."""
        p = self.platform(runtime="fake", lb=True)
        for address in (p.leaf_proxy, p.proxy):
            for length in (254, 300, 4096, 5000, 60000):
                with self.subTest(length=length), h2raw.Connection(address) as connection:
                    stream = connection.request(h2raw.grpc_request("x" * length, "/x.Y/Z"))
                    response = connection.response(stream)
                    self.assertEqual(response.field("grpc-status"), "5")
                    self.assertEqual(response.field("hyperfaas-reason"), "unknown-function")

    def test_unknown_stays_unknown_only_until_it_is_created(self):
        p = self.platform(runtime="fake")
        client = p.client("late")
        self.assertEqual(hf.failure(client.call, "/x.Y/Z").code(), Code.NOT_FOUND)
        p.create("hyperfaas-hello:latest", function_id="late")
        # That it was unknown is remembered for a moment.
        hf.eventually(lambda: self.works(client), "the function answers", limit=2)

    @staticmethod
    def works(client):
        try:
            client.call("/examples.hello.v1.Hello/SayHello")
        except grpc.RpcError:
            return False
        return True

    def test_a_thousand_unknown_ids_cost_nothing_lasting(self):
        p = self.platform(runtime="fake")
        calls = []
        with h2raw.Connection(p.proxy) as connection:
            for i in range(1000):
                request = h2raw.grpc_request(f"made-up-{i}", "/x.Y/Z")
                calls.append(connection.request(request, h2raw.message(b"")))
                if len(calls) % 100 == 0:
                    for stream in calls[-100:]:
                        response = connection.response(stream)
                        self.assertEqual(response.field("grpc-status"), "5")

    def test_bad_authority(self):
        p = self.platform(runtime="fake")
        for authority in (":80", ":"):
            with self.subTest(authority=authority), h2raw.Connection(p.proxy) as connection:
                stream = connection.request(h2raw.grpc_request(authority, "/x.Y/Z"))
                response = connection.response(stream)
                self.assertEqual(response.field("grpc-status"), "3")
                self.assertEqual(response.field("hyperfaas-reason"), "bad-authority")

    def test_authority_in_host(self):
        p = self.platform(runtime="fake")
        function_id = p.create("hyperfaas-hello:latest")
        with h2raw.Connection(p.proxy) as connection:
            request = h2raw.grpc_request(None, "/examples.hello.v1.Hello/SayHello",
                                         [("host", function_id)])
            stream = connection.request(request, h2raw.message(b""))
            self.assertEqual(connection.response(stream).field("grpc-status"), "0")

    def test_no_authority_at_all(self):
        p = self.platform(runtime="fake")
        with h2raw.Connection(p.proxy) as connection:
            stream = connection.request(h2raw.grpc_request(None, "/x.Y/Z"))
            response = connection.response(stream)
            self.assertTrue(response.over())
            self.assertIsNone(response.field("grpc-status"))

    def test_queue_full(self):
        p = self.platform(options={"leaf": {"max_instances_per_worker": 1, "queue_depth": 2}})
        client = p.client(p.probe(max_concurrency=1))
        running = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="go-on"))
        p.wait_note("call", id="it")
        # Which of them are refused is a matter of their order on the wire; how many is not.
        others = [client.begin("/hf.Probe/Unary") for _ in range(5)]
        hf.eventually(lambda: sum(c.done() for c in others) == 3, "three calls are refused")
        for call in (c for c in others if c.done()):
            self.assert_refused(call.exception(), Code.UNAVAILABLE, "queue-full")
            self.assertTrue(500 <= int(trailer(call, "grpc-retry-pushback-ms")) <= 1500)
        p.release("go-on")
        self.assertEqual(outcome(running), Code.OK)
        self.assertEqual([outcome(c) for c in others].count(Code.OK), 2)


class StartFails(hf.TestCase):
    def refused(self, platform, function_id):
        platform.leaf.log.announce("calls refused")
        platform.leaf.log.tolerate("start failed|ended before it was ready")
        client = platform.client(function_id)
        error = hf.failure(client.call, "/x.Y/Z", timeout=15)
        self.assertEqual(error.code(), Code.UNAVAILABLE, error.details())
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        self.assertIn(function_id, error.details())
        return error


class BadImages(StartFails):
    def test_no_such_image(self):
        p = self.platform()
        error = self.refused(p, p.create("hyperfaas-absent:latest"))
        self.assertIn("absent", error.details())

    def test_image_is_not_executable(self):
        p = self.platform()
        (p.functions / "text").write_text("no program")
        (p.functions / "text").chmod(0o644)
        self.refused(p, p.create("hyperfaas-text:latest"))

    def test_image_leads_out_of_its_folder(self):
        p = self.platform()
        self.refused(p, p.create("hyperfaas-../../../bin/true:latest"))

    def test_function_ends_before_it_serves(self):
        p = self.platform()
        self.refused(p, p.probe("probe-exits"))

    def test_function_never_becomes_ready(self):
        p = self.platform(options={"worker": {"ready_timeout": "1s"}})
        self.refused(p, p.probe("probe-silent"))

    def test_others_are_not_hurt(self):
        p = self.platform()
        bad, good = p.create("hyperfaas-absent:latest"), p.probe()
        self.refused(p, bad)
        self.assertEqual(p.client(good).call("/hf.Probe/Unary", b"x"), b"x")


class Words(StartFails):
    """What callers hear of the cause of a failure."""

    def cause(self, platform):
        function_id = platform.create("hyperfaas-absent:latest")
        return function_id, self.refused(platform, function_id).details()

    def test_callers_on_this_machine_hear_all(self):
        p = self.platform(lb=True)
        _, details = self.cause(p)
        self.assertIn(str(p.functions), details)

    def test_strangers_hear_the_kind(self):
        p = self.platform(options={"leaf": {"errors": "brief"}})
        function_id, details = self.cause(p)
        self.assertEqual(details,
                         f"function '{function_id}': its instances do not start (start-failed)")
        self.assertTrue(p.leaf.log.find(f"calls refused.*{p.functions}"), "the log has all")
        error = hf.failure(p.client("nobody").call, "/x.Y/Z")
        self.assertEqual(error.details(),
                         "function 'nobody': it is not registered (unknown-function)")

    def test_load_balancer_abridges_what_its_leaf_says(self):
        """The leaf's caller is on its machine, and the load balancer's is not."""
        p = self.platform(lb=True, options={"lb": {"errors": "brief"}})
        function_id, details = self.cause(p)
        self.assertEqual(details,
                         f"function '{function_id}': its instances do not start (start-failed)")
        late = hf.failure(p.client(p.probe("probe-waits")).call, "/hf.Probe/Unary", timeout=0.5)
        if trailer(late, "hyperfaas-reason"):  # else the caller's own clock was faster
            self.assertIn("the deadline has passed (deadline)", late.details())


if __name__ == "__main__":
    hf.main()
