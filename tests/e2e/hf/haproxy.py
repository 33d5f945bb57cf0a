"""A real HAProxy with one of the configurations that are shipped, on addresses of the test's."""

import csv
import io
import os
import re
import socket

from hf import env, net
from hf.engines import Engine
from hf.wait import eventually

CONFIGURATIONS = env.SOURCE / "conf" / "haproxy"


class HAProxy(Engine):
    """HAProxy in front of leaves; it asks `agent` (HOST:PORT or unix:PATH) where calls should go,
    if its configuration says that it asks."""

    def __init__(self, folder, configuration, leaves, agent=None):
        super().__init__(folder, "haproxy", "haproxy", "haproxy")
        self.front = net.free_address(net.own_host())
        self.admin = self.folder / "admin.sock"
        addresses = {"127.0.0.1:9999": self.front}
        if agent:
            addresses["127.0.0.1:9990"] = agent.replace("unix:", "unix@")
        for number, leaf in enumerate(leaves):
            addresses[f"127.0.0.1:50{number}53"] = leaf.proxy
            addresses[f"port 50{number}50"] = f"port {leaf.api.rpartition(':')[2]}"
        for name in (configuration, "spoe.conf"):
            (self.folder / name).write_text(_at(addresses, (CONFIGURATIONS / name).read_text()))
        self.configuration = self.folder / configuration
        self.extra = self.folder / "extra.cfg"
        self.extra.write_text(f"global\n    stats socket {self.admin} level admin\n")

    def command(self):
        return ["haproxy", "-db", "-f", self.configuration, "-f", self.extra]

    def answers(self):
        return os.path.exists(self.admin) and set(self.servers().values()) == {"UP"}

    def ask(self, command):
        """The answer of HAProxy's own control socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(env.seconds(10))
            connection.connect(str(self.admin))
            connection.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def servers(self):
        """The state of each server that a test's nodes are: "UP", "DOWN" and so on."""
        return {name: row["status"].split()[0] for name, row in self._statistics().items()}

    def running_calls(self, server):
        return int(self._statistics()[server]["scur"])

    def _statistics(self):
        rows = csv.DictReader(io.StringIO(self.ask("show stat").removeprefix("# ")))
        return {row["svname"]: row for row in rows
                if row["svname"] not in ("FRONTEND", "BACKEND")}

    def wait(self, server, status, limit=20):
        eventually(lambda: self.servers()[server] == status, f"{server} is {status}", limit)

    def calls(self):
        """What it wrote of each call: a dictionary with `function` and `routed_by`."""
        pattern = r"http://(?P<function>[^:/\s]+)\S* routed_by=(?P<routed_by>\S+)"
        return [match.groupdict() for match in re.finditer(pattern, self.log.read_text())]


def _at(addresses, text):
    """The text with the test's addresses, and a line in the log for each call."""
    for shipped, own in addresses.items():
        text = re.sub(rf"{re.escape(shipped)}\b", own, text)
    return text.replace("local0 notice", "local0 info")
