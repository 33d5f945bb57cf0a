"""The worker's services, used as peers that are not ours use them."""

import threading

import grpc
import hf
from hf import pb

STATUS = "/worker.Worker/Status"


class Listener:
    """A Status (or any other) stream, read in the background."""

    def __init__(self, client, path, request, reply):
        self.updates = []
        self.call = client.method(path, "unary_stream", reply)(request)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for update in self.call:
                self.updates.append(update)
        except grpc.RpcError:
            pass

    def wait(self, what, **wanted):
        def found():
            return next((u for u in self.updates
                         if all(getattr(u, k) == v for k, v in wanted.items())), None)
        return hf.eventually(found, what)

    def close(self):
        self.call.cancel()
        self.thread.join(hf.env.seconds(5))


class Worker(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.client = self.p.worker_client()
        self.function_id = self.p.probe()

    def start_instance(self, function_id=None, **more):
        return self.client.call("/worker.Worker/Start",
                                pb.worker.StartRequest(function_id=function_id or self.function_id),
                                pb.worker.StartResponse, **more)

    def stop_instance(self, instance_id):
        return self.client.call("/worker.Worker/Stop",
                                pb.worker.StopRequest(instance_id=instance_id),
                                pb.worker.StopResponse)

    def listen(self, node_id):
        listener = Listener(self.client, STATUS, pb.worker.StatusRequest(node_id=node_id),
                            pb.worker.StatusUpdate)
        self.addCleanup(listener.close)
        return listener

    def test_start_means_ready_to_serve(self):
        started = self.start_instance()
        self.assertTrue(started.instance_id and started.instance_name)
        for address in (started.instance_internal_ip, started.instance_external_ip):
            with hf.Client(address) as function:
                self.assertEqual(function.call("/hf.Probe/Unary", b"direct"), b"direct")
        self.assertEqual(self.stop_instance(started.instance_id).instance_id, started.instance_id)
        self.p.wait_note("stop")

    def test_stop_of_what_is_gone_is_fine(self):
        started = self.start_instance()
        self.stop_instance(started.instance_id)
        self.stop_instance(started.instance_id)
        self.stop_instance("never-was")

    def test_start_of_an_unknown_function(self):
        error = hf.failure(self.start_instance, "absent")
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)

    def test_cancelled_start_leaves_nothing(self):
        waits = self.p.probe("probe-waits")
        call = self.client.begin("/worker.Worker/Start",
                                 pb.worker.StartRequest(function_id=waits),
                                 pb.worker.StartResponse)
        pid = self.p.wait_note("start", kind="probe-waits")["pid"]
        call.cancel()
        hf.eventually(lambda: not hf.processes.is_alive(pid), "the instance has gone")

    def test_signal_ready_always_answers_ok(self):
        for instance in ("", "never-was", "x" * 1000):
            self.client.call("/worker.Worker/SignalReady",
                             pb.worker.SignalReadyRequest(instance_id=instance))

    def test_status_begins_with_what_runs(self):
        first = self.start_instance()
        listener = self.listen("later")
        update = listener.wait("the running instance is told", event=pb.worker.EVENT_RUNNING)
        self.assertEqual((update.instance_id, update.function_id),
                         (first.instance_id, self.function_id))
        self.assertGreater(update.timestamp.seconds, 1_700_000_000)

    def test_status_tells_changes_to_every_listener(self):
        listeners = [self.listen(f"node-{i}") for i in range(3)]
        started = self.start_instance()
        for listener in listeners:
            listener.wait("the start is told", event=pb.worker.EVENT_START,
                          instance_id=started.instance_id)
        self.stop_instance(started.instance_id)
        for listener in listeners:
            listener.wait("the stop is told", event=pb.worker.EVENT_STOP,
                          instance_id=started.instance_id)
        downs = [u for u in listeners[0].updates if u.event == pb.worker.EVENT_DOWN]
        self.assertEqual(downs, [], "a stop that was asked for is no failure")

    def test_reused_node_id_silences_nobody(self):
        listeners = [self.listen("same") for _ in range(2)]
        started = self.start_instance()
        for listener in listeners:
            listener.wait("the start is told", instance_id=started.instance_id)

    def test_end_that_nobody_asked_for_is_down(self):
        listener = self.listen("watcher")
        started = self.start_instance()
        with hf.Client(started.instance_external_ip) as function:
            hf.failure(function.call, "/hf.Probe/Unary",
                       metadata=hf.rpc.instructions(exit=0))
        update = listener.wait("the end is told", event=pb.worker.EVENT_DOWN)
        self.assertEqual((update.instance_id, update.function_id),
                         (started.instance_id, self.function_id))

    def test_slow_listener_blocks_nobody(self):
        """A listener that never reads: the others hear everything, the worker stays small."""
        deaf = hf.h2raw.Connection(self.p.worker_api, window=0)
        self.addCleanup(deaf.socket.close)
        request = hf.h2raw.grpc_request("worker", STATUS)
        deaf.request(request, hf.h2raw.message(b"\n\4deaf"))
        listener = self.listen("awake")
        for _ in range(3):
            started = self.start_instance()
            self.stop_instance(started.instance_id)
            listener.wait("the stop is told", event=pb.worker.EVENT_STOP,
                          instance_id=started.instance_id)

    def test_metrics(self):
        update = self.client.call("/worker.Worker/Metrics",
                                  pb.worker.MetricsRequest(node_id="x"), pb.worker.MetricsUpdate)
        self.assertGreater(update.used_ram_percent, 0)
        self.assertLess(update.used_ram_percent, 100)
        self.assertGreaterEqual(len(update.cpu_percent_percpus), 1)
        self.assertTrue(all(0 <= value <= 100 for value in update.cpu_percent_percpus))

    def test_unknown_method(self):
        error = hf.failure(self.client.call, "/worker.Worker/Nope")
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_garbage_message(self):
        error = hf.failure(self.client.call, "/worker.Worker/Start", b"\xff\xff\xff")
        self.assertNotEqual(error.code(), grpc.StatusCode.OK)
        self.start_instance()


class Readiness(hf.TestCase):
    """How an instance shows that it serves; `either` is what all other tests use."""

    def start(self, readiness, **more):
        self.p = self.platform(options={"worker": {"readiness": readiness, **more}})

    def call(self, kind):
        return self.p.client(self.p.probe(kind)).call("/hf.Probe/Unary", b"x")

    def test_by_signal_alone(self):
        self.start("signal")
        self.assertEqual(self.call("probe-signals"), b"x")

    def test_signal_that_comes_at_once(self):
        """A small C function signals before the worker has heard of its instance's start."""
        self.start("signal")
        client = self.p.client(self.p.create(self.p.install_sample("hello")))
        client.call("/examples.hello.v1.Hello/SayHello")

    def test_by_probe_alone(self):
        self.start("probe")
        self.assertEqual(self.call("probe"), b"x")

    def test_no_signal_where_one_is_needed(self):
        self.start("signal", ready_timeout="1s")
        self.p.leaf.log.announce("start failed")
        self.p.leaf.log.announce("calls refused")
        error = hf.failure(self.call, "probe")
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)


class Health(hf.TestCase):
    def check(self, client, service):
        return client.call("/grpc.health.v1.Health/Check",
                           pb.health.HealthCheckRequest(service=service),
                           pb.health.HealthCheckResponse).status

    def test_on_both_ports(self):
        p = self.platform(runtime="fake")
        serving = pb.health.HealthCheckResponse.SERVING
        for client, name in ((p.leaf_client(), "leaf"), (p.worker_client(), "worker")):
            self.assertEqual(self.check(client, name), serving)
            self.assertEqual(self.check(client, ""), serving)
            error = hf.failure(self.check, client, "nonsense")
            self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)

    def test_watch_of_an_unknown_service(self):
        p = self.platform(runtime="fake")
        updates = p.leaf_client().stream("/grpc.health.v1.Health/Watch",
                                         pb.health.HealthCheckRequest(service="nonsense"),
                                         pb.health.HealthCheckResponse)
        self.assertEqual(next(updates).status, pb.health.HealthCheckResponse.SERVICE_UNKNOWN)
        updates.cancel()


class Watch(hf.TestCase):
    """hyperfaas.v1.Node/Watch, which tells leaves of ours more than Status does."""

    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.client = self.p.worker_client()
        self.function_id = self.p.create("hyperfaas-hello:latest")

    def watch(self):
        stream = self.client.stream("/hyperfaas.v1.Node/Watch",
                                    pb.node.WatchRequest(node_id="test"), pb.node.WatchEvent,
                                    timeout=60)
        self.addCleanup(stream.cancel)
        return stream

    @staticmethod
    def snapshot(stream):
        """The events before the snapshot's end, by kind."""
        found = {}
        for event in stream:
            kind = event.WhichOneof("event")
            if kind == "snapshot_end":
                return found
            found.setdefault(kind, []).append(getattr(event, kind))
        raise AssertionError("the stream ended within its snapshot")

    def start_instance(self, start_id, revision=0):
        return self.client.begin(
            "/worker.Worker/Start", pb.worker.StartRequest(function_id=self.function_id),
            pb.worker.StartResponse,
            metadata=[("hyperfaas-leaf", "a-leaf"), ("hyperfaas-start-id", start_id),
                      ("hyperfaas-revision", str(revision))])

    def test_a_leaf_that_knows_more(self):
        """Its news come first: the worker reads the function anew rather than start an old one."""
        self.start_instance("one").result()
        before = self.p.worker.counter("catalog_reads")
        self.start_instance("two", revision=1).result()
        self.assertEqual(self.p.worker.counter("catalog_reads"), before)
        self.start_instance("three", revision=2**63).result()
        self.assertEqual(self.p.worker.counter("catalog_reads"), before + 1)

    def test_images_of_functions_are_known_before_any_start(self):
        """Of two functions, one names an image that is not there; the leaf knows the other's."""
        self.p.create("hyperfaas-not-there:latest")
        hf.eventually(lambda: "images=1\n" in self.p.leaf.ctl("leaf/workers"), "the leaf knows it")
        self.assertIn(" instances=0 ", self.p.leaf.ctl("leaf/workers"))
        stream = self.watch()
        self.assertEqual([image.tag for image in self.snapshot(stream)["image"]],
                         ["hyperfaas-hello:latest"])
        self.p.create("hyperfaas-echo:latest")
        self.assertEqual(next(event.image.tag for event in stream if event.HasField("image")),
                         "hyperfaas-echo:latest")

    def test_instances_appear_and_go(self):
        stream = self.watch()
        before = self.snapshot(stream)
        self.assertNotIn("instance", before)
        self.assertEqual(len(before["resources"]), 1)
        started = self.start_instance("one").result()
        ready = next(e.instance for e in stream if e.HasField("instance")
                     and e.instance.state == pb.node.INSTANCE_STATE_READY)
        self.assertEqual(
            (ready.instance_id, ready.function_id, ready.leaf_id, ready.start_id),
            (started.instance_id, self.function_id, "a-leaf", "one"))
        self.assertEqual(ready.internal_address, started.instance_internal_ip)
        self.assertEqual([i.instance_id for i in self.snapshot(self.watch())["instance"]],
                         [started.instance_id])
        self.client.call("/worker.Worker/Stop",
                         pb.worker.StopRequest(instance_id=started.instance_id))
        removed = next(e.instance_removed for e in stream if e.HasField("instance_removed"))
        self.assertEqual((removed.instance_id, removed.expected), (started.instance_id, True))

    def test_a_start_that_is_repeated_starts_once(self):
        calls = [self.start_instance("same") for _ in range(5)]
        first, *others = [call.result().instance_id for call in calls]
        self.assertEqual(set(others), {first})
        self.assertEqual(self.start_instance("same").result().instance_id, first)
        self.assertNotEqual(self.start_instance("other").result().instance_id, first)


class Node(hf.TestCase):
    def test_drain_ends_the_process(self):
        p = self.platform(runtime="fake")
        function_id = p.create("hyperfaas-hello:latest")
        p.client(function_id).call("/examples.hello.v1.Hello/SayHello")
        answer = p.leaf_client().call("/hyperfaas.v1.Node/Drain", pb.node.DrainRequest(stop=True),
                                      pb.node.DrainResponse)
        self.assertEqual(answer.calls_cut_off, 0)
        self.assertEqual(p.leaf.wait(), 0)

    def test_info(self):
        p = self.platform(runtime="fake")
        info = p.leaf_client().call("/hyperfaas.v1.Node/Info", pb.node.InfoRequest(),
                                    pb.node.InfoResponse)
        self.assertEqual(sorted(info.roles), ["leaf", "worker"])
        self.assertEqual({a.address for a in info.addresses},
                         {p.proxy, p.leaf_api, p.worker_api})


if __name__ == "__main__":
    hf.main()
