"""Nodes come and go: announced, discovered, drained, lost, adopted, shared."""

import signal
import threading
import time

import grpc
import hf
from hf.load import Caller
from hf.rpc import instructions, outcome

# What a leaf may say when a worker dies under it.
LOSS = "worker lost|instance can't be reached|start failed"

# heartbeat + loss_timeout, by default 3 s, and what a busy machine needs to notice.
BOUND = 3


def callers(clients):
    """Callers that are at work."""
    started = [Caller(client) for client in clients]
    for caller in started:
        caller.start()
    hf.eventually(lambda: all(c.count > 5 for c in started), "the load runs")
    return started


class Nodes(hf.TestCase):
    def start(self, **more):
        self.f = self.fleet(**more)
        return self.f

    def finish(self, started):
        """Ends callers, of which none may have seen a failure."""
        failures = [failure for caller in started for failure in caller.finish()]
        self.assertEqual([f.details() for f in failures], [])


class Discovery(Nodes):
    def test_workers_join_and_leave(self):
        f = self.start(workers=3, start=False)
        leaf = f.leaves[0]
        leaf.log.tolerate(LOSS)
        leaf.start()
        self.assertEqual(f.workers_of(leaf), {})
        for i, worker in enumerate(f.workers):
            worker.start()
            f.wait_up(leaf, *(w.name for w in f.workers[:i + 1]), limit=3)
        f.workers[0].stop()
        hf.eventually(lambda: "worker-0" not in f.workers_of(leaf), "it has left", limit=3)
        f.workers[1].kill()
        hf.eventually(lambda: "worker-1" not in f.workers_of(leaf), "it is gone", limit=3)
        f.workers[1].restart()
        f.wait_up(leaf, "worker-1", "worker-2", limit=3)

    def test_selector(self):
        zones = {f"worker-{i}": {"node": {"zone": zone, "labels": f"disk={disk}, n={i}"}}
                 for i, (zone, disk) in enumerate([("a", "ssd"), ("b", "ssd"), ("a", "hdd")])}
        f = self.start(workers=3, selector="discover zone=a disk=ssd", each=zones)
        f.wait_up(f.leaves[0], "worker-0")
        f.client_of(f.leaves[0], f.probe()).call("/hf.Probe/Unary")
        self.assertEqual([i["worker"] for i in f.instances()], [f.workers[0].api])

    def test_static_beside_discovered(self):
        silent = {"worker-1": {"node": {"announce": "no"}}}
        f = self.start(workers=2, each=silent, start=False)
        f.leaves[0].sections["leaf"]["workers"] = f"discover, {f.workers[1].api}"
        f.start()
        f.wait_up(f.leaves[0], "worker-0", "worker-1")

    def test_worker_that_only_the_store_has_lost(self):
        """The connection is the truth: what still answers is still used."""
        f = self.start(workers=1, options={"node": {"announce_ttl": "1h"}})
        leaf, worker = f.leaves[0], f.workers[0]
        client = f.client_of(leaf, f.probe())
        client.call("/hf.Probe/Unary")
        for name in ("worker-0.json", ".worker-0.json.alive"):
            (self.folder / "store" / "nodes" / name).unlink()
        hf.eventually(lambda: leaf.log.find("gone from the store"), "the leaf has heard of it")
        client.call("/hf.Probe/Unary")
        self.assertEqual(f.up(leaf), {"worker-0"})
        leaf.log.announce("worker lost")
        worker.kill()
        hf.eventually(lambda: f.workers_of(leaf) == {}, "it is forgotten", limit=BOUND)

    def test_joins_and_leaves_under_load(self):
        f = self.start(workers=2)
        leaf, guest = f.leaves[0], f.workers[1]
        f.wait_up(leaf, "worker-0", "worker-1")
        client = f.client_of(leaf, f.probe(max_concurrency=2))
        started = callers([client] * 8)
        for _ in range(4):
            guest.stop()
            hf.eventually(lambda: "worker-1" not in f.workers_of(leaf), "it has left")
            guest.restart()
            f.wait_up(leaf, "worker-0", "worker-1")
        self.finish(started)

    def test_same_id_twice(self):
        f = self.start(workers=2, each={"worker-1": {"node": {"id": "worker-0"}}}, start=False)
        f.workers[0].start()
        f.workers[1].log.announce("can't be announced.*another process")
        f.workers[1].start()
        f.leaves[0].start()
        f.wait_up(f.leaves[0], "worker-0")
        hf.eventually(lambda: f.workers[1].log.find("can't be announced"), "it says so")


class Commands(Nodes):
    def test_nodes(self):
        each = {"worker-0": {"node": {"zone": "eu-1", "labels": "disk=ssd"}},
                "worker-1": {"worker": {"max_instances": 7}, "node": {"announce": "no"}}}
        f = self.start(workers=2, each=each)
        listed = f.listed("leaf-0", "worker-0")
        self.assertEqual(set(listed), {"leaf-0", "worker-0"})
        worker = listed["worker-0"]
        self.assertEqual((worker["zone"], worker["labels"], worker["roles"], worker["state"]),
                         ("eu-1", {"disk": "ssd"}, ["worker"], "ready"))
        self.assertEqual(worker["addresses"],
                         [{"role": "worker", "service": "api", "address": f.workers[0].api}])
        self.assertTrue(worker["registered"])
        text = f.tool.text("nodes").splitlines()
        self.assertEqual(text[0].split(),
                         ["ID", "ROLES", "ADDRESS", "ZONE", "VERSION", "STATE", "AGE"])
        self.assertEqual(len(text), 3)

    def test_nodes_without_registration(self):
        f = self.start(workers=2, start=False, options={"node": {"announce": "no"}})
        f.leaves[0].sections["leaf"]["workers"] = ", ".join(w.api for w in f.workers)
        f.workers[0].start()
        f.leaves[0].start()
        listed = {node["api"]: node for node in f.tool.json("nodes")}
        self.assertEqual({api: (node["id"], node["state"], node["registered"])
                          for api, node in listed.items()},
                         {f.leaves[0].api: ("leaf-0", "ready", False),
                          f.workers[0].api: ("worker-0", "ready", False),
                          f.workers[1].api: ("", "unreachable", False)})
        f.workers[1].start()

    def test_drain_and_undrain_a_worker_under_load(self):
        f = self.start(workers=2)
        leaf = f.leaves[0]
        f.wait_up(leaf, "worker-0", "worker-1")
        started = callers([f.client_of(leaf, f.probe(max_concurrency=2))] * 8)
        for worker in (f.workers[0], f.workers[1], f.workers[0]):
            f.tool.run("drain", worker.name)
            self.assertEqual({i["worker"] for i in f.instances_of(leaf)} & {worker.api}, set())
            states = {node["id"]: node["state"] for node in f.tool.json("nodes")}
            self.assertEqual(states[worker.name], "draining")
            f.tool.run("undrain", worker.api)
            self.assertIn("draining=no", f.workers_of(leaf)[worker.name])
        self.finish(started)

    def test_drain_and_undrain_a_leaf(self):
        f = self.start(workers=1)
        leaf = f.leaves[0]
        client = f.client_of(leaf, f.probe())
        client.call("/hf.Probe/Unary")
        f.tool.run("drain", "leaf-0")
        error = hf.failure(client.call, "/hf.Probe/Unary")
        self.assertIs(error.code(), grpc.StatusCode.UNAVAILABLE)
        f.tool.run("undrain", "leaf-0")
        f.client_of(leaf, f.notes("start")[0]["environment"]["FUNCTION_ID"]).call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 1, "its instance was adopted")

    def test_undrain_waits_for_the_drain(self):
        f = self.start(workers=1)
        client = f.client_of(f.leaves[0], f.probe())
        call = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="end"))
        f.wait_note("call", id="it")
        drain = f.tool.run("drain", "worker-0", "--timeout", "1s", check=False)
        self.assertIn("still draining", drain.stderr)
        undrain = f.tool.run("undrain", "worker-0", "--timeout", "1s", check=False)
        self.assertNotEqual(undrain.returncode, 0)
        f.release("end")
        f.tool.run("undrain", "worker-0")
        self.assertIs(outcome(call), grpc.StatusCode.OK)
        client.call("/hf.Probe/Unary")

    def test_undrain_waits_for_the_drain_of_a_leaf(self):
        f = self.start(workers=1)
        leaf, function = f.leaves[0], f.probe()
        call = f.client_of(leaf, function).begin("/hf.Probe/Unary",
                                                 metadata=instructions(id="it", hold="end"))
        f.wait_note("call", id="it")
        f.tool.run("drain", "leaf-0", "--timeout", "1s", check=False)
        undrain = threading.Thread(target=f.tool.run, args=("undrain", "leaf-0"))
        undrain.start()
        f.release("end")
        undrain.join(hf.env.seconds(20))
        self.assertFalse(undrain.is_alive())
        self.assertIs(outcome(call), grpc.StatusCode.OK)
        f.client_of(leaf, function).call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 1)

    def test_all_roles_in_one_process(self):
        p = self.platform()
        function = p.probe()
        p.client(function).call("/hf.Probe/Unary")
        p.tool.run("drain", "standalone", "--limit", "5s")
        p.wait_note("stop")
        p.tool.run("undrain", p.worker_api)
        p.client(function).call("/hf.Probe/Unary")
        self.assertEqual(len(p.notes("start")), 2)

    def test_drain_with_an_end(self):
        f = self.start(workers=1)
        f.tool.run("drain", "worker-0", "--stop")
        self.assertEqual(f.workers[0].wait(), 0)
        self.assertEqual({node["id"] for node in f.tool.json("nodes")}, {"leaf-0"})

    def test_unknown_node(self):
        f = self.start(workers=1)
        failed = f.tool.run("drain", "nobody", check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("there is no node 'nobody'", failed.stderr)


class Loss(Nodes):
    def test_killed_worker_and_waiting_calls(self):
        """A start that goes down with its worker is begun elsewhere; the call does not notice."""
        f = self.start(workers=2)
        leaf = f.leaves[0]
        f.wait_up(leaf, "worker-0", "worker-1")
        leaf.log.announce("worker lost")
        leaf.log.tolerate(LOSS)
        call = f.client_of(leaf, f.probe("probe-waits")).begin("/hf.Probe/Unary", b"z")
        first = f.wait_note("start")["pid"]
        host = next(w for w in f.workers if "starting=1" in f.workers_of(leaf)[w.name])
        host.kill()
        hf.eventually(lambda: [n for n in f.notes("start") if n["pid"] != first],
                      "it starts elsewhere", limit=BOUND)
        f.release("go")
        self.assertIs(outcome(call), grpc.StatusCode.OK)

    def test_frozen_worker(self):
        """It is lost within the bound, and its instances with it; once thawed they are back."""
        f = self.start(workers=2, options={"leaf": {"loss_timeout": "2s"}})
        leaf = f.leaves[0]
        f.wait_up(leaf, "worker-0", "worker-1")
        client = f.client_of(leaf, f.probe())
        client.call("/hf.Probe/Unary")
        instance = f.instances_of(leaf)[0]
        frozen = next(w for w in f.workers if w.api == instance["worker"])
        leaf.log.announce("worker lost")
        leaf.log.tolerate(LOSS)
        frozen.process.send_signal(signal.SIGSTOP)
        self.addCleanup(frozen.process.send_signal, signal.SIGCONT)
        begun = time.monotonic()
        hf.eventually(lambda: f.instances_of(leaf) == [], "its instances have left", limit=10)
        self.assertLess(time.monotonic() - begun, hf.env.seconds(BOUND + 1))
        client.call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 2)
        frozen.process.send_signal(signal.SIGCONT)
        hf.eventually(lambda: instance["instance"] in [i["instance"] for i in f.instances_of(leaf)],
                      "it has been adopted again", limit=15)
        client.call("/hf.Probe/Unary")


class Tree(Nodes):
    """A load balancer that discovers its leaves."""

    def start(self, **more):
        super().start(balancer="discover", leaves=2, workers=1, **more)
        self.balancer = self.f.balancer
        self.balancer.log.tolerate("child lost|calls fail at a child")
        return self.f

    def wait_children(self, *names, limit=10):
        hf.eventually(lambda: self.f.children() == set(names), f"the children are {names}", limit)

    def test_leaves_join_and_leave(self):
        f = self.start(start=False)
        f.workers[0].start()
        self.balancer.start()
        self.wait_children()
        with hf.Client(self.balancer.proxy, "any") as client:
            self.assertIs(hf.failure(client.call, "/hf.Probe/Unary").code(),
                          grpc.StatusCode.UNAVAILABLE)
        for i, leaf in enumerate(f.leaves):
            leaf.start()
            self.wait_children(*(other.name for other in f.leaves[:i + 1]), limit=3)
        client = f.client_of(self.balancer, f.probe())
        client.call("/hf.Probe/Unary")
        f.leaves[0].stop()
        self.wait_children("leaf-1", limit=3)
        hf.eventually(lambda: "children=1 " in self.balancer.ctl("lb/show"), "it is forgotten")
        client.call("/hf.Probe/Unary")
        f.leaves[1].kill()
        self.wait_children(limit=BOUND)
        f.leaves[0].restart()
        self.wait_children("leaf-0", limit=3)
        client.call("/hf.Probe/Unary")

    def test_first_call_waits_for_the_children(self):
        f = self.start(start=False)
        for node in (*f.workers, *f.leaves, self.balancer):
            node.start()
        f.client_of(self.balancer, f.probe()).call("/hf.Probe/Unary")

    def test_selector_without_a_match(self):
        f = self.start(start=False)
        self.balancer.sections["lb"]["children"] = "discover zone=nowhere"
        f.start()
        self.wait_children()
        self.assertIn("lb-0", f.listed("lb-0"))

    def test_rolling_drains_under_load(self):
        """Each leaf goes out of service and comes back, twice, and no call fails."""
        f = self.start()
        self.wait_children("leaf-0", "leaf-1")
        started = callers([f.client_of(self.balancer, f.probe()) for _ in range(4)])
        for leaf in f.leaves * 2:
            f.tool.run("drain", leaf.name)
            self.wait_children(*(other.name for other in f.leaves if other is not leaf))
            f.tool.run("undrain", leaf.name)
            self.wait_children("leaf-0", "leaf-1")
        self.finish(started)

    def test_rolling_restarts_under_load(self):
        f = self.start()
        self.wait_children("leaf-0", "leaf-1")
        started = callers([f.client_of(self.balancer, f.probe()) for _ in range(4)])
        for leaf in f.leaves * 2:
            leaf.stop()
            leaf.restart()
            self.wait_children("leaf-0", "leaf-1")
        self.finish(started)

    def test_drain_and_undrain_the_load_balancer(self):
        f = self.start()
        self.wait_children("leaf-0", "leaf-1")
        function = f.probe()
        f.client_of(self.balancer, function).call("/hf.Probe/Unary")
        f.tool.run("drain", "lb-0")
        with hf.Client(self.balancer.proxy, function) as client:
            self.assertIs(hf.failure(client.call, "/hf.Probe/Unary").code(),
                          grpc.StatusCode.UNAVAILABLE)
        f.tool.run("undrain", "lb-0")
        f.client_of(self.balancer, function).call("/hf.Probe/Unary")
        self.wait_children("leaf-0", "leaf-1")


class Ownership(Nodes):
    def warm(self, **more):
        """Two leaves that have called the same function, one instance each."""
        f = self.start(leaves=2, **more)
        self.function = f.probe()
        for leaf in f.leaves:
            f.client_of(leaf, self.function).call("/hf.Probe/Unary")
        self.assertEqual([len(f.instances_of(leaf)) for leaf in f.leaves], [1, 1])
        return f

    def test_leaves_share_workers(self):
        """Each sees, adopts and stops only what it started itself."""
        f = self.warm(workers=1)
        one, other = f.leaves
        mine, theirs = (f.instances_of(leaf)[0]["instance"] for leaf in f.leaves)
        one.kill()
        one.restart()
        hf.eventually(lambda: [i["instance"] for i in f.instances_of(one)] == [mine], "it adopts")
        one.stop_time()
        one.warp("1h")
        hf.eventually(lambda: len(f.notes("stop")) == 1, "the first has scaled to zero")
        self.assertEqual([i["instance"] for i in f.instances_of(other)], [theirs])
        f.client_of(other, self.function).call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 2)

    def test_leaf_that_never_returns(self):
        """Its instances are stopped after a while; those of others are not."""
        f = self.warm(workers=1)
        one, other = f.leaves
        worker = f.workers[0]
        worker.stop_time()
        one.kill()
        hf.eventually(lambda: worker.log.find("a leaf is away.*leaf=leaf-0"), "the worker knows")
        worker.warp("4m59s")
        f.client_of(other, self.function).call("/hf.Probe/Unary")
        self.assertEqual(f.notes("stop"), [])
        worker.warp("2s")
        f.wait_note("stop")
        self.assertEqual(worker.counter("worker_orphans"), 1)
        f.client_of(other, self.function).call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 2)

    def test_leaf_that_returns_in_time(self):
        f = self.warm(workers=1)
        one, worker = f.leaves[0], f.workers[0]
        worker.stop_time()
        one.kill()
        hf.eventually(lambda: worker.log.find("a leaf is away.*leaf=leaf-0"), "the worker knows")
        worker.warp("4m")
        one.restart()
        hf.eventually(lambda: len(f.instances_of(one)) == 1, "it adopts")
        worker.warp("1h")
        f.client_of(one, self.function).call("/hf.Probe/Unary")
        self.assertEqual(len(f.notes("start")), 2)

    def test_worker_filled_by_another_leaf(self):
        """A refused start is no failure: the next worker is tried."""
        each = {"worker-0": {"worker": {"max_instances": 1}}}
        f = self.start(leaves=2, workers=1, each=each)
        one, other = f.leaves
        f.client_of(one, f.probe()).call("/hf.Probe/Unary")
        waiting = f.client_of(other, f.probe()).begin("/hf.Probe/Unary")
        hf.eventually(lambda: other.log.find("worker has no room"), "it was refused")
        late = f._worker(1)
        f.workers.append(late)
        f.nodes.append(late)
        self.nodes.append(late)
        late.start()
        self.assertIs(outcome(waiting), grpc.StatusCode.OK)
        self.assertEqual({i["worker"] for i in f.instances_of(other)}, {late.api})

    def test_no_room_anywhere(self):
        each = {"worker-0": {"worker": {"max_instances": 1}}}
        f = self.start(leaves=2, workers=1, each=each, options={"leaf": {"room_timeout": "1s"}})
        one, other = f.leaves
        f.client_of(one, f.probe()).call("/hf.Probe/Unary")
        other.log.announce("calls refused.*no worker has room")
        error = hf.failure(f.client_of(other, f.probe()).call, "/hf.Probe/Unary")
        self.assertIs(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIn("no worker has room", error.details())


if __name__ == "__main__":
    hf.main()
