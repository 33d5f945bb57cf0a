"""Platforms whose functions are in an etcd of their own."""

import grpc

from hf import ini, net
from hf.case import TestCase
from hf.daemon import Daemon
from hf.engines import Etcd
from hf.rpc import Client
from hf.wait import eventually

PREFIX = "hyperfaas/functions"
HELLO = "/examples.hello.v1.Hello/SayHello"
ECHO = "/examples.echo.v1.Echo/Echo"
VALUE = '{"image":{"tag":"hyperfaas-hello"}}'


class EtcdCase(TestCase):
    """A leaf and a worker in one process, over an etcd of its own."""

    def setUp(self):
        super().setUp()
        self.etcd = self.engine(Etcd(self.folder))
        self.p = self.nodes_on(self.etcd.client)

    def nodes_on(self, endpoints, **options):
        store = {"plugin": "etcd", "path": None, "endpoints": endpoints, **options}
        return self.platform(start=False, runtime="fake", options={"store": store})

    def second_leaf(self):
        """Another leaf with the same store and worker; before the platform starts."""
        leaf = {"proxy": net.free_address(self.p.host), "api": net.free_address(self.p.host)}
        node = {"id": "second", "roles": "leaf", "state_dir": self.folder / "second.state"}
        sections = ini.merge(self.p.leaf.sections, {"node": node, "leaf": leaf, "worker": None,
                                                       "runtime": None})
        second = Daemon(self.folder, "second", sections)
        self.p.nodes.append(second)
        self.nodes.append(second)
        return second, leaf["proxy"]

    def works(self, function_id, path=HELLO, proxy=None):
        with Client(proxy or self.p.proxy, function_id) as client:
            try:
                client.call(path)
                return True
            except grpc.RpcError:
                return False

    def wait_functions(self, n, node=None, limit=10):
        node = node or self.p.leaf
        eventually(lambda: f"functions={n} " in node.ctl("catalog/show"),
                      f"{node.name} knows {n} functions", limit, step=0.001)

    def wait_synced(self, node=None):
        node = node or self.p.leaf
        eventually(lambda: "state=synced" in node.ctl("catalog/show"), "it has all functions")
