"""Children of the existing implementation, and what a load balancer does when a child refuses."""

import re
import socket

import grpc
import hf
from hf import tree
from hf.peer import Peer, refuse
from hf.rpc import trailer

CALL = "/any.Service/Method"


class Peers(hf.TestCase):
    """A load balancer of ours above children that are not."""

    def above(self, *services, **options):
        self.below([Peer(hf.net.own_host(), service) for service in services], **options)

    def below(self, peers, **options):
        self.peers = peers
        for peer in self.peers:
            self.addCleanup(peer.stop)
        options["children"] = [peer.address for peer in self.peers]
        self.p = self.tree(0, start=False, options={"lb": options})
        self.p.start()

    def wait_listeners(self):
        hf.eventually(lambda: all(peer.listeners for peer in self.peers), "it listens to all")

    def counts(self):
        return [len(peer.calls) for peer in self.peers]


class Existing(Peers):
    def test_follows_what_is_told_without_a_snapshot(self):
        self.above("leaf.Leaf", "leaf.Leaf")
        self.wait_listeners()
        client = self.p.client("f")
        for warm in (0, 1, 0):
            self.peers[warm].tell("f", True)
            self.peers[1 - warm].tell("f", False)
            hf.eventually(lambda warm=warm: self.homes("f") == {warm}, "it follows")
            before = self.counts()
            for _ in range(10):
                self.assertEqual(client.call(CALL, b"x"), b"x")
            self.assertEqual(self.counts()[warm], before[warm] + 10)

    def homes(self, function_id):
        """The peers that get its calls now."""
        self.p.client(function_id).call(CALL, b"x")
        line = self.p.root.ctl("lb/functions", function_id).splitlines()[0]
        told = line.partition("children=")[2].split(",")
        return {i for i, peer in enumerate(self.peers) if peer.api in told}

    def test_stream_that_breaks_off_forgets_nothing(self):
        self.above("leaf.Leaf", "leaf.Leaf")
        self.wait_listeners()
        for function_id in ("f", "g", "h"):
            self.peers[0].tell(function_id, True)
        hf.eventually(lambda: tree.warm(self.p.root) == {"f", "g", "h"}, "all are told")
        for peer in self.peers:
            peer.break_off()
        self.wait_listeners()
        self.assertEqual(tree.warm(self.p.root), {"f", "g", "h"})
        for function_id in ("f", "g", "h"):
            self.assertEqual(self.homes(function_id), {0})

    def test_routing_controller_as_child(self):
        self.above("routingcontroller.RoutingController")
        self.wait_listeners()
        self.peers[0].tell("f", True)
        hf.eventually(lambda: tree.warm(self.p.root) == {"f"}, "it is told")
        self.assertEqual(self.p.client("f").call(CALL, b"x"), b"x")

    def test_child_that_serves_no_state(self):
        self.above("some.Other")
        hf.eventually(lambda: tree.usable(self.p.root) == 1, "it is used for cold calls")
        self.assertEqual(self.p.client("f").call(CALL, b"x"), b"x")


class Silent(Peers):
    def test_proxy_that_says_nothing(self):
        """The child's API is well, and whoever connects to its proxy waits for ever."""
        peers = [Peer(hf.net.own_host()) for _ in range(2)]
        for peer in peers:
            self.addCleanup(peer.stop)
        with socket.socket() as silent:
            silent.bind((hf.net.own_host(), 0))
            silent.listen(100)
            where = "%s:%d" % silent.getsockname()
            self.p = self.tree(0, options={"lb": {
                "children": [f"{peers[0].api}/{where}", peers[1].address]}})
            self.p.root.log.announce("calls fail at a child")
            clients = [self.p.client(f"f{i}") for i in range(10)]
            calls = [client.begin(CALL, b"x") for client in clients]
            self.assertEqual([call.result() for call in calls], [b"x"] * len(calls))
            self.assertGreaterEqual(self.p.root.counter("child_ejected"), 1)


class Ours(Peers):
    def test_drain_taken_back_between_two_questions(self):
        """It drains when asked who it is, and no longer when asked what it has warm: its health,
        asked later, tells."""
        peer = Peer(hf.net.own_host(), info=hf.pb.node.InfoResponse(node_id="p", draining=True))
        self.addCleanup(peer.stop)
        self.p = self.tree(0, start=False,
                           options={"lb": {"children": [peer.address], "heartbeat": "50ms"}})
        self.p.root.start()
        hf.eventually(lambda: peer.listeners, "it listens")
        peer.tell("", False)  # the end of the snapshot
        hf.eventually(lambda: tree.usable(self.p.root) == 1, "it is used")
        self.assertEqual(self.p.client("f").call(CALL, b"x"), b"x")


    def test_an_id_that_is_none(self):
        """What it says of itself is not kept: neither the longest there can be, nor what a terminal
        obeys."""
        for node_id in ("p" * 400, "p" * (3 << 20), "p\x1b[2J", ""):
            peer = Peer(hf.net.own_host(), info=hf.pb.node.InfoResponse(node_id=node_id))
            self.addCleanup(peer.stop)
            self.p = self.tree(0, start=False, options={"lb": {"children": [peer.address]}})
            self.p.root.start()
            hf.eventually(lambda: re.search("cannot be used|RESOURCE_EXHAUSTED|longer than",
                                            self.p.root.ctl("lb/show")), "it is not used")
            self.assertEqual(tree.usable(self.p.root), 0)
            self.assertLess(len(self.p.root.ctl("lb/show")), 2000)
            self.p.stop()


class Refusals(Peers):
    """A refusal that no function has seen is tried elsewhere, within one budget.  It is believed
    of nodes of ours alone."""

    def start(self, count=2, **options):
        self.below([Peer(hf.net.own_host(), info=hf.pb.node.InfoResponse(node_id=f"p{i}"),
                         snapshot=True) for i in range(count)], **options)
        hf.eventually(lambda: tree.usable(self.p.root) == count, "all are used")
        self.client = self.p.client("f")

    def first(self):
        """The peer that gets the first call of the function."""
        self.client.call(CALL, b"x")
        first, = [peer for peer in self.peers if peer.calls]
        return first

    def attempts(self):
        """What the calls said of attempts before them."""
        return sorted(call.get("grpc-previous-rpc-attempts", "") for peer in self.peers
                      for call in peer.calls)

    def test_another_child_takes_it(self):
        self.start()
        first = self.first()
        first.answer = refuse()
        for _ in range(5):
            self.assertEqual(self.client.call(CALL, b"x"), b"x")

    def test_budget_is_for_the_whole_way(self):
        self.start(3, max_attempts=3)
        for peer in self.peers:
            peer.answer = refuse()
        error = hf.failure(self.client.call, CALL, b"x")
        self.assertEqual(error.details(), "the peer refuses")
        self.assertEqual(self.attempts(), ["", "1", "2"])
        self.assertEqual(trailer(error, "hyperfaas-retries"), "2")

    def test_what_the_caller_and_the_child_have_used_counts(self):
        self.start(3, max_attempts=3)
        for peer in self.peers:
            peer.answer = refuse(hyperfaas_retries="1")
        error = hf.failure(self.client.call, CALL, b"x")
        self.assertEqual(self.attempts(), ["", "2"])
        self.assertEqual(trailer(error, "hyperfaas-retries"), "2")
        with hf.h2raw.Connection(self.p.proxy) as connection:  # grpcio keeps the field to itself
            request = hf.h2raw.grpc_request("f", CALL, [("grpc-previous-rpc-attempts", "2")])
            stream = connection.request(request, hf.h2raw.message(b"x"))
            self.assertEqual(connection.response(stream).field("hyperfaas-retries"), "2")
        self.assertEqual(sum(self.counts()), 3)

    def test_only_child_is_asked_once(self):
        self.start(1)
        self.peers[0].answer = refuse("queue-full")
        error = hf.failure(self.client.call, CALL, b"x")
        self.assertEqual(trailer(error, "hyperfaas-reason"), "queue-full")
        self.assertEqual(self.counts(), [1])

    def test_pushback_is_for_the_caller(self):
        self.start()
        for peer in self.peers:
            peer.answer = refuse(grpc_retry_pushback_ms="100")
        error = hf.failure(self.client.call, CALL, b"x")
        self.assertEqual(trailer(error, "grpc-retry-pushback-ms"), "100")
        self.assertEqual(sum(self.counts()), 1)

    def test_what_a_function_says_is_passed_on(self):
        self.start()

        def fail(context, _):
            context.abort(grpc.StatusCode.UNAVAILABLE, "the function says so")

        for peer in self.peers:
            peer.answer = fail
        error = hf.failure(self.client.call, CALL, b"x")
        self.assertEqual(error.details(), "the function says so")
        self.assertEqual(sum(self.counts()), 1)

    def test_draining_child_is_ejected(self):
        self.start(eject_for="10s")
        self.p.root.log.announce("calls fail at a child")
        first = self.first()
        first.answer = refuse("draining")
        self.assertEqual(self.client.call(CALL, b"x"), b"x")
        hf.eventually(lambda: tree.usable(self.p.root) == 1, "it gets no calls")
        seen = len(first.calls)
        for _ in range(10):
            self.client.call(CALL, b"x")
        self.assertEqual(len(first.calls), seen)

    def test_ejected_child_is_readmitted(self):
        self.start(eject_for="50ms", heartbeat="20ms")
        self.p.root.log.announce("calls fail at a child")
        first = self.first()
        first.answer = refuse("draining")
        self.assertEqual(self.client.call(CALL, b"x"), b"x")
        first.answer = lambda context, request: request
        hf.eventually(lambda: tree.usable(self.p.root) == 2, "it is tried again")
        self.assertEqual(self.p.root.counter("child_ejected"), 1)

    def test_long_request_is_sent_once(self):
        self.start()
        for peer in self.peers:
            peer.answer = refuse()
        hf.failure(self.client.call, CALL, bytes(1 << 20))
        self.assertEqual(sum(self.counts()), 1)


if __name__ == "__main__":
    hf.main()
