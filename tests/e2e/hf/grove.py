"""A tree with two of everything, whose nodes find each other in etcd, over lines that can be cut.

    root-0, root-1              both discover the branches; callers know both
    branch-a, branch-b          each discovers the leaves of its zone
    leaf-a0, -a1, -b0, -b1      each discovers the workers of its zone, which they share
    worker-a0, -a1, -b0, -b1
"""

from hf import env, ini, net, tree
from hf.cli import Tool
from hf.line import Line, to_node
from hf.platform import Platform
from hf.wait import eventually

ZONES = "ab"


class Grove(Platform):
    """Each node has a line to it, and one from it to the store."""

    LOSS_TIMEOUT = "2s"  # nodes that fall silent are what it is about

    def __init__(self, folder, etcd, options=None):
        self.etcd = etcd
        super().__init__(folder, "fake", options=options)
        self.proxy = self._target()
        self.nodes = [*self.workers, *self.leaves, *self.branches, *self.roots]
        self.lines = [line for node in self.nodes for line in (node.line, node.store_line)]
        self.tool = Tool(self._tool_config())

    def _nodes(self):
        names = [f"{zone}{i}" for zone in ZONES for i in range(2)]
        self.workers = [self._node("worker", name, self._worker_sections()) for name in names]
        self.leaves = [self._node("leaf", name, ini.merge(
            self._leaf_sections(), {"leaf": {"workers": f"discover zone={name[0]}"}}))
            for name in names]
        self.branches = [self._balancer("branch", zone, f"discover zone={zone}") for zone in ZONES]
        self.roots = [self._balancer("root", i, "discover role=lb tier=branch") for i in "01"]
        return self.leaves[0], self.workers[0]

    def _store(self):
        return {"store": {"plugin": "etcd", "endpoints": self.etcd.client,
                          "dial_timeout": "500ms"}}

    def _balancer(self, tier, name, children):
        return self._node(tier, name, {"lb": {"children": children}, **self._store(),
                                       "balance.lb": {"plugin": "leastload"}})

    def _node(self, tier, name, sections):
        """A daemon that is reached by a line."""
        role = {"root": "lb", "branch": "lb"}.get(tier, tier)
        services = ("api",) if role == "worker" else ("api", "proxy")
        own = {service: net.free_address(self.host) for service in services}
        line, host = to_node(*own.values())
        store_line = Line((net.free_address(self.host), self.etcd.client))
        node = self._daemon(f"{tier}-{name}", role, ini.merge(sections, {
            "node": {"advertise": host, "zone": None if tier == "root" else name[0],
                     "labels": f"tier={tier}", "announce_ttl": "3s", "threads": 1},
            "store": {"endpoints": store_line.ends[0][0]},
            role: own}))
        node.tier, node.line, node.store_line = tier, line, store_line
        node.near = {service: f"{host}:{address.rpartition(':')[2]}"
                     for service, address in own.items()}
        node.own = own
        return node

    def _tool_config(self):
        """For the tool, which reaches workers and the store directly."""
        leaf = {"workers": ", ".join(worker.own["api"] for worker in self.workers)}
        config = self.folder / "tool.ini"
        config.write_text(ini.render({"node": {"roles": "leaf", "plugin_path": env.BUILD / "plugins"},
                                      "leaf": leaf, **self._store()}))
        return config

    def _target(self):
        """Both roots, for a gRPC client."""
        return "ipv4:" + ",".join(root.near["proxy"] for root in self.roots)

    def start(self):
        super().start()
        self.wait_whole()
        return self

    # --- asking -----------------------------------------------------------------------------

    def is_whole(self):
        """Whether all nodes run and use all that is below them."""
        for balancer in self.branches + self.roots:
            if tree.usable(balancer) != 2 or len(tree.children(balancer)) != 2:
                return False
        return all(leaf.ctl("leaf/workers").count("state=up") == 2 for leaf in self.leaves)

    def wait_whole(self, limit=15):
        eventually(self.is_whole, "all nodes use all that is below them", limit)

    def claimed(self):
        """The instances that leaves use, each with the leaf."""
        return sorted((line.split()[0].partition("=")[2], leaf.name) for leaf in self.leaves
                      for line in leaf.ctl("leaf/instances").splitlines())

    def running(self):
        """The instances that workers run, by id."""
        return sorted(instance["id"] for instance in self.tool.json("instances"))

    def wait_agreed(self, limit=15):
        """Until each running instance is one leaf's, and each that a leaf uses is running."""
        def agreed():
            claimed, running = self.claimed(), self.running()
            return [i for i, _ in claimed] == running or (claimed, running)

        eventually(lambda: agreed() is True, "leaves and workers agree about instances", limit)
