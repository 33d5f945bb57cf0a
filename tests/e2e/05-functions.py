#!/usr/bin/env python3
"""The sample functions and their library, called directly: no platform in between."""

import concurrent.futures
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

try:
    import grpc
except ImportError:
    print("SKIP: no python3-grpcio", file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") else 77)  # In CI everything must be there.

BUILD = os.environ.get("HF_BUILDDIR") or os.getcwd()
PATIENCE = 60  # seconds; a test that passes never waits so long

MEBIBYTE = 1 << 20
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


def field(number, data):
    """A protobuf field of bytes."""
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Function:
    """A running function program, and a channel to it."""

    def __init__(self, name, **environment):
        folder = "tests" if name == "kinds" else name
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "functions", folder, name)],
            env={"LISTEN_ADDRESS": "127.0.0.1", "PORT": "0", "FUNCTION_ID": "f-1",
                 **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
                 **environment},
            stderr=subprocess.PIPE,
        )
        self.first_line = self.read_line()
        address = re.search(r"address=(\S+)", self.first_line)
        self.channel = grpc.insecure_channel(address[1] if address else "none", CHANNEL_OPTIONS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def read_line(self):
        """The next line of its log, which must come."""
        readable, _, _ = select.select([self.process.stderr], [], [], PATIENCE)
        assert readable, "the function writes nothing"
        return self.process.stderr.readline().decode()

    def method(self, path, kind="unary_unary"):
        return getattr(self.channel, kind)(path)

    def call(self, path, request=b"", timeout=PATIENCE, **more):
        return self.method(path)(request, timeout=timeout, **more)

    def stop(self):
        """Asks it to end; returns how it did."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


class Samples(unittest.TestCase):
    def test_hello(self):
        with Function("hello") as hello:
            self.assertIn("msg=serving", hello.first_line)
            self.assertEqual(hello.call("/examples.hello.v1.Hello/SayHello"),
                             field(1, b"Hello, World!"))
            self.assertEqual(hello.stop(), 0)

    def test_greeter(self):
        path = "/examples.greeter.v1.Greeter/SayHello"
        with Function("grpc-proxy-greeter") as greeter:
            self.assertEqual(greeter.call(path, field(1, b"Ada")), field(1, b"Hello, Ada!"))
            self.assertEqual(greeter.call(path), field(1, b"Hello, world!"))
            self.assertEqual(greeter.stop(), 0)

    def test_echo(self):
        path = "/examples.echo.v1.Echo/Echo"
        with Function("echo") as echo:
            for data in (b"\0\xff", os.urandom(100_000), os.urandom(64 * MEBIBYTE)):
                self.assertEqual(echo.call(path, field(1, data)), field(1, data))
            self.assertEqual(echo.call(path), b"")
            self.assertEqual(echo.stop(), 0)

    def test_sleep(self):
        path = "/examples.sleep.v1.Sleep/Sleep"
        with Function("sleep") as sleep:
            start = time.monotonic()
            reply = sleep.call(path, b"\x08" + varint(200_000_000))
            self.assertGreaterEqual(time.monotonic() - start, 0.2)
            self.assertEqual(reply, field(1, b"Finished Sleeping"))
            self.assertEqual(sleep.stop(), 0)

    def test_thousands_sleep_at_once(self):
        with Function("sleep") as sleep:
            method = sleep.method("/examples.sleep.v1.Sleep/Sleep")
            request = b"\x08" + varint(1_000_000_000)
            start = time.monotonic()
            calls = [method.future(request, timeout=PATIENCE) for _ in range(3000)]
            done = {call.result() for call in calls}
            self.assertEqual(done, {field(1, b"Finished Sleeping")})
            self.assertLess(time.monotonic() - start, PATIENCE)

    def test_crash(self):
        with Function("crash") as crash:
            start = time.monotonic()
            with self.assertRaises(grpc.RpcError) as caught:
                crash.call("/examples.crash.v1.Crash/Crash")
            self.assertGreaterEqual(time.monotonic() - start, 2)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(crash.process.wait(PATIENCE), -signal.SIGABRT)


class Library(unittest.TestCase):
    def test_client_streaming(self):
        with Function("kinds") as kinds:
            join = kinds.method("/kinds.Kinds/Join", "stream_unary")
            self.assertEqual(join(iter([b"abc", b"", b"de"]), timeout=PATIENCE), b"5")
            self.assertEqual(join(iter([]), timeout=PATIENCE), b"0")
            blocks = (b"x" * 1000 for _ in range(5000))
            self.assertEqual(join(blocks, timeout=PATIENCE), b"5000000")

    def test_server_streaming(self):
        with Function("kinds") as kinds:
            blocks = kinds.method("/kinds.Kinds/Blocks", "unary_stream")
            sizes = [len(block) for block in blocks(b"2000", timeout=PATIENCE)]
            self.assertEqual(sizes, [10_000] * 2000)
            self.assertEqual(list(blocks(b"0", timeout=PATIENCE)), [])

    def test_a_caller_that_leaves(self):
        with Function("kinds") as kinds:
            blocks = kinds.method("/kinds.Kinds/Blocks", "unary_stream")
            call = blocks(b"1000000", timeout=PATIENCE)
            next(call)
            call.cancel()
            self.assertIn("blocks: cancelled", kinds.read_line())
            self.assertEqual(kinds.stop(), 0)

    def test_bidirectional_streaming(self):
        with Function("kinds") as kinds:
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
        with Function("echo") as echo:
            self.assertEqual(echo.call(path, data, compression=grpc.Compression.Gzip), data)
            with self.assertRaises(grpc.RpcError) as caught:
                echo.call(path, data, compression=grpc.Compression.Deflate)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_refusals(self):
        with Function("sleep") as sleep:
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
        with Function("hello") as hello:
            self.assertEqual(hello.call("/grpc.health.v1.Health/Check"), b"\x08\x01")
            watch = hello.method("/grpc.health.v1.Health/Watch", "unary_stream")
            call = watch(b"", timeout=PATIENCE)
            self.assertEqual(next(call), b"\x08\x01")
            self.assertEqual(hello.stop(), 0)
            self.assertEqual(next(call), b"\x08\x02")
            with self.assertRaises(grpc.RpcError):
                next(call)

    def test_a_stop_waits_for_calls(self):
        with Function("sleep") as sleep:
            method = sleep.method("/examples.sleep.v1.Sleep/Sleep")
            sleep.call("/grpc.health.v1.Health/Check")
            call = method.future(b"\x08" + varint(500_000_000), timeout=PATIENCE)
            sleep.call("/grpc.health.v1.Health/Check")  # The call before it has arrived.
            self.assertEqual(sleep.stop(), 0)
            self.assertEqual(call.result(), field(1, b"Finished Sleeping"))

    def test_bad_environment(self):
        for environment, text in (({"PORT": "many"}, "PORT"), ({"LISTEN_ADDRESS": "x"}, "x:")):
            with Function("hello", **environment) as hello:
                self.assertIn("level=error", hello.first_line)
                self.assertIn(text, hello.first_line)
                self.assertEqual(hello.process.wait(PATIENCE), 1)


class Ready(unittest.TestCase):
    """The signal to the worker."""

    def setUp(self):
        self.heard = []
        self.refusals = 0
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
        self.heard.append(request)
        return b""

    def wait_heard(self):
        limit = time.monotonic() + PATIENCE
        while not self.heard and time.monotonic() < limit:
            time.sleep(0.01)
        return self.heard

    def test_says_its_name(self):
        port = self.worker.add_insecure_port("127.0.0.1:0")
        self.worker.start()
        address = f"127.0.0.1:{port}"
        with Function("hello", CONTROLLER_ADDRESS=address, INSTANCE_ID="i-7") as hello:
            self.assertEqual(self.wait_heard(), [field(1, b"i-7")])
            self.assertEqual(hello.stop(), 0)
        self.heard.clear()
        with Function("hello", CONTROLLER_ADDRESS=f"localhost:{port}"):
            self.assertEqual(self.wait_heard(), [field(1, socket.gethostname().encode())])

    def test_says_it_again_until_it_is_heard(self):
        port = free_port()
        self.refusals = 1
        with Function("hello", CONTROLLER_ADDRESS=f"127.0.0.1:{port}", INSTANCE_ID="i-8") as hello:
            hello.call("/grpc.health.v1.Health/Check")
            self.assertEqual(self.worker.add_insecure_port(f"127.0.0.1:{port}"), port)
            self.worker.start()
            self.assertEqual(self.wait_heard(), [field(1, b"i-8")])
            self.assertEqual(hello.stop(), 0)

    def test_serves_without_a_worker(self):
        address = f"127.0.0.1:{free_port()}"
        with Function("hello", CONTROLLER_ADDRESS=address) as hello:
            hello.call("/examples.hello.v1.Hello/SayHello")
            self.assertEqual(hello.stop(), 0)


if __name__ == "__main__":
    unittest.main()
