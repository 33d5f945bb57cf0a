"""A tree of nodes on one machine: load balancers above leaves, each leaf with a worker."""

from hf import ini, net
from hf.platform import Platform
from hf.wait import eventually


class Tree(Platform):
    """Nodes of a shape: (2,) is a load balancer over two leaves, (2, 3) one over two load
    balancers with three leaves each.  `root` is the outermost, `branches` are those below it.
    In the shape (0,) the root's children come from the options."""

    def __init__(self, folder, shape, runtime="fake", options=None):
        self.shape = shape
        self.branches, self.leaves = [], []
        super().__init__(folder, runtime, options=options)
        self.proxy = self.root.proxy
        self.nodes = self.leaves + self.branches[::-1] + [self.root]

    def _nodes(self):
        self.root = self._lb("root", self.shape)
        return (self.leaves or [self.root])[0], None

    def _lb(self, name, shape):
        """A load balancer, made after what is below it."""
        below = [self._lb(f"{name}-{i}", shape[1:]) if len(shape) > 1 else self._leaf()
                 for i in range(shape[0])]
        sections = {
            "lb": {"children": [f"{child.api}/{child.proxy}" for child in below] or None},
            "balance.lb": {"plugin": "leastload"},
        }
        node = self._node(name, "lb", sections)
        if name != "root":
            self.branches.append(node)
        return node

    def _leaf(self):
        worker_api = net.free_address(self.host)
        self.worker_api = worker_api
        sections = ini.merge(self._leaf_sections(), self._worker_sections())
        node = self._node(f"leaf-{len(self.leaves)}", "leaf, worker", sections)
        node.worker_api = worker_api
        self.leaves.append(node)
        return node

    def _node(self, name, roles, sections):
        """A daemon that knows its addresses."""
        role = roles.split(",")[0]
        api, proxy = net.free_address(self.host), net.free_address(self.host)
        node = self._daemon(name, roles, ini.merge(sections, {role: {"api": api, "proxy": proxy}}))
        node.api, node.proxy = api, proxy
        return node

    def start(self):
        """Returns when every load balancer can use all its children."""
        super().start()
        self.wait_whole()
        return self

    def wait_whole(self, limit=15):
        for node in [self.root, *self.branches]:
            eventually(lambda node=node: usable(node) == len(children(node)),
                       f"{node.name} can use its children", limit)

    def leaves_with(self, function_id):
        """The leaves that have the function active, by name."""
        return [leaf.name for leaf in self.leaves if leaf.running() and any(
            line.startswith(f"function={function_id} ")
            for line in leaf.ctl("leaf/functions").splitlines())]


def children(node):
    """What a load balancer says of its children: one dictionary for each."""
    lines = node.ctl("lb/show").splitlines()[1:]
    return [dict(word.split("=", 1) for word in line.split(" error=")[0].split())
            for line in lines]


def usable(node):
    """How many of its children a load balancer can use."""
    return sum(child["usable"] == "yes" for child in children(node))


def warm(node):
    """The functions that a load balancer tells its parents."""
    return {line.split("=", 1)[1] for line in node.ctl("lb/state").splitlines()
            if line.startswith("warm=")}
