"""One node under two names, and load balancers that would be their own children."""

import grpc
import hf
from hf import net
from hf.line import Line
from hf.tree import children, usable

ECHO = "/examples.echo.v1.Echo/Echo"
PING = b"\n\2ok"


class IdentityTest(hf.TestCase):
    def names_of(self, user, *addresses):
        """Other names for a node that `user` uses, and the line behind them, which can be cut."""
        near = [net.free_address(net.own_host()) for _ in addresses]
        line = Line(*zip(near, addresses, strict=True))
        self.addCleanup(line.discard)
        self.addCleanup(lambda: user.running() and user.stop())  # first, so that it misses nobody
        return line.start(), near


class Worker(IdentityTest):
    """A leaf whose only worker stands in its configuration twice."""

    def start(self):
        self.p = self.platform(split=True, start=False)
        self.p.worker.start()
        self.lines = {}
        for _ in range(2):
            line, (near,) = self.names_of(self.p.leaf, self.p.worker_api)
            self.lines[near] = line
        self.p.leaf.sections["leaf"].update(workers=list(self.lines), heartbeat="100ms",
                                            loss_timeout="300ms")
        self.p.leaf.log.announce("two addresses lead to the same worker")
        self.p.leaf.start()
        self.function_id = self.p.probe(max_concurrency=1)
        self.client = self.p.client(self.function_id)

    def by_state(self, state):
        return [line.split()[0].removeprefix("worker=")
                for line in self.p.leaf.ctl("leaf/workers").splitlines() if f"state={state}" in line]

    def wait_held(self):
        hf.eventually(lambda: self.by_state("up") and self.by_state("held"), "one of two is used")

    def instances(self):
        return self.p.leaf.ctl("leaf/instances").splitlines()

    def test_is_used_once(self):
        self.start()
        self.wait_held()
        self.assertIn("the same worker as", self.p.leaf.ctl("leaf/workers"))
        self.client.call("/hf.Probe/Unary")
        self.assertEqual(len(self.instances()), 1)
        self.p.leaf.kill()
        self.p.leaf.restart()
        self.wait_held()
        hf.eventually(self.instances, "the instance is adopted")
        self.assertEqual(len(self.instances()), 1, "once")
        self.p.client(self.function_id).call("/hf.Probe/Unary")
        self.assertEqual(len(self.p.notes("start")), 1)

    def test_the_second_takes_over(self):
        self.start()
        self.wait_held()
        self.client.call("/hf.Probe/Unary")
        (first,), (second,) = self.by_state("up"), self.by_state("held")
        self.p.leaf.log.announce("worker lost")
        self.lines[first].cut()
        hf.eventually(lambda: self.by_state("up") == [second], "the other address is used")
        hf.eventually(self.instances, "the instance is adopted")
        self.client.call("/hf.Probe/Unary")
        self.assertEqual(len(self.p.notes("start")), 1)
        self.lines[first].mend()
        hf.eventually(lambda: self.by_state("held") == [first], "the first waits now")


class Child(IdentityTest):
    """Load balancers that are told of a child that they must not have."""

    def start(self, *shape):
        self.p = self.tree(*shape, start=False)
        for leaf in self.p.leaves:
            leaf.start()

    def entry(self, node):
        return f"{node.api}/{node.proxy}"

    def add_child(self, node, *more):
        node.sections["lb"]["children"] = [*(node.sections["lb"]["children"] or []), *more]

    def wait_refused(self, node, why):
        hf.eventually(lambda: why in node.ctl("lb/show"), f"{node.name} says: {why}")

    def call(self, node, function_id):
        return self.p._client(node.proxy, function_id).call(ECHO, PING, timeout=10)

    def test_itself(self):
        self.start(1)
        root = self.p.root
        _, near = self.names_of(root, root.api, root.proxy)
        self.add_child(root, "/".join(near))
        root.log.announce("a child is not used")
        root.start()
        self.wait_refused(root, "it is this node itself")
        hf.eventually(lambda: usable(root) == 1, "the other child is used")
        self.assertEqual(self.call(root, self.p.create("hyperfaas-echo:latest")), PING)
        self.assertEqual(root.counter("proxy_calls"), 1)

    def test_under_two_names(self):
        self.start(1)
        root, leaf = self.p.root, self.p.leaves[0]
        _, near = self.names_of(root, leaf.api, leaf.proxy)
        self.add_child(root, "/".join(near))
        root.log.announce("a child is not used")
        root.start()
        self.wait_refused(root, "it is the same node as")
        self.assertEqual(usable(root), 1)
        self.assertEqual(len(children(root)), 2)
        self.assertEqual(self.call(root, self.p.create("hyperfaas-echo:latest")), PING)

    def test_each_other(self):
        """Of two that name each other, one uses the other; each still has its leaf."""
        self.start(2, 1)
        a, b = self.p.branches
        for node, other in ((a, b), (b, a)):
            self.add_child(node, self.entry(other))
        last = max(a, b, key=lambda node: node.name)
        last.log.announce("a child is not used")
        a.start()
        b.start()
        self.wait_refused(last, "it stands above this node")
        hf.eventually(lambda: usable(a) + usable(b) == 3, "both leaves and one load balancer")
        function_id = self.p.create("hyperfaas-echo:latest")
        for node in (a, b):
            self.assertEqual(self.call(node, function_id), PING)

    def test_its_grandparent(self):
        """A circle of three: nobody hears of it from its own children or parents alone."""
        self.start(1, 1, 1)
        middle, low = sorted(self.p.branches, key=lambda node: len(node.name))
        root = self.p.root
        self.add_child(low, self.entry(root))
        for node in (root, middle, low):
            node.log.tolerate("a child is not used")
        for node in (low, middle, root):
            node.start()
        hf.eventually(lambda: sum("it stands above this node" in node.ctl("lb/show")
                                  for node in (root, middle, low)) == 1, "the circle is cut once")
        function_id = self.p.create("hyperfaas-echo:latest")
        try:
            self.call(root, function_id)
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE,))
        self.assertLess(sum(node.counter("proxy_calls") for node in (root, middle, low)), 10)


if __name__ == "__main__":
    hf.main()
