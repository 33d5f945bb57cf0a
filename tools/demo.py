"""demo - the platform at work: from nothing to many instances and back to none.

Starts hyperfaasd from the shipped conf/standalone.ini, creates the sample functions with the
command line tool, and calls them with an independent gRPC client.  Everything it claims, it
checks; the status is 0 only if all of it held.  See demo.sh for how it is run.
"""

import argparse
import collections
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc
from hf import env, pb
from hf.cli import CommandFailed, Tool
from hf.rpc import Client

CONFIG = env.SOURCE / "conf" / "standalone.ini"
PROXY = "127.0.0.1:9999"
START_LIMIT = 15  # seconds
IDLE = 3  # seconds without a call, after which the function of the demo goes to zero
WARM_CALLS = 100
SLEEP_MS = 400
CALLERS = 12

Sample = collections.namedtuple("Sample", "name method request reply shown")

SAMPLES = (
    Sample("hello", "/examples.hello.v1.Hello/SayHello", pb.hello.HelloRequest(),
           pb.hello.HelloReply, lambda r: r.message),
    Sample("grpc-proxy-greeter", "/examples.greeter.v1.Greeter/SayHello",
           pb.greeter.HelloRequest(name="Ada"), pb.greeter.HelloReply, lambda r: r.message),
    Sample("echo", "/examples.echo.v1.Echo/Echo", pb.echo.EchoRequest(data=b"any bytes"),
           pb.echo.EchoReply, lambda r: r.data.decode()),
    Sample("sleep", "/examples.sleep.v1.Sleep/Sleep", pb.sleep.SleepRequest(duration_nanos=1000),
           pb.sleep.SleepReply, lambda r: r.message),
)
EXPECTED = {"hello": "Hello, World!", "grpc-proxy-greeter": "Hello, Ada!", "echo": "any bytes",
            "sleep": "Finished Sleeping"}


class Failed(Exception):
    """The platform did not do what the demo says it does."""


# --- showing ------------------------------------------------------------------------------------


def styled(code, text):
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() else text


def bold(text):
    return styled("1", text)


def dim(text):
    return styled("2", text)


def green(text):
    return styled("32", text)


def title(text):
    print(f"\n{bold(text)}", flush=True)


def line(left, right=""):
    print(f"  {left:<26} {right}", flush=True)


def milliseconds(seconds):
    return f"{seconds * 1000:8.2f} ms"


# --- the node -----------------------------------------------------------------------------------


class Node:
    """hyperfaasd with state, functions and log of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hyperfaas-demo-"))
        self.log = self.folder / "log"
        self.config = self.folder / "demo.ini"
        self.config.write_text(
            f"include = {CONFIG}\n"
            f"[node]\nstate_dir = {self.folder / 'state'}\n"
            f"[store]\npath = {self.folder / 'store'}\n")
        self.process = None
        self.tool = Tool(self.config)

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [env.program("hyperfaasd"), "-c", self.config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_LIMIT
        while not self.serves():
            if self.process.poll() is not None:
                raise Failed("hyperfaasd did not start:\n" + self.log.read_text())
            if time.monotonic() > end:
                raise Failed(f"hyperfaasd was not ready after {START_LIMIT} s")
            time.sleep(0.005)

    @staticmethod
    def serves():
        """Whether the proxy answers, be it that nobody has this name."""
        with Client(PROXY, "nobody") as client:
            try:
                client.call("/x.Y/Z", timeout=1)
            except grpc.RpcError as error:
                return error.code() is grpc.StatusCode.NOT_FOUND
        return False

    def stop(self):
        """The exit status of an orderly end."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("hyperfaasd did not end within 30 s of SIGTERM") from None

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def instances(self, function_id):
        return [i for i in self.tool.json("instances") if i["function"] == function_id]


# --- the acts -----------------------------------------------------------------------------------


def timed(call):
    """What a call answered, and how many seconds it took."""
    begun = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - begun


def create_and_call(node, sample):
    """One row of the table; returns the function's id, and its cold and warm latency."""
    function_id = node.tool.create(f"hyperfaas-{sample.name}:latest")
    with Client(PROXY, function_id) as client:
        grpc.channel_ready_future(client.channel).result(START_LIMIT)

        def call():
            return client.call(sample.method, sample.request, sample.reply)

        reply, cold = timed(call)
        warm = statistics.median(timed(call)[1] for _ in range(WARM_CALLS))
    said = sample.shown(reply)
    if said != EXPECTED[sample.name]:
        raise Failed(f"{sample.name} answered {said!r}, not {EXPECTED[sample.name]!r}")
    line(sample.name, f"{milliseconds(cold)}  {milliseconds(warm)}   {dim(said)}")
    return function_id, cold, warm


def crash(node):
    """A function that dies hurts its own call only, and serves again afterwards."""
    function_id = node.tool.create("hyperfaas-crash:latest")
    with Client(PROXY, function_id) as client:
        try:
            client.call("/examples.crash.v1.Crash/Crash", pb.crash.CrashRequest())
            raise Failed("the function that crashes has answered")
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise Failed(f"a crash was told as {error.code().name}") from error
            line("crash", f"{error.code().name}: {dim(error.details())}")
    node.tool.delete(function_id)


def scale_out(node):
    """Concurrent calls of a function that takes one call at a time."""
    function_id = node.tool.create("hyperfaas-sleep:latest", max_concurrency=1,
                                   function_timeout=f"{IDLE}s")
    request = pb.sleep.SleepRequest(duration_nanos=SLEEP_MS * 1_000_000)
    most = 0
    with Client(PROXY, function_id) as client:
        begun = time.perf_counter()
        calls = [client.begin("/examples.sleep.v1.Sleep/Sleep", request, pb.sleep.SleepReply)
                 for _ in range(CALLERS)]
        while not all(call.done() for call in calls):
            most = max(most, len(node.instances(function_id)))
        took = time.perf_counter() - begun
        for call in calls:
            call.result()
    line(f"{CALLERS} calls of {SLEEP_MS} ms", f"done in {took:.2f} s by {most} instances "
         f"{dim(f'(one alone: {CALLERS * SLEEP_MS / 1000:.1f} s)')}")
    if most < 2:
        raise Failed("concurrent calls did not get more instances")
    return function_id, most


def scale_to_zero(node, function_id):
    begun = time.monotonic()
    while node.instances(function_id):
        if time.monotonic() - begun > IDLE + 15:
            raise Failed("the idle function did not scale to zero")
        time.sleep(0.1)
    line(f"idle for {IDLE} s", "0 instances")


def show(node):
    title("Starting hyperfaasd from conf/standalone.ini")
    _, took = timed(node.start)
    line("lb, leaf and worker", f"ready after {took * 1000:.0f} ms, pid {node.process.pid}")

    title("Creating the sample functions and calling them with grpcio")
    line("", dim("  first call   then, median"))
    rows = {sample.name: create_and_call(node, sample) for sample in SAMPLES}
    crash(node)

    title("Many calls at once to a function that serves one at a time")
    scaled, most = scale_out(node)

    title("Nobody calls any more")
    scale_to_zero(node, scaled)
    return rows, most


def summarize(rows, most):
    cold = statistics.median(row[1] for row in rows.values())
    warm = statistics.median(row[2] for row in rows.values())
    title("Summary")
    line("functions", f"{len(rows)} created, called and checked")
    line("from zero to an answer", f"{milliseconds(cold).strip()} (median)")
    line("warm call", f"{milliseconds(warm).strip()} (median)")
    line("scaled", f"0 -> {most} -> 0 instances")


def how_to_call(node, rows):
    title("Left running")
    line("config", str(node.config))
    line("log", str(node.log))
    line("end it with", f"kill {node.process.pid}")
    tool = env.program("hyperfaas")
    print(f"\n  {tool} --config {node.config} function list")
    print(f"  {tool} --config {node.config} call {rows['hello'][0]} {SAMPLES[0].method} </dev/null")
    print(f"  python: grpc.insecure_channel('{PROXY}', "
          f"[('grpc.default_authority', '{rows['grpc-proxy-greeter'][0]}')])\n")


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--keep", action="store_true", help="leave the platform running")
    keep = parser.parse_args().keep
    node = Node()
    ended_well = False
    try:
        rows, most = show(node)
        summarize(rows, most)
        ended_well = True
    except (Failed, CommandFailed, grpc.RpcError) as error:
        print(f"\n{styled('31', 'demo failed')}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
    if keep and ended_well:
        how_to_call(node, rows)
        return 0
    return finish(node, ended_well)


def finish(node, ended_well):
    """Takes everything down; the exit status of the demo."""
    try:
        status = node.stop()
    except Failed as error:
        print(f"demo failed: {error}", file=sys.stderr)
        status = 1
    if not ended_well:
        print(f"demo: the log was\n{node.log.read_text()[-4000:]}", file=sys.stderr)
    node.remove()
    if not ended_well or status != 0:
        return 1
    print(f"\n{green('All of it worked')}; everything was taken down again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
