"""Several leaves and workers that share a store, and find each other there."""

from hf import ini, net
from hf.platform import Platform
from hf.wait import eventually


class Fleet(Platform):
    """Nodes leaf-0, leaf-1 ... and worker-0, worker-1 ...; made by TestCase.fleet().

    With `balancer`, the node lb-0 discovers the leaves, by that selector.

    `each` has options for single nodes: {"worker-1": {"node": {"zone": "b"}}}.
    """

    def __init__(self, folder, leaves=1, workers=2, selector="discover", balancer=None, each=None,
                 **more):
        self.leaf_count, self.worker_count = leaves, workers
        self.selector, self.each = selector, each or {}
        super().__init__(folder, split=True, **more)
        self.balancer = self._balancer(balancer) if balancer else None
        self.nodes = self.workers + self.leaves + ([self.balancer] if balancer else [])

    def _nodes(self):
        self.workers = [self._worker(i) for i in range(self.worker_count)]
        self.leaves = [self._leaf(i) for i in range(self.leaf_count)]
        return self.leaves[0], self.workers[0]

    def _leaf(self, i):
        addresses = {"proxy": net.free_address(self.host), "api": net.free_address(self.host),
                     "workers": self.selector}
        leaf = self._node(f"leaf-{i}", "leaf", ini.merge(self._leaf_sections(),
                                                         {"leaf": addresses}))
        leaf.proxy, leaf.api = addresses["proxy"], addresses["api"]
        return leaf

    def _worker(self, i):
        api = net.free_address(self.host)
        worker = self._node(f"worker-{i}", "worker", ini.merge(self._worker_sections(),
                                                               {"worker": {"api": api}}))
        worker.api = api
        return worker

    def _balancer(self, selector):
        addresses = {"proxy": net.free_address(self.host), "api": net.free_address(self.host),
                     "children": selector}
        node = self._node("lb-0", "lb", {"lb": addresses, **self._store(),
                                         "balance.lb": {"plugin": "roundrobin"}})
        node.proxy, node.api = addresses["proxy"], addresses["api"]
        return node

    def _node(self, name, roles, sections):
        node = self._daemon(name, roles, sections)
        node.sections = ini.merge(node.sections, self.each.get(name, {}))
        return node

    # --- asking -----------------------------------------------------------------------------

    def client_of(self, leaf, function_id):
        return self._client(leaf.proxy, function_id)

    def workers_of(self, leaf):
        """What a leaf knows of its workers: {name: line}."""
        names = {worker.api: worker.name for worker in self.workers}
        lines = leaf.ctl("leaf/workers").splitlines()
        return {names[line.split()[0].removeprefix("worker=")]: line for line in lines}

    def up(self, leaf):
        """The names of the workers that a leaf is connected to."""
        return {name for name, line in self.workers_of(leaf).items() if "state=up" in line}

    def children(self):
        """The leaves that the load balancer uses."""
        names = {leaf.api: leaf.name for leaf in self.leaves}
        lines = self.balancer.ctl("lb/show").splitlines()[1:]
        return {names[line.split()[0].removeprefix("child=")] for line in lines
                if "usable=yes" in line}

    def wait_up(self, leaf, *names, limit=10):
        eventually(lambda: self.up(leaf) == set(names), f"{leaf.name} uses {names}", limit)

    def listed(self, *names):
        """The nodes that the tool lists, by id, once those named have announced themselves."""
        def whole():
            nodes = {node["id"]: node for node in self.tool.json("nodes")}
            return nodes if set(names) <= set(nodes) else None

        return eventually(whole, f"{names} are listed")

    def instances_of(self, leaf):
        """The instances that a leaf uses: a list of {key: value}."""
        lines = leaf.ctl("leaf/instances").splitlines()
        return [dict(word.split("=", 1) for word in line.split()) for line in lines]
