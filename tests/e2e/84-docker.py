"""Functions in containers of a real engine, through leaf and worker."""

import os
import signal

import grpc
import hf
from hf import pb
from hf.containers import ContainerCase
from hf.rpc import outcome, trailer

ENDED = "instance ended by itself"


class Images(ContainerCase):
    def test_each_sample_answers(self):
        self.start_platform()
        self.assertEqual(self.echo(self.function("echo"), b"data"), b"data")
        hello = self.function("hello").call("/examples.hello.v1.Hello/SayHello",
                                            pb.hello.HelloRequest(), pb.hello.HelloReply)
        self.assertEqual(hello.message, "Hello, World!")
        slept = self.function("sleep").call("/examples.sleep.v1.Sleep/Sleep",
                                            pb.sleep.SleepRequest(duration_nanos=1),
                                            pb.sleep.SleepReply)
        self.assertEqual(slept.message, "Finished Sleeping")

    def test_what_a_container_is_made_of(self):
        self.start_platform(runtime={"read_only": "yes", "env": ["GREETING=hello"]})
        self.echo(self.function("echo", "f-1", memory="128MiB", cpu_quota=40000))
        container = self.container()
        self.assertRegex(container["Name"], r"^/hyperfaas-echo-[0-9a-f]{8}$")
        labels = container["Config"]["Labels"]
        self.assertEqual(labels["hf.function"], "f-1")
        self.assertEqual(labels["hf.node"], "worker")
        self.assertEqual(labels["hf.owner"], "leaf")
        environment = container["Config"]["Env"]
        self.assertIn("FUNCTION_ID=f-1", environment)
        self.assertIn("GREETING=hello", environment)
        host = self.p.worker_api.rpartition(":")[0]
        self.assertIn(f"CONTROLLER_ADDRESS={host}:", " ".join(environment))
        host = container["HostConfig"]
        self.assertEqual(host["Memory"], 128 << 20)
        self.assertEqual(host["MemorySwap"], 128 << 20)
        self.assertEqual((host["CpuPeriod"], host["CpuQuota"]), (100000, 40000))
        self.assertEqual(host["PidsLimit"], 1024)
        self.assertEqual(host["CapDrop"], ["ALL"])
        self.assertEqual(host["SecurityOpt"], ["no-new-privileges"])
        self.assertTrue(host["ReadonlyRootfs"])
        self.assertEqual([(m["Name"], m["Destination"]) for m in container["Mounts"]],
                         [("function-logs", "/logs")])

    def test_addresses_of_both_modes(self):
        """The leaf calls a container in its network, or at the port published on the host."""
        for containerized in ("yes", "no"):
            with self.subTest(containerized=containerized):
                p = self.start_platform(leaf={"containerized": containerized})
                self.echo(self.function("echo"))
                network = self.container()["NetworkSettings"]
                port = network["Ports"]["50052/tcp"][0]["HostPort"]
                wanted = (f'{network["Networks"]["bridge"]["IPAddress"]}:50052'
                          if containerized == "yes" else f"{self.p.host}:{port}")
                self.assertTrue(p.leaf.log.find(f"instance started.* address={wanted}"))
                p.stop()

    def test_not_published(self):
        self.start_platform(runtime={"publish": "none"}, worker={"containerized": "yes"})
        self.echo(self.function("echo"))
        self.assertFalse(self.container()["NetworkSettings"]["Ports"].get("50052/tcp"))

    def test_scales_to_zero(self):
        p = self.start_platform()
        self.echo(self.function("echo"))
        p.leaf.stop_time()
        p.leaf.warp("1h")
        hf.eventually(lambda: not self.containers(), "the container has gone", limit=20)

    def test_what_does_not_end_is_killed(self):
        p = self.start_platform(worker={"stop_grace": "1s"})
        self.echo(self.function("echo"))
        os.kill(self.container()["State"]["Pid"], signal.SIGSTOP)
        p.leaf.stop_time()
        p.leaf.warp("1h")
        hf.eventually(lambda: not self.containers(), "the container has gone", limit=20)
        self.assertTrue(p.worker.log.find("did not end when asked to: it was killed"))


class Failures(ContainerCase):
    def start(self, **options):
        p = self.start_platform(leaf={"start_attempts": 1}, **options)
        p.worker.log.tolerate("start failed|ended before it was ready")
        p.leaf.log.tolerate("instance can't be reached|start failed|calls refused")

    def refused(self, client, **more):
        """The message of a call whose function does not start."""
        error = hf.failure(self.echo, client, **more)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "start-failed")
        return error.details()

    def test_image_missing(self):
        self.start()
        self.assertIn("image hyperfaas-nothing:latest is not there",
                      self.refused(self.function("nothing")))

    def test_image_that_cannot_be_pulled(self):
        self.start(runtime={"pull": "missing"})
        client = self.p.client(self.p.create("localhost:1/nothing:v1", memory="64MiB"))
        message = self.refused(client)
        self.assertIn("image localhost:1/nothing:v1 is not there and cannot be pulled", message)
        self.assertTrue(self.p.worker.log.find("pulling image localhost:1/nothing:v1"))

    def test_entry_point_wrong(self):
        self.dockerd.import_image("hyperfaas-wrong:latest", ["/nothing"], sleep="/bin/sleep")
        self.start()
        self.assertIn("/nothing", self.refused(self.function("wrong")))
        hf.eventually(lambda: not self.containers(), "what was made has gone")

    def test_program_that_fails(self):
        self.dockerd.import_image("hyperfaas-fails:latest", ["/ls", "/no/such/file"], ls="/bin/ls")
        self.start()
        message = self.refused(self.function("fails"))
        self.assertIn("exited with code 2", message)
        self.assertIn("No such file", message)
        hf.eventually(lambda: not self.containers(), "what was made has gone")

    def test_never_ready(self):
        self.dockerd.import_image("hyperfaas-deaf:latest", ["/sleep", "1000"], sleep="/bin/sleep")
        self.start(worker={"ready_timeout": "1s", "stop_grace": "0"})
        self.assertIn("did not become ready in time", self.refused(self.function("deaf")))
        hf.eventually(lambda: not self.containers(), "what was made has gone")

    def test_impossible_limit(self):
        self.start()
        self.assertIn("emory", self.refused(self.function("echo", memory="1MiB")))
        self.assertEqual(self.containers(), [])

    def test_cancelled_start(self):
        """Nobody waits for the container any more: it goes, wherever its start was."""
        self.start()
        for after in (0, 0.02, 0.1, 0.3):
            start = self.p.worker_client().begin(
                "/worker.Worker/Start",
                pb.worker.StartRequest(function_id=self.p.create("hyperfaas-echo:latest")),
                pb.worker.StartResponse)
            try:
                start.result(timeout=after)
            except grpc.FutureTimeoutError:
                start.cancel()
        hf.eventually(lambda: not self.containers() or len(self.p.instances()) ==
                      len(self.containers()), "no container is left but those that serve", limit=20)


class Ends(ContainerCase):
    def start(self, name="echo", **options):
        p = self.start_platform()
        p.leaf.log.tolerate("instance can't be reached")
        self.client = self.function(name, **options)

    def ended(self, why):
        hf.eventually(lambda: self.p.worker.log.find(f"{ENDED}.*{why}"), f"it is said that {why}")

    def replaced(self, before):
        self.assertEqual(self.echo(self.client, b"again"), b"again")
        hf.eventually(lambda: before not in self.containers(), "the dead one has gone")
        self.assertEqual(len(self.containers()), 1)

    def test_crash(self):
        self.start("crash")
        error = hf.failure(self.client.call, "/examples.crash.v1.Crash/Crash",
                           pb.crash.CrashRequest())
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(trailer(error, "hyperfaas-reason"), "endpoint-lost")
        # abort() of a container's first process ends otherwise than elsewhere, with sanitizers too.
        self.ended("was killed by signal (6|11)|exited with code [1-9]")
        hf.eventually(lambda: not self.containers(), "the dead one has gone")

    def test_killed(self):
        self.start()
        self.echo(self.client)
        container = self.containers()[0]
        self.dockerd.docker("kill", container)
        self.ended("was killed by signal 9")
        self.replaced(container)

    def test_removed(self):
        self.start()
        self.echo(self.client)
        container = self.containers()[0]
        self.dockerd.docker("rm", "-f", container)
        self.ended("was killed by signal 9|somebody removed")
        self.replaced(container)

    def test_paused(self):
        """A paused container serves nobody: it is replaced, and calls under way are told."""
        self.start("sleep")
        path, request = "/examples.sleep.v1.Sleep/Sleep", pb.sleep.SleepRequest
        self.client.call(path, request(duration_nanos=1), pb.sleep.SleepReply)
        call = self.client.begin(path, request(duration_nanos=10**11), pb.sleep.SleepReply,
                                 timeout=60)
        self.dockerd.docker("pause", self.containers()[0])
        self.ended("was paused by somebody")
        self.assertEqual(outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_out_of_memory(self):
        self.start("echo", memory="512MiB" if hf.env.SANITIZED else "8MiB")
        self.echo(self.client)
        size = 200 << 20 if hf.env.SANITIZED else 30 << 20
        error = hf.failure(self.echo, self.client, bytes(size))
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.ended("killed for using more memory than its limit")


class Logs(ContainerCase):
    def test_last_lines_and_what_comes(self):
        p = self.start_platform()
        self.echo(self.function("echo"))
        instance = self.containers()[0][:12]
        path = "/hyperfaas.v1.Node/Logs"
        read = p.worker_client().stream(path, pb.node.LogsRequest(instance_id=instance),
                                        pb.node.LogChunk)
        text = b"".join(chunk.data for chunk in read)
        self.assertIn(b"serving", text)
        self.assertNotIn(b"\0", text, "the engine's frames are taken apart")
        follow = p.worker_client().stream(
            path, pb.node.LogsRequest(instance_id=instance, tail_lines=1, follow=True),
            pb.node.LogChunk)
        self.assertIn(b"serving", next(follow).data)
        p.leaf.stop_time()
        p.leaf.warp("1h")
        list(follow)  # it ends with the instance

    def test_of_nobody(self):
        p = self.start_platform()
        other = self.dockerd.docker("create", "hyperfaas-echo:latest")
        error = hf.failure(list, p.worker_client().stream(
            "/hyperfaas.v1.Node/Logs", pb.node.LogsRequest(instance_id=other[:12]),
            pb.node.LogChunk))
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND, "logs of others stay theirs")
        self.dockerd.docker("rm", other)


if __name__ == "__main__":
    hf.main()
