#!/usr/bin/env python3
"""The sample functions and their library, called directly: no platform in between."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import time
import unittest

import hf
from hf import env
from hf.function import PATIENCE, Function, field, varint
from hf.make import must_make
from hf.samples import SAMPLES

import grpc

MEBIBYTE = 1 << 20
KINDS = env.BUILD / "functions" / "tests" / "kinds"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Case(unittest.TestCase):
    """The functions as the build made them, each in a folder of its own."""

    def function(self, name, **environment):
        return Function(env.BUILD / "functions" / name / name, **environment)


class Samples(Case):
    def test_hello(self):
        with self.function("hello") as hello:
            self.assertIn("msg=serving", hello.first_line)
            self.assertEqual(hello.call("/examples.hello.v1.Hello/SayHello"),
                             field(1, b"Hello, World!"))
            self.assertEqual(hello.stop(), 0)

    def test_greeter(self):
        path = "/examples.greeter.v1.Greeter/SayHello"
        with self.function("grpc-proxy-greeter") as greeter:
            self.assertEqual(greeter.call(path, field(1, b"Ada")), field(1, b"Hello, Ada!"))
            self.assertEqual(greeter.call(path), field(1, b"Hello, world!"))
            self.assertEqual(greeter.stop(), 0)

    def test_echo(self):
        path = "/examples.echo.v1.Echo/Echo"
        with self.function("echo") as echo:
            for data in (b"\0\xff", os.urandom(100_000), os.urandom(64 * MEBIBYTE)):
                self.assertEqual(echo.call(path, field(1, data)), field(1, data))
            self.assertEqual(echo.call(path), b"")
            self.assertEqual(echo.stop(), 0)

    def test_sleep(self):
        path = "/examples.sleep.v1.Sleep/Sleep"
        with self.function("sleep") as sleep:
            start = time.monotonic()
            reply = sleep.call(path, b"\x08" + varint(200_000_000))
            self.assertGreaterEqual(time.monotonic() - start, 0.2)
            self.assertEqual(reply, field(1, b"Finished Sleeping"))
            self.assertEqual(sleep.stop(), 0)

    def test_thousands_sleep_at_once(self):
        with self.function("sleep") as sleep:
            method = sleep.method("/examples.sleep.v1.Sleep/Sleep")
            request = b"\x08" + varint(1_000_000_000)
            start = time.monotonic()
            calls = [method.future(request, timeout=PATIENCE) for _ in range(3000)]
            done = {call.result() for call in calls}
            self.assertEqual(done, {field(1, b"Finished Sleeping")})
            self.assertLess(time.monotonic() - start, PATIENCE)

    def test_crash(self):
        with self.function("crash") as crash:
            start = time.monotonic()
            with self.assertRaises(grpc.RpcError) as caught:
                crash.call("/examples.crash.v1.Crash/Crash")
            self.assertGreaterEqual(time.monotonic() - start, 2)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(crash.process.wait(PATIENCE), -signal.SIGABRT)


class Library(Case):
    def test_client_streaming(self):
        with Function(KINDS) as kinds:
            join = kinds.method("/kinds.Kinds/Join", "stream_unary")
            self.assertEqual(join(iter([b"abc", b"", b"de"]), timeout=PATIENCE), b"5")
            self.assertEqual(join(iter([]), timeout=PATIENCE), b"0")
            blocks = (b"x" * 1000 for _ in range(5000))
            self.assertEqual(join(blocks, timeout=PATIENCE), b"5000000")

    def test_server_streaming(self):
        with Function(KINDS) as kinds:
            blocks = kinds.method("/kinds.Kinds/Blocks", "unary_stream")
            sizes = [len(block) for block in blocks(b"2000", timeout=PATIENCE)]
            self.assertEqual(sizes, [10_000] * 2000)
            self.assertEqual(list(blocks(b"0", timeout=PATIENCE)), [])

    def test_a_caller_that_leaves(self):
        with Function(KINDS) as kinds:
            blocks = kinds.method("/kinds.Kinds/Blocks", "unary_stream")
            call = blocks(b"1000000", timeout=PATIENCE)
            next(call)
            call.cancel()
            self.assertIn("blocks: cancelled", kinds.read_line())
            self.assertEqual(kinds.stop(), 0)

    def test_bidirectional_streaming(self):
        with Function(KINDS) as kinds:
            chat = kinds.method("/kinds.Kinds/Chat", "stream_stream")
            messages = [b"%d" % i * i for i in range(100)]
            call = chat(iter(messages), timeout=PATIENCE, metadata=(("x-note", "n 1"),))
            answers = []
            with self.assertRaises(grpc.RpcError):
                for answer in call:
                    answers.append(answer)
            self.assertEqual(answers, messages)
            self.assertEqual(call.code(), grpc.StatusCode.ABORTED)
            self.assertEqual(call.details(), "that was all: 100 %")
            self.assertIn(("x-note", "n 1"), list(call.initial_metadata()))
            self.assertIn(("x-left-bin", b"\0\xff"), list(call.trailing_metadata()))

    def test_gzip(self):
        path = "/examples.echo.v1.Echo/Echo"
        data = field(1, b"again " * 100_000)
        with self.function("echo") as echo:
            self.assertEqual(echo.call(path, data, compression=grpc.Compression.Gzip), data)
            with self.assertRaises(grpc.RpcError) as caught:
                echo.call(path, data, compression=grpc.Compression.Deflate)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_refusals(self):
        with self.function("sleep") as sleep:
            for path, request, timeout, code in (
                ("/examples.sleep.v1.Sleep/Nap", b"", PATIENCE, "UNIMPLEMENTED"),
                ("/examples.sleep.v1.Sleep/Sleep", b"\x08", PATIENCE, "INTERNAL"),
                ("/examples.sleep.v1.Sleep/Sleep", b"\x08" + varint(10**11), 0.2,
                 "DEADLINE_EXCEEDED"),
            ):
                with self.assertRaises(grpc.RpcError) as caught:
                    sleep.call(path, request, timeout=timeout)
                self.assertEqual(caught.exception.code().name, code)

    def test_health(self):
        with self.function("hello") as hello:
            self.assertEqual(hello.call("/grpc.health.v1.Health/Check"), b"\x08\x01")
            watch = hello.method("/grpc.health.v1.Health/Watch", "unary_stream")
            call = watch(b"", timeout=PATIENCE)
            self.assertEqual(next(call), b"\x08\x01")
            self.assertEqual(hello.stop(), 0)
            self.assertEqual(next(call), b"\x08\x02")
            with self.assertRaises(grpc.RpcError):
                next(call)

    def test_a_stop_waits_for_calls(self):
        with self.function("sleep") as sleep:
            method = sleep.method("/examples.sleep.v1.Sleep/Sleep")
            sleep.call("/grpc.health.v1.Health/Check")
            call = method.future(b"\x08" + varint(500_000_000), timeout=PATIENCE)
            sleep.call("/grpc.health.v1.Health/Check")  # The call before it has arrived.
            self.assertEqual(sleep.stop(), 0)
            self.assertEqual(call.result(), field(1, b"Finished Sleeping"))

    def test_bad_environment(self):
        for environment, text in (({"PORT": "many"}, "PORT"), ({"LISTEN_ADDRESS": "x"}, "x:")):
            with self.function("hello", **environment) as hello:
                self.assertIn("level=error", hello.first_line)
                self.assertIn(text, hello.first_line)
                self.assertEqual(hello.process.wait(PATIENCE), 1)


class Ready(Case):
    """The signal to the worker."""

    def setUp(self):
        self.heard = []
        self.refusals = 0
        self.at_once, self.most_at_once = 0, 0
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
        self.worker = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
        handler = grpc.unary_unary_rpc_method_handler(self.signal_ready)
        self.worker.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler("worker.Worker", {"SignalReady": handler}),))
        self.addCleanup(lambda: self.worker.stop(None).wait())

    def signal_ready(self, request, context):
        if self.refusals > 0:
            self.refusals -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.01)  # so that another one could come meanwhile
        self.at_once -= 1
        self.heard.append(request)
        return b""

    def wait_heard(self, count=1):
        """What was said, once it was said so often."""
        limit = time.monotonic() + PATIENCE
        while len(self.heard) < count and time.monotonic() < limit:
            time.sleep(0.01)
        self.assertGreaterEqual(len(self.heard), count)
        return set(self.heard)

    def test_says_its_name(self):
        port = self.worker.add_insecure_port("127.0.0.1:0")
        self.worker.start()
        address = f"127.0.0.1:{port}"
        with self.function("hello", CONTROLLER_ADDRESS=address, INSTANCE_ID="i-7") as hello:
            self.assertEqual(self.wait_heard(), {field(1, b"i-7")})
            self.assertEqual(hello.stop(), 0)
        self.heard.clear()
        with self.function("hello", CONTROLLER_ADDRESS=f"localhost:{port}"):
            self.assertEqual(self.wait_heard(), {field(1, socket.gethostname().encode())})

    def test_says_it_again_until_it_is_heard(self):
        port = free_port()
        self.refusals = 1
        with self.function("hello", CONTROLLER_ADDRESS=f"127.0.0.1:{port}", INSTANCE_ID="i-8") as hello:
            hello.call("/grpc.health.v1.Health/Check")
            self.assertEqual(self.worker.add_insecure_port(f"127.0.0.1:{port}"), port)
            self.worker.start()
            self.assertEqual(self.wait_heard(), {field(1, b"i-8")})
            self.assertEqual(hello.stop(), 0)

    def test_says_it_again_to_a_worker_that_forgets(self):
        """An existing one answers OK to a signal that comes too early; two at once can end it."""
        port = self.worker.add_insecure_port("127.0.0.1:0")
        self.worker.start()
        with self.function("hello", CONTROLLER_ADDRESS=f"127.0.0.1:{port}", INSTANCE_ID="i-9") as hello:
            self.assertEqual(self.wait_heard(count=5), {field(1, b"i-9")})
            self.assertEqual(self.most_at_once, 1)
            self.assertEqual(hello.stop(), 0)

    def test_serves_without_a_worker(self):
        address = f"127.0.0.1:{free_port()}"
        with self.function("hello", CONTROLLER_ADDRESS=address) as hello:
            hello.call("/examples.hello.v1.Hello/SayHello")
            self.assertEqual(hello.stop(), 0)


if not env.SANITIZED:  # there are no static sanitizers
    class Static(Case):
        """What `make static-functions` makes."""

        @classmethod
        def setUpClass(cls):
            must_make("static-functions")

        def function(self, name, **environment):
            program = env.BUILD / "functions" / "static" / name
            libraries = subprocess.run(["ldd", program], capture_output=True, check=False)
            self.assertIn(b"not a dynamic executable", libraries.stderr)
            return Function(program, **environment)

    class StaticSamples(Static, Samples):
        def test_each_serves(self):
            folder = env.BUILD / "functions" / "static"
            made = sorted(path.name for path in folder.iterdir() if path.is_file())
            self.assertEqual(made, sorted(SAMPLES))
            for name, (path, request, answer) in SAMPLES.items():
                with self.function(name) as function:
                    self.assertEqual(function.call(path, request)[:len(answer)], answer)
                    self.assertEqual(function.stop(), 0)

    class StaticReady(Static, Ready):
        pass


if __name__ == "__main__":
    hf.main()
