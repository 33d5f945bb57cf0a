"""Tests whose instances are containers of an engine of their own."""

import json
import shutil
import tempfile

import hf
import hf.pb
from hf import env, net, processes
from hf.engines import Dockerd

FUNCTIONS = ("crash", "echo", "hello", "sleep")
MEMORY = "64MiB"


class ContainerCase(hf.TestCase):
    """One engine for all tests of a class; each test has a cluster label of its own, and must
    leave no container."""

    @classmethod
    def setUpClass(cls):
        cls.docker_folder = tempfile.mkdtemp(prefix="hf-docker-")
        cls.addClassCleanup(shutil.rmtree, cls.docker_folder, ignore_errors=True)
        processes.adopt_orphans()
        cls.dockerd = Dockerd(cls.docker_folder)
        cls.addClassCleanup(cls.dockerd.discard)
        cls.dockerd.start()
        for name in FUNCTIONS:
            cls.dockerd.import_image(f"hyperfaas-{name}:latest", ["/function"],
                                    function=env.BUILD / "functions" / name / name)

    def setUp(self):
        super().setUp()
        self.engines.append(self.dockerd)
        self.cluster = self.id().rsplit(".", 1)[-1]

    def start_platform(self, start=True, runtime=None, **options):
        """A leaf and a worker in processes of their own, the worker's API at the gateway."""
        settings = {"socket": f"unix://{self.dockerd.socket}", "cluster": self.cluster,
                    "publish": net.own_host(),  # engines do not know of each other's ports
                    "pull": "never", **(runtime or {})}
        if env.SANITIZED:  # a container may not trace itself, which finding leaks needs
            settings["env"] = ["ASAN_OPTIONS=detect_leaks=0", *settings.get("env", ())]
        self.p = self.platform(runtime="docker", split=True, start=start,
                               worker_host=self.dockerd.gateway,
                               options={"runtime": settings, **options})
        return self.p

    def _finish(self, platform):
        super()._finish(platform)
        left = self.containers()
        if left:
            self._show_logs(platform)
            raise AssertionError(f"containers were left behind: {left}")

    def _check_processes(self):
        self.dockerd.kill_shims()  # there are no containers any more, or there is an error anyway
        super()._check_processes()

    # --- functions and containers -------------------------------------------------------------

    def function(self, name, function_id=None, **options):
        """A client of a new function of a sample's image."""
        options.setdefault("memory", "512MiB" if env.SANITIZED else MEMORY)
        return self.p.client(self.p.create(f"hyperfaas-{name}:latest", function_id, **options))

    def echo(self, client, data=b"x", **more):
        reply = client.call("/examples.echo.v1.Echo/Echo", hf.pb.echo.EchoRequest(data=data),
                            hf.pb.echo.EchoReply, **more)
        return reply.data

    def containers(self):
        """The ids of this test's containers, whatever their state."""
        return self.dockerd.containers(f"label=hf.cluster={self.cluster}")

    def container(self):
        """What the engine says of the only one."""
        ids = self.containers()
        self.assertEqual(len(ids), 1)
        return json.loads(self.dockerd.docker("inspect", ids[0]))[0]
