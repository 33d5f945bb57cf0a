#!/usr/bin/env python3
"""The platform in containers: images, compose files, functions, in a real Docker engine."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import hf
from hf import env
from hf.engines import IsolatedDockerd
from hf.function import field
from hf.load import Caller
from hf.make import must_make
from hf.samples import SAMPLES

import grpc

DOCKER = env.SOURCE / "docker"
BASE = env.BUILD / "docker" / "base.tar"  # kept: making it takes half a minute

ECHO = "/examples.echo.v1.Echo/Echo"

# The platforms: where each is called, and which service is above which others.
PORTS = {"small": 50053, "medium": 9999, "large": 9999}
TREES = {
    "small": {"leaf": ["worker"]},
    "medium": {"lb": ["leaf"], "leaf": ["worker"]},
    "large": {"lb": ["lb-a", "lb-b"], "lb-a": ["leaf-a"], "leaf-a": ["worker-a"],
              "lb-b": ["leaf-b"], "leaf-b": ["worker-b"]},
}
# How many nodes there are, by role and zone.
NODES = {
    "medium": {("lb", ""): 1, ("leaf", ""): 2, ("worker", ""): 4},
    "large": {("lb", ""): 1, **{(role, zone): count for zone in "ab" for role, count in
                                (("lb", 1), ("leaf", 2), ("worker", 4))}},
}

# All start together, and etcd may be the last to serve.
EARLY = "the store cannot be reached"
# What the others say of a leaf that was killed.
LEAF_LOST = "child lost|calls fail at a child"


def need_tools():
    for program, package in (("debootstrap", "debootstrap"), ("docker-compose", "docker-compose")):
        if shutil.which(program) is None:
            env.skip_file(f"there is no {program} here (Debian: {package})")
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        env.skip_file("the images are Debian bookworm's, and what was built here is not")


def base_archive():
    if not BASE.exists():
        BASE.parent.mkdir(exist_ok=True)
        done = subprocess.run([DOCKER / "base.sh", BASE], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            env.skip_file(f"there is no Debian to be had here: {done.stdout[-300:]}{done.stderr}")
    return BASE


class Compose(hf.TestCase):
    @classmethod
    def setUpClass(cls):
        need_tools()
        archive = base_archive()
        folder = Path(tempfile.mkdtemp(prefix="hf-e2e-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.dockerd = IsolatedDockerd(folder)
        cls.addClassCleanup(cls.dockerd.discard)
        cls.dockerd.start()
        cls.dockerd.docker("import", archive, "hyperfaas-base")
        cls.host = f"unix://{cls.dockerd.socket}"
        must_make("images", DOCKER_HOST=cls.host)
        must_make("cluster-images", "BASE=hyperfaas-base", DOCKER_HOST=cls.host)

    def up(self, size):
        """Starts a platform, and returns when every node uses all that are below it."""
        self.size, self.tree = size, TREES[size]
        self.outermost = next(iter(self.tree))
        self.addCleanup(self.compose, "down", "-v", check=False)
        self.compose("up", "-d")
        self.wait(self.is_whole, "every node uses all below it")

    # --- asking ---------------------------------------------------------------------------------

    def compose(self, *words, check=True):
        """What docker-compose printed; its failure shows what the containers wrote."""
        done = subprocess.run(
            ["docker-compose", "-p", self.size, "-f", DOCKER / f"compose.{self.size}.yaml", *words],
            env={**os.environ, "DOCKER_HOST": self.host, "HYPERFAAS_PUBLISH": "0.0.0.0",
                 "DOCKER_SOCKET": str(self.dockerd.socket)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=env.seconds(90))
        if check and done.returncode != 0:
            raise AssertionError(f"docker-compose {' '.join(words)}: {done.stderr}\n{self.logs()}")
        return done.stdout

    def logs(self, *services):
        return self.compose("logs", "--no-color", *services, check=False)

    def wait(self, condition, what):
        try:
            return hf.eventually(condition, what, limit=30, step=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()[-8000:]}") from None

    def containers(self, *services):
        """The short ids of what runs of services, which are the nodes' host names."""
        return {container for service in services
                for container in self.dockerd.docker(
                    "ps", "-q", "--filter", f"label=com.docker.compose.service={service}").split()}

    def tool(self, container, *words, **more):
        """What the command line tool printed in a node's container."""
        return self.dockerd.docker("exec", container, "hyperfaas", *words, **more)

    def below(self, container, role):
        """The containers of the nodes that a load balancer or leaf can use."""
        shown = self.tool(container, "ctl", role, "leaf/workers" if role == "leaf" else "lb/show",
                          check=False)
        return set(re.findall(r"^(?:worker|child)=(\w+):.* (?:state=up|usable=yes)\b", shown, re.M))

    def is_whole(self):
        return all(self.below(container, service.split("-")[0]) == self.containers(*children)
                   for service, children in self.tree.items()
                   for container in self.containers(service))

    def ready_nodes(self):
        """How many nodes are ready, by role and zone, as the outermost finds them in the store."""
        told = json.loads(self.manage("nodes", "--json"))
        return Counter((node["roles"][0], node["zone"]) for node in told
                       if node["state"] == "ready")

    def manage(self, *words):
        """The command line tool with the store, which the outermost node knows."""
        container, = self.containers(self.outermost)
        return self.tool(container, "--config", f"/etc/hyperfaas/{self.outermost}.ini", *words)

    def create(self, name):
        """The id of a new function, small enough for all of them to fit on this machine."""
        return json.loads(self.manage("function", "create", f"hyperfaas-{name}",
                                      "--cpu-quota", "10000", "--json"))["id"]

    def client(self, function):
        client = hf.Client(f"{self.dockerd.host}:{PORTS[self.size]}", function)
        self.addCleanup(client.close)
        return client

    def call(self, function, path=ECHO, request=field(1, b"x"), answer=field(1, b"x")):
        """A call whose answer must begin like that."""
        try:
            found = self.client(function).call(path, request)
        except grpc.RpcError as error:
            self.fail(f"{error.code()}: {error.details()}\n{self.logs()[-8000:]}")
        self.assertEqual(found[:len(answer)], answer)

    def places(self, function):
        """Where it is warm: pairs of a leaf's container and a worker's."""
        leaves = self.containers(*(name for name in self.tree if name.startswith("leaf")))
        return [(leaf, worker) for leaf in leaves
                for worker in re.findall(rf"function={function} worker=(\w+):",
                                         self.tool(leaf, "ctl", "leaf", "leaf/instances"))]

    def instances(self):
        """The names of the containers of functions."""
        return [name for name in self.dockerd.docker("ps", "--format", "{{.Names}}").split()
                if not name.startswith(f"{self.size}_")]

    def surprises(self, expected=EARLY):
        """Warnings of the nodes and of the functions that the test did not ask for."""
        services = set(self.tree).union(*self.tree.values())
        written = self.logs(*services).splitlines()
        for instance in self.instances():
            written += self.dockerd.docker("logs", instance).splitlines()
        return [line for line in written
                if re.search(r"level=(warning|error)", line) and not re.search(expected, line)]

    def take_down(self):
        self.compose("down", "-v")
        self.assertEqual(self.dockerd.containers(), [])
        self.assertEqual(self.dockerd.docker("volume", "ls", "-q").split(), [])

    # --- tests ----------------------------------------------------------------------------------

    def test_small(self):
        self.up("small")
        for name, sample in SAMPLES.items():
            with self.subTest(name):
                self.call(self.create(name), *sample)
        self.assertEqual(len(self.instances()), len(SAMPLES))
        self.assertEqual(self.surprises(), [])
        self.take_down()

    def test_medium_leaf_dies(self):
        """Under load; it comes back, with a worker more."""
        self.up("medium")
        self.assertEqual(self.ready_nodes(), NODES["medium"])
        function = self.create("echo")
        self.call(function)
        (lost, _), = self.places(function)
        caller = Caller(self.client(function), ECHO, field(1, b"x"))
        caller.start()
        self.dockerd.docker("kill", lost)
        other, = self.containers("leaf")
        seen = caller.count
        self.wait(lambda: caller.count > seen + 100, "calls go on")
        # Only the call that was at the leaf may have seen it die.
        self.assertLessEqual(len(caller.finish()), 1, caller.failures)
        self.assertEqual([leaf for leaf, _ in self.places(function)], [other])
        self.compose("up", "-d", "--scale", "worker=5")
        self.assertEqual(self.containers("leaf"), {lost, other})
        self.assertEqual(len(self.containers("worker")), 5)
        self.wait(self.is_whole, "the leaf is back")
        self.call(function)
        self.assertEqual(self.surprises(f"{EARLY}|{LEAF_LOST}"), [])
        self.take_down()

    def test_medium_worker_dies(self):
        """Its engine starts it again; it goes on with its instances, and leaves others alone."""
        self.up("medium")
        functions = [self.create("echo") for _ in range(4)]
        for function in functions:
            self.call(function)
        places = [self.places(function) for function in functions]
        self.assertGreater(len({worker for (_, worker), in places}), 1)
        before = self.instances()
        (_, lost), = places[0]
        os.kill(int(self.dockerd.docker("inspect", "-f", "{{.State.Pid}}", lost)), signal.SIGKILL)
        self.wait(lambda: self.logs("leaf").count("worker lost") == 2, "both leaves miss it")
        self.wait(self.is_whole, "the worker is back")
        for function in functions:
            self.call(function)
        self.assertEqual(self.instances(), before)
        self.assertEqual([self.places(function) for function in functions], places)
        self.take_down()

    def test_large(self):
        """Functions start from zero, each at one leaf, and its calls stay there."""
        self.up("large")
        self.assertEqual(self.ready_nodes(), NODES["large"])
        functions = [self.create("echo") for _ in range(6)]
        for function in functions * 2:
            self.call(function)
        workers = {}
        for function in functions:
            (leaf, worker), = self.places(function)
            workers.setdefault(leaf, []).append(worker)
        for used in workers.values():
            self.assertTrue(len(used) == 1 or len(set(used)) > 1, "a leaf spreads its functions")
        self.assertEqual(len(self.instances()), len(functions))
        self.assertEqual(self.surprises(), [])
        self.take_down()


if __name__ == "__main__":
    hf.main()
