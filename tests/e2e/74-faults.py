"""Each step that can be told to fail (`fault/set`) fails, and what follows from it is made good."""

import grpc

import hf
from hf.rpc import Client, trailer

ECHO, MESSAGE = "/examples.echo.v1.Echo/Echo", b"\n\2hi"


class Faults(hf.TestCase):
    def begin(self, **more):
        self.p = self.platform(**more)
        self.function = self.p.create(self.p.install_sample("echo"))

    def set(self, node, fault, what="count 1"):
        node.ctl("fault/set", fault, *what.split())

    def failed(self, node, fault):
        """How often it failed so far."""
        line = next(line for line in node.ctl("fault/list").splitlines()
                    if line.startswith(f"{fault}: "))
        return int(line.partition("failed ")[2].split()[0])

    def check_failed(self, node, fault, times=1):
        hf.eventually(lambda: self.failed(node, fault) == times, f"{fault} failed {times} times")

    def call(self):
        """A call by somebody who comes for the first time."""
        with Client(self.p.proxy, self.function) as client:
            return client.call(ECHO, MESSAGE)

    def test_a_start(self):
        self.begin()
        self.set(self.p.worker, "worker.start")
        self.p.leaf.log.tolerate("can't be started|start failed|could not be started")
        self.assertEqual(self.call(), MESSAGE)
        self.check_failed(self.p.worker, "worker.start")

    def test_a_process(self):
        self.begin()
        self.set(self.p.worker, "spawn")
        self.p.leaf.log.tolerate("level=warning")
        self.assertEqual(self.call(), MESSAGE)
        self.check_failed(self.p.worker, "spawn")

    def test_a_stop(self):
        self.begin()
        self.p.worker.log.announce("level=warning .*worker.stop is set")
        self.p.worker.stop_time()
        self.assertEqual(self.call(), MESSAGE)
        self.set(self.p.worker, "worker.stop")
        self.p.leaf.idle("1h")
        self.check_failed(self.p.worker, "worker.stop")
        self.p.worker.ctl("time/resume")
        hf.eventually(lambda: not self.p.instances(), "the instance is gone")

    def test_a_connection_to_an_instance(self):
        self.begin()
        self.set(self.p.leaf, "dial")
        self.p.leaf.log.tolerate("level=warning")
        self.assertEqual(self.call(), MESSAGE)
        self.check_failed(self.p.leaf, "dial")

    def test_a_connection_of_a_caller(self):
        self.begin()
        self.set(self.p.leaf, "accept")
        self.assertIs(hf.failure(self.call).code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.call(), MESSAGE)
        self.check_failed(self.p.leaf, "accept")

    def test_a_write(self):
        self.begin()
        self.assertEqual(self.call(), MESSAGE)
        self.p.leaf.log.tolerate("level=warning")
        self.set(self.p.leaf, "write", "always")
        self.assertIs(hf.failure(self.call).code(), grpc.StatusCode.UNAVAILABLE)
        self.p.leaf.ctl("fault/clear")
        self.assertGreater(self.failed(self.p.leaf, "write"), 0)
        self.assertEqual(self.call(), MESSAGE)

    def test_a_function_in_the_store(self):
        self.begin()
        self.set(self.p.leaf, "store.read")
        with Client(self.p.proxy, "nobody") as client:
            error = hf.failure(client.call, ECHO, MESSAGE)
            self.assertEqual(trailer(error, "hyperfaas-reason"), "store")
            error = hf.failure(client.call, ECHO, MESSAGE)
            self.assertEqual(trailer(error, "hyperfaas-reason"), "unknown-function")
        self.check_failed(self.p.leaf, "store.read")

    def test_a_stream_of_another_node(self):
        self.begin(split=True)
        self.assertEqual(self.call(), MESSAGE)
        self.p.leaf.log.tolerate("level=warning")
        self.set(self.p.leaf, "stream")
        self.check_failed(self.p.leaf, "stream")
        self.assertEqual(self.call(), MESSAGE)

    def test_the_log(self):
        self.begin()
        self.p.leaf.log.announce("lines of the log were lost")
        self.set(self.p.leaf, "log.write", "always")
        self.p.leaf.ctl("log/set", "debug")
        self.assertEqual(self.call(), MESSAGE)
        self.p.leaf.ctl("log/set", "info")
        self.p.leaf.ctl("fault/clear")
        self.assertGreater(self.failed(self.p.leaf, "log.write"), 0)
        self.assertEqual(self.call(), MESSAGE)


if __name__ == "__main__":
    hf.main()
