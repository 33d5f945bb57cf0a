#!/usr/bin/env python3
"""The platform in containers: images, compose file, functions, in a real Docker engine."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import hf
from hf import env
from hf.engines import IsolatedDockerd
from hf.function import field
from hf.make import must_make
from hf.samples import SAMPLES

import grpc

DOCKER = env.SOURCE / "docker"
BASE = env.BUILD / "docker" / "base.tar"  # kept: making it takes half a minute

# All start together, and etcd may be the last to serve.
EARLY = re.compile(r"the store cannot be reached")


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

    def setUp(self):
        super().setUp()
        self.addCleanup(self.compose, "down", "-v", check=False)
        self.compose("up", "-d")
        self.wait(self.worker_is_there, "the leaf has its worker")

    # --- asking ---------------------------------------------------------------------------------

    def compose(self, *words, check=True):
        """What docker-compose printed; its failure shows what the containers wrote."""
        done = subprocess.run(
            ["docker-compose", "-p", "small", "-f", DOCKER / "compose.small.yaml", *words],
            env={**os.environ, "DOCKER_HOST": self.host, "HYPERFAAS_PUBLISH": "0.0.0.0",
                 "DOCKER_SOCKET": str(self.dockerd.socket)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=env.seconds(60))
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

    def worker_is_there(self):
        return "state=up" in self.tool("ctl", "leaf", "leaf/workers", check=False)

    def tool(self, *words, **more):
        """What the command line tool printed in the leaf's container."""
        return self.dockerd.docker("exec", "small_leaf_1", "hyperfaas", *words, **more)

    def create(self, name):
        """The id of a new function, small enough for all of them to fit on this machine."""
        return json.loads(self.tool("--config", "/etc/hyperfaas/leaf.ini", "function", "create",
                                    f"hyperfaas-{name}", "--cpu-quota", "10000", "--json"))["id"]

    def call(self, function, path, request=b""):
        with hf.Client(f"{self.dockerd.host}:50053", function) as client:
            try:
                return client.call(path, request)
            except grpc.RpcError as error:
                self.fail(f"{error.code()}: {error.details()}\n{self.logs()[-8000:]}")

    def instances(self):
        """The names of the containers of functions."""
        return [name for name in self.dockerd.docker("ps", "--format", "{{.Names}}").split()
                if not name.startswith("small_")]

    def surprises(self):
        """Warnings of the nodes and of the functions that the test did not ask for."""
        written = self.logs("worker", "leaf").splitlines()
        for instance in self.instances():
            written += self.dockerd.docker("logs", instance).splitlines()
        return [line for line in written
                if re.search(r"level=(warning|error)", line) and not EARLY.search(line)]

    def take_down(self):
        self.compose("down", "-v")
        self.assertEqual(self.dockerd.containers(), [])
        self.assertEqual(self.dockerd.docker("volume", "ls", "-q").split(), [])

    # --- tests ----------------------------------------------------------------------------------

    def test_small(self):
        for name, (path, request, answer) in SAMPLES.items():
            found = self.call(self.create(name), path, request)
            self.assertEqual(found[:len(answer)], answer, name)
        self.assertEqual(len(self.instances()), len(SAMPLES))
        self.assertEqual(self.surprises(), [])
        self.take_down()

    def test_worker_dies(self):
        """Its engine starts it again, and it goes on with the instances that it had."""
        function = self.create("echo")
        self.call(function, "/examples.echo.v1.Echo/Echo", field(1, b"x"))
        before = self.instances()
        os.kill(int(self.dockerd.docker("inspect", "-f", "{{.State.Pid}}", "small_worker_1")),
                signal.SIGKILL)
        self.wait(lambda: "worker lost" in self.logs("leaf"), "the leaf misses its worker")
        self.wait(self.worker_is_there, "the worker is back")
        self.assertEqual(self.call(function, "/examples.echo.v1.Echo/Echo", field(1, b"y")),
                         field(1, b"y"))
        self.assertEqual(self.instances(), before)
        self.take_down()


if __name__ == "__main__":
    hf.main()
