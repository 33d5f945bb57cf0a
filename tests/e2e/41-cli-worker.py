"""`hyperfaas worker`: against a worker of ours, and one that has nothing but worker.Worker."""

import json
import re
import signal
import subprocess
from concurrent import futures

import grpc

import hf
from hf import env, net, pb

DONE, FAILED, USAGE = range(3)  # exit codes


class ExistingWorker(grpc.GenericRpcHandler):
    """Answers as the existing worker does: an unfilled external address, no snapshot, no times."""

    def __init__(self):
        self.requests = []
        self.server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[self])
        self.address = net.free_address(net.own_host())
        self.server.add_insecure_port(self.address)
        self.server.start()

    def service(self, handler_call_details):
        handlers = {
            "Start": (self.start, pb.worker.StartRequest),
            "Stop": (self.stop, pb.worker.StopRequest),
            "Metrics": (self.metrics, pb.worker.MetricsRequest),
        }
        package, _, name = handler_call_details.method.rpartition("/")
        if package != "/worker.Worker":
            return None
        if name == "Status":
            return grpc.unary_stream_rpc_method_handler(
                self.status, pb.worker.StatusRequest.FromString,
                pb.worker.StatusUpdate.SerializeToString)
        answer, request = handlers[name]
        return grpc.unary_unary_rpc_method_handler(answer, request.FromString,
                                                   lambda message: message.SerializeToString())

    def start(self, request, context):
        self.requests.append(request)
        if request.function_id == "broken":
            context.abort(grpc.StatusCode.INTERNAL, "no such image")
        return pb.worker.StartResponse(instance_id="0123456789ab", instance_name="some\x1bname",
                                       instance_internal_ip="172.17.0.2:50052")

    def stop(self, request, _context):
        self.requests.append(request)
        return pb.worker.StopResponse(instance_id=request.instance_id)

    def metrics(self, request, _context):
        self.requests.append(request)
        return pb.worker.MetricsUpdate(used_ram_percent=12.5, cpu_percent_percpus=[1, 99.5])

    def status(self, request, _context):
        self.requests.append(request)
        yield pb.worker.StatusUpdate(instance_id="0123456789ab", event=pb.worker.EVENT_DOWN,
                                     status=pb.worker.STATUS_FAILED, function_id="f")


class TestExisting(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.worker = ExistingWorker()
        self.addCleanup(lambda: self.worker.server.stop(None).wait())

    def tool(self, *words, group="worker"):
        return subprocess.run([env.program("hyperfaas"), group, "--address",
                               self.worker.address, *words], capture_output=True, check=False,
                              text=True, timeout=env.seconds(30))

    def json(self, *words):
        done = self.tool(*words, "--json")
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        return json.loads(done.stdout)

    def test_start_and_stop(self):
        done = self.tool("start", "f")
        self.assertEqual((done.returncode, done.stdout), (DONE, "0123456789ab\n"))
        self.assertIn("some?name; its internal address is 172.17.0.2:50052, its external one -",
                      done.stderr)
        self.assertEqual(self.json("start", "f"), {
            "id": "0123456789ab", "name": "some\x1bname", "internal_address": "172.17.0.2:50052",
            "external_address": ""})
        self.assertEqual(self.tool("stop", "0123456789ab").stdout, "0123456789ab\n")
        self.assertEqual(self.json("stop", "x"), {"id": "x"})
        self.assertEqual(self.worker.requests[0].function_id, "f")
        done = self.tool("start", "broken")
        self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
        self.assertIn("INTERNAL: no such image", done.stderr)

    def test_metrics(self):
        self.assertEqual(self.json("metrics", "node-1"),
                         {"used_ram_percent": 12.5, "cpu_percent_percpus": [1, 99.5]})
        self.assertEqual(self.worker.requests[0].node_id, "node-1")
        self.assertEqual(self.tool("metrics", group="w").stdout.split(),
                         ["memory", "12.5", "%", "cpu", "0", "1.0", "%", "cpu", "1", "99.5", "%"])

    def test_status(self):
        done = self.tool("status")
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        self.assertEqual(done.stdout.split(), ["-", "down", "failed", "0123456789ab", "f"])
        self.assertEqual(self.json("status", "node-1"), {
            "time": None, "event": "down", "status": "failed", "instance": "0123456789ab",
            "function": "f"})
        first, named = self.worker.requests
        self.assertRegex(first.node_id, r"^[0-9a-f-]{36}$")  # fresh: a reused id is silenced
        self.assertEqual(named.node_id, "node-1")

    def test_nobody_there(self):
        for words in (["start", "f"], ["stop", "i"], ["metrics"], ["status", "--duration", "1h"]):
            with self.subTest(words=words):
                done = self.tool(*words, "--address", "127.0.0.1:1")
                self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
                self.assertIn("no answer from '127.0.0.1:1'", done.stderr)

    def test_wrong_usage(self):
        for words, part in ((["start"], "needs FUNCTION"),
                            (["status", "--duration", "0"], "above zero"),
                            (["status", "--duration", "soon"], "--duration"),
                            (["stop", "x", "--duration", "1s"], "unknown flag")):
            with self.subTest(words=words):
                done = self.tool(*words)
                self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
                self.assertIn(part, done.stderr)


class TestOurs(hf.TestCase):
    def test_life_of_an_instance(self):
        p = self.platform(runtime="fake")
        instance = p.tool.json("worker", "start", p.create("hyperfaas-echo"))["id"]
        self.assertEqual([i["id"] for i in p.instances()], [instance])
        with subprocess.Popen([env.program("hyperfaas"), "--config", p.leaf.config, "worker",
                               "status", "--duration", "1h", "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
            self.addCleanup(watcher.kill)
            seen = [json.loads(watcher.stdout.readline())]
            self.assertEqual(seen[0]["event"], "running")
            self.assertEqual(p.tool.text("worker", "stop", instance), instance + "\n")
            while seen[-1]["event"] != "stop":
                seen.append(json.loads(watcher.stdout.readline()))
            watcher.send_signal(signal.SIGINT)
            self.assertEqual((watcher.wait(env.seconds(10)), watcher.stderr.read()), (DONE, ""))
        self.assertEqual({update["instance"] for update in seen}, {instance})
        self.assertRegex(seen[0]["time"], r"^20\d\d-\d\d-\d\dT.*Z$")

    def test_status_ends_in_time(self):
        p = self.platform(runtime="fake")
        self.assertEqual(p.tool.text("worker", "status", "--duration", "50ms"), "")
        self.assertTrue(re.match(r"memory +\d", p.tool.text("worker", "metrics")))
        done = p.tool.run("worker", "start", "absent", check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("NOT_FOUND", done.stderr)


if __name__ == "__main__":
    hf.main()
