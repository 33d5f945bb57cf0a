"""A leaf of ours over a worker of the existing implementation (hf/existing_worker.py)."""

import threading

import grpc
import hf
from hf import env, net
from hf.existing_worker import ExistingWorker, Instance
from hf.rpc import outcome, trailer

ECHO = "/any.Service/Method"
NO_IP = "MOCK_RUNTIME_NO_IP"


class ExistingWorkerTest(hf.TestCase):
    """A leaf without any worker of ours."""

    def start(self, **leaf):
        host = net.own_host()
        self.worker = ExistingWorker(net.free_address(host), host).start()
        self.addCleanup(self.worker.discard)
        options = {"leaf": {"workers": self.worker.address, "start_backoff": "10ms", **leaf}}
        self.p = self.platform(split=True, start=False, options=options)
        self.p.nodes.remove(self.p.worker)
        self.p.leaf.start()
        self.function_id = self.p.create("hyperfaas-echo:latest")
        self.client = self.p.client(self.function_id)

    def call(self, **more):
        return self.client.call(ECHO, b"x", **more)

    def assert_works(self):
        self.assertEqual(self.call(), b"x")

    def works(self):
        try:
            return self.call(timeout=5) == b"x"
        except grpc.RpcError:
            return False

    def one_instance(self):
        instances = self.worker.running()
        self.assertEqual(len(instances), 1)
        return instances[0]


class TheLeafEnds(ExistingWorkerTest):
    def test_in_order(self):
        """No later leaf could find what runs there, so it is stopped."""
        self.start()
        self.assert_works()
        self.p.leaf.stop()
        self.assertEqual(self.worker.running(), [])

    def test_while_the_worker_hangs(self):
        self.start(stop_timeout="200ms")
        self.assert_works()
        self.p.leaf.log.announce("a worker does not stop instances")
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.worker.before_stop = lambda _: go_on.wait(env.seconds(30))
        self.p.leaf.stop()
        self.assertEqual(len(self.worker.running()), 1)


class Addresses(ExistingWorkerTest):
    @staticmethod
    def nowhere(_true_address):
        return net.free_address("127.0.0.9")

    @staticmethod
    def nothing(_true_address):
        return ""

    @staticmethod
    def mock(_true_address):
        return NO_IP

    def test_internal_one_is_the_default(self):
        self.start()
        self.worker.external = self.nowhere
        self.assert_works()

    def test_external_one(self):
        self.start(containerized="no")
        self.worker.internal = self.nowhere
        self.assert_works()

    def test_external_one_may_be_missing(self):
        self.start(containerized="no")
        self.worker.external = self.nothing
        self.assert_works()

    def test_external_one_may_be_none(self):
        self.start(containerized="no")
        self.worker.external = self.mock
        self.assert_works()

    def test_name_instead_of_an_address(self):
        """In a network of containers the internal one is the container's name."""
        self.start()
        self.worker.host = "127.0.0.1"
        self.worker.internal = lambda address: address.replace("127.0.0.1", "localhost")
        self.assert_works()

    def test_no_address_at_all(self):
        """The call is refused with a clear word, and nothing is left running."""
        self.start()
        self.p.leaf.log.announce("calls refused")
        self.worker.internal = self.worker.external = self.mock
        error = hf.failure(self.call)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        self.assertIn(NO_IP, error.details())
        hf.eventually(lambda: not self.worker.running(), "the worker's instances are stopped")


class Starts(ExistingWorkerTest):
    def test_one_instance_serves_all(self):
        self.start()
        calls = [self.client.begin(ECHO, b"x") for _ in range(20)]
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})
        self.assertEqual(self.worker.starts, [self.one_instance().function_id])

    def test_slow(self):
        self.start()
        begun, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def wait(_context):
            begun.set()
            go_on.wait(60)

        self.worker.before_start = wait
        calls = [self.client.begin(ECHO, b"x") for _ in range(5)]
        self.assertTrue(begun.wait(hf.env.seconds(10)))
        self.assertEqual(sum(call.done() for call in calls), 0)
        go_on.set()
        self.assertEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK})

    def test_that_fails_first(self):
        self.start()
        failures = iter(["no such image", "port is taken"])

        def fail_twice(context):
            why = next(failures, None)
            if why:
                context.abort(grpc.StatusCode.UNKNOWN, why)

        self.worker.before_start = fail_twice
        self.assert_works()
        self.assertEqual(len(self.worker.starts), 3)

    def test_that_always_fails(self):
        self.start()
        self.p.leaf.log.announce("calls refused")
        self.worker.before_start = lambda context: context.abort(
            grpc.StatusCode.INTERNAL, "no such image")
        error = hf.failure(self.call)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        self.assertIn("no such image", error.details())

    @staticmethod
    def until_given_up(context):
        """Waits for ever, as far as the caller can tell."""
        over = threading.Event()
        context.add_callback(over.set)
        over.wait(env.seconds(60))

    def test_that_hangs(self):
        """It waits for ever for an instance that never becomes ready, and leaves it running."""
        self.start(start_timeout="300ms")
        self.p.leaf.log.announce("calls refused")
        self.worker.before_ready = self.until_given_up
        error = hf.failure(self.call)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        hf.eventually(lambda: not self.worker.running(), "what the starts left is stopped")
        self.assertEqual(len(set(self.worker.stops)), len(self.worker.starts))
        self.worker.before_ready = lambda context: None
        hf.eventually(self.works, "calls work again")

    def test_that_goes_on_after_it_was_given_up(self):
        self.start(start_timeout="300ms", start_attempts=1)
        self.p.leaf.log.announce("calls refused")
        self.worker.before_start = self.until_given_up
        hf.failure(self.call)
        hf.eventually(lambda: self.worker.stops, "the instance is stopped when it comes")
        hf.eventually(lambda: not self.worker.running(), "it is gone")

    def test_that_hangs_beside_anothers(self):
        """Nobody can tell which of two instances is ours: another leaf's is not stopped."""
        self.start(start_timeout="300ms", start_attempts=1)
        self.p.leaf.log.announce("calls refused")
        other = Instance(self.p.host, self.function_id)
        self.addCleanup(other.die)

        def two_at_once(context):
            self.worker.tell(other, "EVENT_START")
            self.until_given_up(context)

        self.worker.before_ready = two_at_once
        hf.failure(self.call)
        self.assertEqual(self.worker.stops, [])

    def test_ready_before_it_listens(self):
        """The worker believes the signal; the leaf looks, and waits."""
        self.start()
        self.worker.listen_at_once = False
        call = self.client.begin(ECHO, b"x")
        hf.eventually(self.worker.running, "the worker calls it started")
        self.one_instance().listen()
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.assertEqual(len(self.worker.starts), 1)

    def test_ready_and_never_listens(self):
        self.start(start_timeout="300ms", start_attempts=1)
        self.p.leaf.log.announce("calls refused")
        self.worker.listen_at_once = False
        error = hf.failure(self.call)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        self.assertIn("no HTTP/2 server answers", error.details())
        hf.eventually(lambda: not self.worker.running(), "it is stopped")


class Events(ExistingWorkerTest):
    def stop_by_idling(self):
        """Scales the function to zero, and returns the instance that was stopped."""
        instance = self.one_instance()
        self.p.leaf.idle("1h")
        hf.eventually(lambda: not self.worker.running(), "the instance is stopped")
        self.assertEqual(self.worker.stops, [instance.id])
        return instance

    def test_silent_stream(self):
        """Not even response headers come before the first event: no reason to wait for them."""
        self.start()
        hf.eventually(lambda: self.worker.node_ids, "the leaf listens")
        workers = self.p.leaf.ctl("leaf/workers")
        self.assertIn("state=up ours=no", workers)
        self.assert_works()

    def test_stop_is_no_failure(self):
        """STOP without a function, then DOWN and FAILED: what an existing worker says of a stop."""
        self.start()
        self.p.leaf.stop_time()
        for turn in range(1, 4):
            self.assert_works()
            self.assertEqual(len(self.worker.starts), turn)
            self.worker.stops.clear()
            self.stop_by_idling()
        self.assertIsNone(self.p.leaf.log.find("ended by itself"))

    def test_stop_that_fails(self):
        """The instance stays in the books, and is asked again to end."""
        self.start()
        self.p.leaf.stop_time()
        self.assert_works()
        busy = iter(["the engine is busy"])

        def fail_once(context):
            why = next(busy, None)
            if why:
                context.abort(grpc.StatusCode.UNKNOWN, why)

        self.worker.before_stop = fail_once
        instance = self.one_instance()
        self.p.leaf.idle("1h")
        hf.eventually(lambda: self.p.leaf.log.find("not stopped yet"), "the leaf has heard")
        self.assertIn("state=stopping", self.p.leaf.ctl("leaf/instances"))
        hf.eventually(lambda: not self.worker.running(), "the instance is stopped")
        self.assertEqual(self.worker.stops, [instance.id, instance.id])
        hf.eventually(lambda: not self.p.leaf.ctl("leaf/instances").strip(), "it is forgotten")

    def test_down_evicts(self):
        self.start()
        self.p.leaf.log.tolerate("instance can't be reached")
        self.assert_works()
        self.worker.crash(self.one_instance())
        hf.eventually(lambda: self.p.leaf.log.find("ended by itself"), "the leaf has heard")
        self.assert_works()
        self.one_instance()

    def test_timeout_evicts(self):
        self.start()
        self.assert_works()
        first = self.one_instance()
        self.worker.tell(first, "EVENT_TIMEOUT")
        hf.eventually(lambda: self.p.leaf.log.find("ended by itself"), "the leaf has heard")
        self.assert_works()
        self.assertEqual(len(self.worker.starts), 2)
        self.assertEqual(first.calls, 1)

    def test_crash_that_is_not_reported(self):
        """A connection that fails evicts as well, and the next call does not notice."""
        self.start()
        self.p.leaf.log.announce("instance can't be reached")
        self.worker.crash_events = False
        self.assert_works()
        for _ in range(3):
            self.worker.crash(self.one_instance())
            self.assert_works()

    def test_events_of_others(self):
        """Another leaf's instances, and events that mean nothing to us."""
        self.start()
        self.assert_works()
        instance = self.one_instance()
        for event in ("EVENT_CALL", "EVENT_RUNNING", "EVENT_START", "EVENT_STOP", "EVENT_RESPONSE_UNSPECIFIED"):
            self.worker.tell(instance, event)
        other = type(instance)(self.p.host, instance.function_id)
        self.addCleanup(other.die)
        self.worker.tell(other, "EVENT_START")
        self.worker.tell(other, "EVENT_DOWN", failed=True)
        self.worker.tell(other, "EVENT_STOP", with_function=False)
        self.assert_works()
        self.assertEqual(self.one_instance().calls, 2)

    def test_nothing_of_ours_is_needed(self):
        self.start()
        self.assert_works()
        sent = self.worker.metadata[0]
        self.assertEqual(sent["hyperfaas-leaf"], "leaf")


class Loss(ExistingWorkerTest):
    def test_stream_that_ends(self):
        """The leaf listens anew, under a fresh id, and keeps what runs."""
        self.start()
        self.assert_works()
        instance = self.one_instance()
        call = self.client.begin(ECHO, b"hold")
        self.assertTrue(instance.held.wait(hf.env.seconds(10)))
        for turn in range(2, 5):
            self.worker.end_streams()
            hf.eventually(lambda n=turn: len(self.worker.node_ids) == n, "the leaf listens again")
        self.assertEqual(len(set(self.worker.node_ids)), 4, "each stream needs an id of its own")
        instance.let_go.set()
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.assert_works()
        self.assertEqual(self.worker.running(), [instance])

    def test_events_come_on_the_new_stream(self):
        self.start()
        self.p.leaf.log.tolerate("instance can't be reached")
        self.assert_works()
        self.worker.end_streams()
        hf.eventually(lambda: len(self.worker.listeners) == 1, "the leaf listens again")
        self.worker.crash(self.one_instance())
        hf.eventually(lambda: self.p.leaf.log.find("ended by itself"), "the leaf has heard")
        self.assert_works()

    def test_worker_that_vanishes_and_comes_back(self):
        """It has forgotten its containers, which run on; the leaf has them stopped."""
        self.start()
        self.p.leaf.log.announce("worker lost")
        self.p.leaf.log.tolerate("calls refused|start failed")
        self.assert_works()
        orphan = self.one_instance()
        self.worker.vanish()
        hf.eventually(lambda: self.p.leaf.log.find("worker lost"), "the leaf notices")
        self.assertIn("state=down", self.p.leaf.ctl("leaf/workers"))
        self.worker.start()
        hf.eventually(self.works, "calls work again")
        hf.eventually(lambda: orphan.id in self.worker.stops, "the orphan is stopped")
        self.assertGreater(self.one_instance().calls, 0)


if __name__ == "__main__":
    hf.main()
