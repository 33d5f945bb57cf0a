"""Leaf and worker driven by grpc-go, with which the existing nodes are written.

grpcurl knows nothing of us but the .proto files of tests/e2e/wire.
"""

import json
import subprocess

import hf
from hf import env

import gotools

WIRE = env.E2E / "wire"


class GrpcGo(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.program = gotools.tool(gotools.GRPCURL, gotools.GRPCURL_VERSION)
        self.p = self.platform(runtime="fake")

    def command(self, address, method, request, *more):
        proto = method.rpartition(".")[0].replace(".", "/")
        name = proto.split("/")[-2 if proto.endswith("/v1") else -1]
        return [self.program, "-plaintext", "-import-path", WIRE, "-proto", f"{proto}/{name}.proto",
                "-emit-defaults", "-d", json.dumps(request), *more, address, method]

    def call(self, address, method, *more, **request):
        """The answer of a unary call."""
        done = subprocess.run(self.command(address, method, request, *more), capture_output=True,
                              text=True, check=False, timeout=env.seconds(30))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def listen(self, address, method, **request):
        """The messages of a stream, as they come."""
        process = subprocess.Popen(self.command(address, method, request), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                yield json.loads(text)
                text = ""

    def start(self):
        return self.call(self.p.worker_api, "worker.Worker/Start",
                         functionId=self.p.create("hyperfaas-sleep:latest"))

    def test_life_of_an_instance(self):
        started = self.start()
        instance_id = started["instanceId"]
        self.call(started["instanceExternalIp"], "examples.sleep.v1.Sleep/Sleep", durationNanos="1")
        self.call(self.p.worker_api, "worker.Worker/SignalReady", instanceId=instance_id)
        updates = self.listen(self.p.worker_api, "worker.Worker/Status", nodeId="go")
        first = next(updates)
        self.assertEqual((first["instanceId"], first["event"]), (instance_id, "EVENT_RUNNING"))
        stopped = self.call(self.p.worker_api, "worker.Worker/Stop", instanceId=instance_id)
        self.assertEqual(stopped["instanceId"], instance_id)
        self.assertEqual(next(updates)["event"], "EVENT_STOP")

    def test_metrics(self):
        metrics = self.call(self.p.worker_api, "worker.Worker/Metrics", nodeId="go")
        self.assertTrue(0 < metrics["usedRamPercent"] < 100)

    def test_health(self):
        for address, name in ((self.p.leaf_api, "leaf"), (self.p.worker_api, "worker")):
            for service in (name, ""):
                answer = self.call(address, "grpc.health.v1.Health/Check", service=service)
                self.assertEqual(answer["status"], "SERVING")

    def test_call_and_state(self):
        changes = self.listen(self.p.leaf_api, "leaf.Leaf/State")
        self.assertEqual(next(changes), {"functionId": "", "have": False})
        function_id = self.p.create("hyperfaas-sleep:latest")
        reply = self.call(self.p.proxy, "examples.sleep.v1.Sleep/Sleep", "-authority", function_id,
                          durationNanos="1")
        self.assertEqual(reply, {"message": "Finished Sleeping"})
        self.assertEqual(next(changes), {"functionId": function_id, "have": True})


if __name__ == "__main__":
    hf.main()
