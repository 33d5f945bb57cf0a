"""Nodes that find each other in etcd: leases that end, are lost, and come back."""

import hf
from hf.engines import Etcd
from hf.load import Caller

NODES = "hyperfaas-nodes/hyperfaas/functions/"


class EtcdNodes(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.etcd = self.engine(Etcd(self.folder))
        store = {"plugin": "etcd", "path": None, "endpoints": self.etcd.client,
                 "dial_timeout": "500ms"}
        self.f = self.fleet(workers=2, start=False, options={"store": store,
                                                             "node": {"announce_ttl": "2s"}})
        self.leaf, (self.worker, self.other) = self.f.leaves[0], self.f.workers

    def start(self):
        self.f.start()
        self.f.wait_up(self.leaf, "worker-0", "worker-1")

    def is_announced(self, node):
        return self.etcd.get(NODES + node.name) is not None

    def wait_announced(self):
        hf.eventually(lambda: all(map(self.is_announced, self.f.nodes)), "all are announced",
                      limit=20)

    def test_nodes_join_and_leave(self):
        self.leaf.start()
        for node in self.f.workers:
            node.start()
            hf.eventually(lambda n=node: n.name in self.f.up(self.leaf), "it has joined", limit=3)
        self.assertEqual({node["id"] for node in self.f.tool.json("nodes")},
                         {"leaf-0", "worker-0", "worker-1"})
        self.other.stop()
        self.assertFalse(self.is_announced(self.other), "its end was told, and not waited for")
        self.f.wait_up(self.leaf, "worker-0", limit=3)
        self.leaf.log.announce("worker lost")
        self.worker.kill()
        hf.eventually(lambda: self.f.workers_of(self.leaf) == {}, "its lease has ended", limit=10)
        self.assertFalse(self.is_announced(self.worker))

    def test_etcd_away_for_longer_than_leases_live(self):
        """Leases end while etcd hangs; nodes that live are used on, and announced again."""
        self.start()
        client = self.f.client_of(self.leaf, self.f.probe())
        client.call("/hf.Probe/Unary")  # the leaf knows the function before etcd goes
        caller = Caller(client)
        caller.start()
        for node in self.f.nodes:
            node.log.announce("the store cannot be reached")
        self.etcd.kill()
        hf.eventually(lambda: all(node.log.find("the store cannot be reached")
                                  for node in self.f.nodes), "all have noticed", limit=20)
        hf.eventually(lambda: self.worker.log.find("can't be announced"), "leases are over",
                      limit=20)
        self.etcd.wipe()
        self.etcd.start()
        self.wait_announced()
        self.f.wait_up(self.leaf, "worker-0", "worker-1")
        self.assertEqual(self.leaf.log.all("worker lost"), [])
        # The wiped store has no functions either: calls end with NOT_FOUND, and nothing else.
        self.assertEqual([f.code().name for f in caller.finish() if f.code().name != "NOT_FOUND"],
                         [])

    def test_somebody_removes_the_key(self):
        self.start()
        self.wait_announced()
        self.etcd.remove(NODES + "worker-0")
        self.wait_announced()
        self.assertEqual(self.f.up(self.leaf), {"worker-0", "worker-1"})


if __name__ == "__main__":
    hf.main()
