"""The platform on one machine: a leaf and a worker, in one process or in two, and perhaps a
load balancer in front of them."""

import json
import shutil
import sys

from hf import env, ini, net
from hf.cli import Tool
from hf.daemon import Daemon
from hf.rpc import Client
from hf.wait import eventually

# The process runtime limits the address space, of which interpreters map much and use little.
MEMORY = "1GiB"

_MIRROR = f"""#!/bin/sh
PYTHONPATH={env.E2E} exec {sys.executable} -B {env.E2E}/functions/mirror.py
"""
_RUDE = """#!/bin/sh
HEADER_LIMIT={limit} PYTHONPATH={e2e} exec {python} -B {e2e}/functions/rude.py
"""


class Platform:
    """Nodes with addresses, state and functions of their own; made by TestCase.platform()."""

    # So long a busy machine may keep a node from answering.  Tests of nodes that fall silent say less.
    LOSS_TIMEOUT = "20s"

    def __init__(self, folder, runtime="process", split=False, lb=False, worker_host=None,
                 options=None):
        self.folder = folder
        self.host = net.own_host()
        self.leaf_proxy = net.free_address(self.host)
        self.proxy = net.free_address(self.host) if lb else self.leaf_proxy
        self.lb_api = net.free_address(self.host)
        self.leaf_api = net.free_address(self.host)
        self.worker_api = net.free_address(worker_host or self.host)
        self.functions = folder / "functions"
        self.runtime, self.split, self.lb, self.options = runtime, split, lb, options or {}
        self.clients = []
        self.functions.mkdir(exist_ok=True)
        self.leaf, self.worker = self._nodes()
        self.nodes = [self.worker, self.leaf] if split else [self.leaf]
        self.tool = Tool(self.leaf.config)

    # --- configuration ----------------------------------------------------------------------

    def _nodes(self):
        leaf, worker = self._leaf_sections(), self._worker_sections()
        if self.split:
            return (self._daemon("leaf", "leaf", leaf), self._daemon("worker", "worker", worker))
        if self.lb:
            both = self._daemon("standalone", "lb, leaf, worker",
                                ini.merge(self._lb_sections(), leaf, worker))
        else:
            both = self._daemon("standalone", "leaf, worker", ini.merge(leaf, worker))
        return both, both

    def _daemon(self, name, roles, sections):
        node = {"node": {
            "roles": roles, "id": name, "state_dir": self.folder / f"{name}.state", "threads": 2,
            "plugin_path": env.BUILD / "plugins",
        }}
        patient = {role: {"loss_timeout": self.LOSS_TIMEOUT}
                   for role in ("lb", "leaf") if role in sections}
        known = set(sections) | {"node", "log"}
        wanted = {key: value for key, value in self.options.items() if key in known}
        return Daemon(self.folder, name, ini.merge(node, patient, sections, wanted))

    def _store(self):
        return {"store": {"plugin": "file", "path": self.folder / "store"}}

    def _lb_sections(self):
        return {
            "lb": {"proxy": self.proxy, "api": self.lb_api,
                   "children": f"{self.leaf_api}/{self.leaf_proxy}"},
            "balance.lb": {"plugin": "roundrobin"},
        }

    def _leaf_sections(self):
        return {
            "leaf": {"proxy": self.leaf_proxy, "api": self.leaf_api, "workers": self.worker_api},
            **self._store(),
            "balance.leaf": {"plugin": "leastload"},
            "scheduler": {"plugin": "roundrobin"},
            "scaler": {"plugin": "concurrency"},
        }

    def _worker_sections(self):
        process = {"plugin": "process", "path": self.functions,
                   "listen": self.host, "advertise": self.host}
        if env.SANITIZED:
            process["memory_limit"] = "none"  # sanitizers map far more than they use
        runtime = process if self.runtime == "process" else {"plugin": self.runtime}
        worker = {"api": self.worker_api, "memory": "64GiB"}
        return {"worker": worker, **self._store(), "runtime": runtime}

    # --- life -------------------------------------------------------------------------------

    def start(self):
        for node in self.nodes:
            node.start()
        return self

    def stop(self):
        """An orderly end of every node, the leaf's first."""
        for client in self.clients:
            client.close()
        for node in reversed(self.nodes):
            if node.process is not None:
                node.stop()

    def discard(self):
        for node in self.nodes:
            node.discard()

    # --- functions --------------------------------------------------------------------------

    def install(self, source, name=None):
        """Puts a program where the process runtime finds it; returns its image tag."""
        target = self.functions / (name or source.name)
        shutil.copy(source, target)
        return f"hyperfaas-{target.name}:latest"

    def install_script(self, name, text):
        """The same for a program given as text."""
        script = self.functions / name
        script.write_text(text)
        script.chmod(0o755)
        return f"hyperfaas-{name}:latest"

    def install_probe(self, kind="probe"):
        return self.install(env.E2E / "functions" / "probe", kind)

    def install_mirror(self):
        return self.install_script("mirror", _MIRROR)

    def install_rude(self, header_limit=0):
        text = _RUDE.format(limit=header_limit, e2e=env.E2E, python=sys.executable)
        return self.install_script("rude", text)

    def install_sample(self, name):
        """One of the sample functions that the build made."""
        return self.install(env.BUILD / "functions" / name / name)

    def create(self, image, function_id=None, memory=MEMORY, **options):
        options["memory"] = memory
        return self.tool.create(image, function_id, **options)

    def probe(self, kind="probe", **options):
        """A function of the probe's; returns its id."""
        return self.create(self.install_probe(kind), **options)

    def notes(self, event=None, **wanted):
        """What probes noted, oldest first; `wanted` fields must be equal."""
        try:
            text = (self.functions / "notes").read_text()
        except FileNotFoundError:
            return []
        whole = text[:text.rfind("\n") + 1]  # the last line may still be on its way
        found = [json.loads(line) for line in whole.splitlines()]
        if event:
            wanted["event"] = event
        return [n for n in found if all(n.get(key) == value for key, value in wanted.items())]

    def wait_note(self, event, limit=15, **wanted):
        """The first such note, waiting for it."""
        what = f"a probe notes {event} {wanted}"
        return eventually(lambda: self.notes(event, **wanted), what, limit)[0]

    def instances(self):
        """What runs now, as the tool tells it."""
        return self.tool.json("instances")

    def release(self, name):
        """Makes the file that a probe's `hold` waits for."""
        (self.functions / name).touch()

    # --- clients ----------------------------------------------------------------------------

    def client(self, function_id, options=()):
        """An unmodified gRPC client whose authority is the function."""
        return self._client(self.proxy, function_id, options)

    def leaf_client(self):
        return self._client(self.leaf_api)

    def worker_client(self):
        return self._client(self.worker_api)

    def _client(self, address, authority=None, options=()):
        client = Client(address, authority, options)
        self.clients.append(client)
        return client
