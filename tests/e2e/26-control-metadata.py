"""What nodes tell each other in a call's metadata is for nodes to say: not for functions, not for
callers; and what they say is true."""

import json

import grpc
import hf
from hf import h2raw, tree
from hf.line import Line
from hf.peer import Peer, refuse
from hf.rpc import instructions, trailer

UNARY = "/hf.Probe/Unary"
LIE = [["hyperfaas-reason", "draining"], ["hyperfaas-dispatched", "0"], ["hyperfaas-retries", "0"],
       ["hyperfaas-made-up", "x"], ["honest", "yes"]]


def names(metadata):
    return {key for key, _ in metadata or () if key.startswith("hyperfaas-")}


class Lies(hf.TestCase):
    """A function speaks for its leaf."""

    def start(self):
        self.p = self.platform(lb=True)
        self.lb_client = self.p.client(self.p.probe())
        self.lb_client.call(UNARY)

    def test_function_that_says_its_leaf_drains(self):
        self.start()
        for _ in range(20):
            error = hf.failure(self.lb_client.call, UNARY, metadata=instructions(
                status=14, message="so it says", trailing=LIE))
            self.assertEqual(error.details(), "so it says")
            self.assertEqual(names(error.trailing_metadata()), set())
            self.assertEqual(trailer(error, "honest"), "yes")
        self.assertEqual(self.p.leaf.counter("child_ejected"), 0)
        self.assertEqual(self.p.leaf.counter("proxy_retries"), 0)
        self.assertEqual(len(self.p.notes("call")), 21, "no call was repeated")

    def test_in_headers_and_in_trailers_behind_messages(self):
        self.start()
        _, call = self.lb_client.call_full(UNARY, metadata=instructions(initial=LIE, trailing=LIE))
        self.assertEqual(names(call.initial_metadata()), set())
        self.assertEqual(names(call.trailing_metadata()), set())
        self.assertEqual(dict(call.initial_metadata())["honest"], "yes")

    def test_what_a_caller_sends_reaches_no_function(self):
        self.start()
        sent = [(key, value) for key, value in LIE] + [("hyperfaas-hops", "3")]
        self.lb_client.call(UNARY, metadata=instructions(id="it") + sent)
        seen = self.p.notes("call", id="it")[0]["metadata"]
        self.assertEqual(names(seen), set())
        self.assertEqual(dict(seen)["honest"], "yes")

    def test_function_behind_an_existing_leaf(self):
        """Such a leaf passes on what its functions say, and says nothing itself."""
        peers = [Peer(hf.net.own_host()) for _ in range(2)]
        for peer in peers:
            self.addCleanup(peer.stop)
            peer.answer = refuse("draining")
        p = self.tree(0, options={"lb": {"children": [peer.address for peer in peers]}})
        error = hf.failure(p.client("f").call, UNARY, b"x")
        self.assertEqual(error.details(), "the peer refuses")
        self.assertEqual(names(error.trailing_metadata()), set())
        self.assertEqual(sum(len(peer.calls) for peer in peers), 1)
        self.assertEqual(tree.usable(p.root), 2)


class Dispatched(hf.TestCase):
    """Whether a call that the platform ended can have reached the function."""

    def ended(self, platform, function_id, **wanted):
        """What a caller with a deadline hears of the platform, whose clock is the only one: the
        request never ends, and the mirror says nothing until it has."""
        with h2raw.Connection(platform.proxy, limit=20) as connection:
            request = h2raw.grpc_request(function_id, UNARY, [
                ("grpc-timeout", "300m"), ("probe", json.dumps(wanted))])
            stream = connection.request(request, h2raw.message(b""), end=False)
            response = connection.response(stream)
            self.assertEqual(response.field("grpc-status"), "4")
            self.assertEqual(response.field("hyperfaas-reason"), "deadline")
            return response.field("hyperfaas-dispatched")

    def run_out(self, lb):
        p = self.platform(lb=lb)
        function_id = p.create(p.install_mirror())
        with h2raw.Connection(p.proxy, limit=20) as connection:
            stream = connection.request(h2raw.grpc_request(function_id, UNARY))
            self.assertEqual(dict(connection.response(stream).headers)[":status"], "200")
        self.assertEqual(self.ended(p, function_id), "1")

    def test_deadline_while_the_function_runs(self):
        self.run_out(lb=False)

    def test_the_same_through_a_load_balancer(self):
        self.run_out(lb=True)

    def test_deadline_before_it_has_begun(self):
        p = self.platform()
        self.assertEqual(self.ended(p, p.probe("probe-waits"), id="it"), "0")
        p.release("go")
        p.client(p.probe("probe-waits")).call(UNARY, metadata=instructions(id="next"))
        self.assertEqual(p.notes("call", id="it"), [])


class Hops(hf.TestCase):
    """A call does not go round in circles."""

    def start(self):
        self.peer = Peer(hf.net.own_host())
        self.addCleanup(self.peer.stop)
        self.p = self.tree(0, options={"lb": {"children": [self.peer.address]}})

    def call(self, address, *hops):
        with h2raw.Connection(address, limit=20) as connection:
            request = h2raw.grpc_request("f", UNARY, [("hyperfaas-hops", h) for h in hops])
            return connection.response(connection.request(request, h2raw.message(b"x")))

    def test_counted_and_limited(self):
        self.start()
        for sent, passed in (((), "1"), (("3",), "4"), (("15",), "16"), (("x",), "1"),
                             (("-9",), "1"), (("2", "7"), "3")):
            with self.subTest(sent=sent):
                self.assertEqual(self.call(self.p.proxy, *sent).field("grpc-status"), "0")
                self.assertEqual(self.peer.calls[-1].get("hyperfaas-hops"), passed)
        for sent in ("16", "17", "99999999999999999999999"):
            before = len(self.peer.calls)
            response = self.call(self.p.proxy, sent)
            self.assertEqual(response.field("grpc-status"), "9")
            self.assertEqual(response.field("hyperfaas-reason"), "loop")
            self.assertEqual(response.field("hyperfaas-dispatched"), "0")
            self.assertIn("'root'", response.field("grpc-message"))
            self.assertEqual(len(self.peer.calls), before)

    def test_circle(self):
        """One call makes 17 of itself at most, and no attempt multiplies them.  A node of ours is
        not taken as its own child, so the circle is closed behind its back."""
        peer = Peer(hf.net.own_host())
        self.addCleanup(peer.stop)
        p = self.tree(0, start=False)
        line = Line((hf.net.free_address(p.host), p.root.proxy))
        self.addCleanup(line.discard)
        self.engines.append(line)
        p.root.sections["lb"]["children"] = f"{peer.api}/{line.ends[0][0]}"
        line.start()
        p.start()
        response = self.call(p.proxy)
        self.assertEqual(response.field("grpc-status"), "9")
        self.assertIn("'root'", response.field("grpc-message"))
        self.assertEqual(p.root.counter("proxy_calls"), 17)


if __name__ == "__main__":
    hf.main()
