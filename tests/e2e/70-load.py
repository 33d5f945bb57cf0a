"""Many calls, while instances come and go: none fails."""

import hf
from hf import env, load, plugins

ECHO = "/examples.echo.v1.Echo/Echo"
CALLS = 20_000 if env.SANITIZED else 100_000


class Load(hf.TestCase):
    def flapping(self, **options):
        """A platform whose scaler goes from one instance to eight and back every 200 ms."""
        module = plugins.build_from_source(env.E2E / "scaler-flap.c", self.folder / "flap.so")
        p = self.platform(runtime="fake", options={
            "scaler": {"plugin": str(module), "low": 1, "high": 8, "period": "200ms"},
            "leaf": {"max_instances_per_worker": 8, "min_uptime": "0s"}, **options})
        function_id = p.create("hyperfaas-echo:latest", max_concurrency=100)
        p.client(function_id).call(ECHO, b"\n\1x")
        return p, function_id

    def test_warm_calls_while_scale_goes_up_and_down(self):
        p, function_id = self.flapping()
        # Few at once: only instances that are idle for a moment are taken away.
        report = load.run(p.proxy, function_id, ECHO, CALLS, connections=4, streams=1)
        self.assertEqual((report["calls"], report["failed"]), (CALLS, 0), report["failure"])
        print(f"{CALLS / report['seconds']:.0f} calls/s")  # a figure, no test: machines differ
        few = 1 if env.SANITIZED else 16
        self.assertGreater(len(p.leaf.log.all("instance started")), few, "it hardly went up")
        self.assertGreater(len(p.leaf.log.all("stopping instance")), few, "it hardly went down")

    def test_memory_and_descriptors_come_back(self):
        """A second round of the same load finds the room that the first has left."""
        p, function_id = self.flapping()
        load.run(p.proxy, function_id, ECHO, CALLS // 4, connections=50)
        memory = p.leaf.resident_bytes()
        files = hf.processes.open_files(p.leaf.pid)
        for _ in range(3):
            load.run(p.proxy, function_id, ECHO, CALLS // 4, connections=50)
        hf.eventually(lambda: hf.processes.open_files(p.leaf.pid) <= files + 20,
                      "descriptors are closed again")
        # AddressSanitizer keeps 256 MiB of freed memory to recognise its use.
        self.assertLess(p.leaf.resident_bytes() - memory, (400 if env.SANITIZED else 8) << 20)


if __name__ == "__main__":
    hf.main()
