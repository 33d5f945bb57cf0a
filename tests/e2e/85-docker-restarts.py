"""Worker, leaf and engine killed or stopped while containers run: service returns by itself."""

import threading

import grpc
import hf
from hf import pb
from hf.containers import ContainerCase
from hf.rpc import outcome

ALLOWED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Caller:
    """Calls one function again and again, and keeps how each call ended."""

    def __init__(self, case, client):
        self.case, self.client = case, client
        self.codes = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            try:
                self.case.echo(self.client, timeout=2)
                self.codes.append(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                self.codes.append(error.code())

    def end(self):
        self.stop.set()
        self.thread.join(hf.env.seconds(10))
        return self.codes

    def works_again(self):
        """Waits for some calls in a row that were answered."""
        seen = len(self.codes)
        hf.eventually(lambda: self.codes[seen:][-5:] == [grpc.StatusCode.OK] * 5,
                      "calls are answered again", limit=40)


class Restarts(ContainerCase):
    def start(self, **options):
        p = self.start_platform(**options)
        p.leaf.log.tolerate("worker lost|instance can't be reached|start failed|calls refused")
        p.worker.log.tolerate("the runtime cannot be used|start failed|ended before it was ready|"
                              "could not be (stopped cleanly|removed)|is not removed")
        self.client = self.function("echo", "echo")
        self.echo(self.client)
        self.before = self.containers()

    def works(self):
        try:
            return self.echo(self.client, timeout=5) == b"x"
        except grpc.RpcError:
            return False

    def start_caller(self):
        caller = Caller(self, self.client)
        self.addCleanup(caller.end)
        caller.works_again()
        return caller

    def assert_clear(self, caller):
        codes = set(caller.end()) - {grpc.StatusCode.OK}
        self.assertLessEqual(codes, set(ALLOWED), "others got a clear status")


class Worker(Restarts):
    def test_killed_and_restarted(self):
        """Its instances go on, and are used again."""
        self.start()
        caller = self.start_caller()
        self.p.worker.kill()
        self.p.worker.restart()
        hf.eventually(lambda: self.p.worker.log.find("instance from before adopted"), "adopted")
        caller.works_again()
        self.assert_clear(caller)
        self.assertEqual(self.containers(), self.before, "the container was adopted")
        self.p.leaf.stop_time()
        self.p.leaf.warp("1h")
        hf.eventually(lambda: not self.containers(), "adopted ones scale to zero too", limit=20)

    def test_what_ended_meanwhile_is_told(self):
        """An existing leaf hears of each that is no more, and keeps the others."""
        self.start()
        other = self.function("hello", "hello")
        other.call("/examples.hello.v1.Hello/SayHello", pb.hello.HelloRequest())
        self.p.worker.kill()
        self.dockerd.docker("kill", self.before[0])
        self.p.worker.restart()
        updates = self.p.worker_client().stream(
            "/worker.Worker/Status", pb.worker.StatusRequest(node_id="n"), pb.worker.StatusUpdate)
        told = {(u.function_id, u.event): u for u in (next(updates), next(updates))}
        updates.cancel()
        down = told["echo", pb.worker.EVENT_DOWN]
        self.assertEqual(down.instance_id, self.before[0][:12])
        self.assertEqual(down.status, pb.worker.STATUS_FAILED)
        self.assertIn(("hello", pb.worker.EVENT_RUNNING), told)
        hf.eventually(lambda: self.before[0] not in self.containers(), "the dead one has gone")
        hf.eventually(self.works, "calls work", limit=20)

    def test_function_that_was_changed_or_deleted_meanwhile(self):
        self.start()
        self.function("hello", "hello").call("/examples.hello.v1.Hello/SayHello",
                                             pb.hello.HelloRequest())
        self.p.worker.kill()
        self.p.tool.update("echo", memory="96MiB")
        self.p.tool.delete("hello")
        self.p.worker.restart()
        hf.eventually(lambda: self.p.worker.log.find("its function was changed meanwhile"), "seen")
        hf.eventually(lambda: self.p.worker.log.find("not registered any more"), "seen")
        hf.eventually(lambda: not set(self.before) & set(self.containers()), "both have gone")
        hf.eventually(self.works, "calls work", limit=20)

    def test_killed_in_the_middle_of_starts(self):
        """What it was making is removed, or adopted if it got so far."""
        self.start()
        calls = [self.function("echo", f"other-{i}").begin("/examples.echo.v1.Echo/Echo")
                 for i in range(6)]
        hf.eventually(lambda: len(self.containers()) > 2, "starts are under way")
        self.p.worker.kill()
        self.p.worker.restart()
        hf.eventually(self.works, "calls work", limit=20)
        self.assertLessEqual({outcome(call) for call in calls}, {grpc.StatusCode.OK, *ALLOWED})

    def test_orderly_end_leaves_nothing(self):
        self.start()
        self.p.worker.stop()
        self.assertEqual(self.containers(), [])


class Leaf(Restarts):
    def test_killed_and_restarted(self):
        self.start()
        self.p.leaf.kill()
        self.p.leaf.restart()
        hf.eventually(self.works, "calls work again", limit=20)
        self.assertEqual(self.containers(), self.before, "the container was adopted")


class Engine(Restarts):
    def healthy(self):
        check = self.p.worker_client().call(
            "/grpc.health.v1.Health/Check", pb.health.HealthCheckRequest(service="worker"),
            pb.health.HealthCheckResponse)
        return check.status == pb.health.HealthCheckResponse.SERVING

    def lose(self, end):
        self.start()
        self.p.worker.log.tolerate("instance could not be stopped; trying again")
        caller = self.start_caller()
        end()
        hf.eventually(lambda: not self.healthy(), "the worker says so", limit=20)
        self.assertTrue(self.p.worker.log.find("the runtime cannot be used"))
        self.dockerd.start()
        hf.eventually(self.healthy, "the worker says so", limit=20)
        caller.works_again()
        self.assert_clear(caller)
        hf.eventually(lambda: len(self.containers()) == 1, "the dead one has gone")

    def test_stopped_and_started(self):
        self.lose(self.dockerd.stop)

    def test_killed_and_started(self):
        self.lose(self.dockerd.kill)

    def test_frozen(self):
        """Steps that take too long fail, and nothing is left of them."""
        self.start()
        self.dockerd.freeze()
        self.addCleanup(self.dockerd.thaw)
        start = self.p.worker_client().begin(
            "/worker.Worker/Start",
            pb.worker.StartRequest(function_id=self.p.create("hyperfaas-echo:latest",
                                                             memory="64MiB")),
            pb.worker.StartResponse)
        with self.assertRaises(grpc.FutureTimeoutError):
            start.result(timeout=0.5)
        start.cancel()
        self.dockerd.thaw()
        hf.eventually(lambda: len(self.containers()) == 1, "nothing is left of it", limit=20)

    def test_worker_that_starts_first(self):
        """It waits for its engine, and leaves for it."""
        p = self.start_platform(start=False)
        p.worker.log.announce("the runtime cannot be used")
        p.leaf.log.tolerate("calls refused|start failed")
        self.dockerd.stop()
        p.start()
        client = self.function("echo")
        call = client.begin("/examples.echo.v1.Echo/Echo", timeout=40)
        self.assertFalse(self.healthy())
        self.dockerd.start()
        self.assertIn(outcome(call), (grpc.StatusCode.OK, *ALLOWED))
        hf.eventually(self.healthy, "the engine is there")
        self.assertEqual(self.echo(client), b"x")


if __name__ == "__main__":
    hf.main()
