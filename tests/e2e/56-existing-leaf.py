"""A worker of ours as a leaf of the existing implementation drives it.

It needs nothing of hyperfaas.v1, sends no metadata, opens one connection to each instance, listens
to Status under one node id for ever, and acts on nothing but DOWN and TIMEOUT with a function.
"""

import socket
import threading

import grpc
import hf
from hf import wire
from hf.rpc import instructions

START_LIMIT, STOP_LIMIT = 45, 10
ECHO = "/examples.echo.v1.Echo/Echo"
SLEEP = "/examples.sleep.v1.Sleep/Sleep"


class ExistingLeaf:
    """What the existing leaf knows and does of one worker."""

    def __init__(self, address, node_id="leaf-1", containerized=True):
        self.address, self.node_id, self.containerized = address, node_id, containerized
        self.client = hf.Client(address)
        self.instances = {}  # id -> client of its one connection
        self.updates = []
        self.streams = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.call = None
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while not self.closing.is_set():
            with hf.Client(self.address) as client:
                self.call = client.method(wire.STATUS, "unary_stream", wire.worker.StatusUpdate)(
                    wire.worker.StatusRequest(node_id=self.node_id))
                self.streams += 1
                try:
                    for update in self.call:
                        self._hear(update)
                except grpc.RpcError:
                    pass
            self.closing.wait(0.02)

    def _hear(self, update):
        self.updates.append(update)
        if update.event in (wire.worker.EVENT_DOWN, wire.worker.EVENT_TIMEOUT) \
                and update.function_id:
            self._forget(update.instance_id)

    def _forget(self, instance_id):
        with self.lock:
            client = self.instances.pop(instance_id, None)
        if client:
            client.close()

    def start(self, function_id, timeout=START_LIMIT):
        """Starts an instance and connects to it; returns the worker's answer."""
        started = self.client.call(wire.START, wire.worker.StartRequest(function_id=function_id),
                                   wire.worker.StartResponse, timeout=timeout)
        address = (started.instance_internal_ip if self.containerized
                   else started.instance_external_ip)
        with self.lock:
            self.instances[started.instance_id] = hf.Client(address)
        return started

    def begin_start(self, function_id):
        return self.client.begin(wire.START, wire.worker.StartRequest(function_id=function_id),
                                 wire.worker.StartResponse, timeout=START_LIMIT)

    def stop(self, instance_id):
        """An existing leaf that gets an error here keeps the instance, and tries for ever."""
        stopped = self.client.call(wire.STOP, wire.worker.StopRequest(instance_id=instance_id),
                                   wire.worker.StopResponse, timeout=STOP_LIMIT)
        self._forget(instance_id)
        return stopped

    def signal_ready(self, instance_id):
        self.client.call(wire.SIGNAL_READY, wire.worker.SignalReadyRequest(instance_id=instance_id))

    def events(self, instance_id=None):
        """The names of what it heard (of an instance)."""
        return [wire.worker.Event.Name(u.event) for u in list(self.updates)
                if instance_id in (None, u.instance_id)]

    def wait_event(self, event, instance_id):
        hf.eventually(lambda: event in self.events(instance_id), f"{event} is told")

    def close(self):
        self.closing.set()
        while self.thread.is_alive():
            if self.call is not None:
                self.call.cancel()
            self.thread.join(0.05)
        for instance_id in list(self.instances):
            self._forget(instance_id)
        self.client.close()


class ExistingLeafTest(hf.TestCase):
    """A worker without any leaf of ours."""

    def start(self, runtime="process", **worker):
        self.p = self.platform(split=True, start=False, runtime=runtime,
                               options={"worker": worker})
        self.p.nodes.remove(self.p.leaf)
        self.p.leaf.config.write_text(hf.ini.render(self.p.leaf.sections))  # for the tool
        self.p.worker.start()
        self.leaf = self.new_leaf()

    def new_leaf(self, **more):
        leaf = ExistingLeaf(self.p.worker_api, **more)
        self.addCleanup(leaf.close)
        hf.eventually(lambda: leaf.streams, "the leaf listens")
        return leaf

    def sample(self, name, **options):
        return self.p.create(self.p.install_sample(name), **options)


class Starting(ExistingLeafTest):
    def test_ok_means_ready_at_both_addresses(self):
        self.start()
        function_id = self.sample("echo")
        for containerized in (True, False):
            leaf = self.new_leaf(containerized=containerized)
            started = leaf.start(function_id)
            self.assertTrue(started.instance_name.startswith("hyperfaas-echo-"))
            self.assertEqual(leaf.instances[started.instance_id].call(ECHO, b"\n\1x"), b"\n\1x")
            leaf.stop(started.instance_id)

    def many_streams(self):
        """All calls of an instance share one connection: 499 that last, and one more."""
        started = self.leaf.start(self.sample("sleep", max_concurrency=500))
        connection = self.leaf.instances[started.instance_id]
        hour = wire.sleep.SleepRequest(duration_nanos=3600 * 10**9)
        lasting = [connection.begin(SLEEP, hour, timeout=600) for _ in range(499)]
        connection.call(SLEEP, wire.sleep.SleepRequest(duration_nanos=1))
        self.assertEqual([call for call in lasting if call.done()], [])
        for call in lasting:
            call.cancel()

    def test_many_streams_on_one_connection(self):
        self.start()
        self.many_streams()

    def test_many_streams_on_one_connection_of_the_fake_runtime(self):
        self.start(runtime="fake")
        self.many_streams()

    def test_cancelled(self):
        self.start()
        call = self.leaf.begin_start(self.p.probe("probe-waits"))
        pid = self.p.wait_note("start")["pid"]
        call.cancel()
        hf.eventually(lambda: not hf.processes.is_alive(pid), "the instance has gone")

    def test_given_up(self):
        """The caller's time is over before the instance serves."""
        self.start()
        error = hf.failure(self.leaf.start, self.p.probe("probe-waits"), timeout=0.5)
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        for note in self.p.notes("start"):
            hf.eventually(lambda pid=note["pid"]: not hf.processes.is_alive(pid), "it has gone")

    def test_never_ready(self):
        """The worker's own limit is below the leaf's, and its answer says what is wrong."""
        self.start(ready_timeout="500ms")
        self.p.worker.log.announce("start failed")
        error = hf.failure(self.leaf.start, self.p.probe("probe-silent"))
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertIn("ready_timeout", error.details())

    def test_of_nothing(self):
        self.start()
        error = hf.failure(self.leaf.start, "absent")
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)


class Stopping(ExistingLeafTest):
    def test_what_has_gone(self):
        self.start()
        started = self.leaf.start(self.sample("echo"))
        for instance_id in (started.instance_id, started.instance_id, "never-was"):
            self.assertEqual(self.leaf.stop(instance_id).instance_id, instance_id)

    def test_what_has_crashed(self):
        self.start()
        started = self.leaf.start(self.p.probe())
        connection = self.leaf.instances[started.instance_id]
        hf.failure(connection.call, "/hf.Probe/Unary", metadata=instructions(exit="abort"))
        self.leaf.stop(started.instance_id)

    def test_is_no_failure(self):
        self.start()
        function_id = self.sample("echo")
        for _ in range(2):
            started = self.leaf.start(function_id)
            self.leaf.stop(started.instance_id)
            self.leaf.wait_event("EVENT_STOP", started.instance_id)
        self.assertNotIn("EVENT_DOWN", self.leaf.events())


class Status(ExistingLeafTest):
    def test_down_of_an_end_that_nobody_asked_for(self):
        """With exit status 0, too; the leaf forgets the instance, and the next one serves."""
        self.start()
        function_id = self.p.probe()
        for how in (0, 1, "abort"):
            started = self.leaf.start(function_id)
            connection = self.leaf.instances[started.instance_id]
            hf.failure(connection.call, "/hf.Probe/Unary", metadata=instructions(exit=how))
            self.leaf.wait_event("EVENT_DOWN", started.instance_id)
            hf.eventually(lambda: not self.leaf.instances, "the leaf has forgotten it")

    def test_snapshot_comes_first(self):
        self.start(runtime="fake")
        function_id = self.p.create("hyperfaas-echo:latest")
        running = sorted(self.leaf.start(function_id).instance_id for _ in range(3))
        late = self.new_leaf(node_id="leaf-2")
        hf.eventually(lambda: len(late.updates) == 3, "the snapshot is told")
        self.assertEqual(sorted(u.instance_id for u in late.updates), running)
        self.assertEqual({u.event for u in late.updates}, {wire.worker.EVENT_RUNNING})
        self.assertEqual({u.function_id for u in late.updates}, {function_id})
        self.assertEqual({u.type for u in late.updates}, {wire.worker.CONTAINER})
        self.assertTrue(all(u.timestamp.seconds > 1_700_000_000 for u in late.updates))

    def test_listener_that_comes_again_under_the_same_id(self):
        self.start(runtime="fake")
        function_id = self.p.create("hyperfaas-echo:latest")
        for turn in range(2, 5):
            self.leaf.call.cancel()
            hf.eventually(lambda n=turn: self.leaf.streams == n, "it listens again")
            started = self.leaf.start(function_id)
            hf.eventually(lambda s=started: self.leaf.events(s.instance_id), "the start is told")

    def test_listeners_of_one_id_hear_the_same(self):
        self.start(runtime="fake")
        leaves = [self.leaf, *(self.new_leaf(node_id=name) for name in ("leaf-1", "leaf-2"))]
        started = self.leaf.start(self.p.create("hyperfaas-echo:latest"))
        for leaf in leaves:
            hf.eventually(lambda it=leaf: it.events(started.instance_id), "the start is told")

    def test_worker_that_ends_says_down(self):
        """Nobody has asked for that: STOP alone would leave the instances in the leaf's table."""
        self.start()
        function_id = self.sample("echo")
        for _ in range(2):
            self.leaf.start(function_id)
        self.p.worker.terminate()
        self.assertEqual(self.p.worker.wait(), 0)
        hf.eventually(lambda: not self.leaf.instances, "the leaf has forgotten them")

    def test_worker_that_comes_back(self):
        self.start()
        function_id = self.p.probe()
        self.leaf.start(function_id)
        pid = self.p.wait_note("start")["pid"]
        self.p.worker.kill()
        hf.eventually(lambda: not hf.processes.is_alive(pid), "its instances die with it")
        streams = self.leaf.streams
        self.leaf.updates.clear()
        self.p.worker.restart()
        hf.eventually(lambda: self.leaf.streams > streams, "the leaf listens again")
        started = self.leaf.start(function_id)
        hf.eventually(lambda: self.leaf.events(started.instance_id), "it hears of the new one")
        self.assertNotIn("EVENT_RUNNING", [e for u, e in zip(self.leaf.updates, self.leaf.events())
                                           if u.instance_id != started.instance_id])


class Rest(ExistingLeafTest):
    def test_signal_ready(self):
        """It makes a Start return, and is fine for whatever id, however often."""
        self.start(readiness="signal")
        call = self.leaf.begin_start(self.p.probe("probe"))
        instance_id = self.p.wait_note("start")["instance"]
        self.assertFalse(call.done())
        for each in (instance_id, instance_id, "never-was", ""):
            self.leaf.signal_ready(each)
        self.assertEqual(call.result().instance_id, instance_id)
        self.leaf.signal_ready(instance_id)
        self.assertEqual(len(instance_id), 12)

    def test_signal_that_comes_before_the_start_returns(self):
        self.start(readiness="signal")
        self.leaf.start(self.sample("hello"))

    def test_metrics(self):
        self.start(runtime="fake")
        update = self.leaf.client.call(wire.METRICS, wire.worker.MetricsRequest(node_id="leaf-1"),
                                       wire.worker.MetricsUpdate)
        self.assertTrue(0 < update.used_ram_percent < 100)
        self.assertTrue(all(0 <= each <= 100 for each in update.cpu_percent_percpus))
        self.assertGreaterEqual(len(update.cpu_percent_percpus), 1)

    def test_health(self):
        self.start(runtime="fake")
        for service in ("", "worker"):
            answer = self.leaf.client.call(wire.HEALTH,
                                           wire.health.HealthCheckRequest(service=service),
                                           wire.health.HealthCheckResponse)
            self.assertEqual(answer.status, wire.health.HealthCheckResponse.SERVING)

    def test_port_check(self):
        """HAProxy and `nc -z` connect and close without a byte: no warning."""
        self.start(runtime="fake")
        host, _, port = self.p.worker_api.rpartition(":")
        for _ in range(3):
            socket.create_connection((host, int(port))).close()
        self.leaf.start(self.p.create("hyperfaas-echo:latest"))


if __name__ == "__main__":
    hf.main()
