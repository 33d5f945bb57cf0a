"""Load: the C program `load` for numbers, threads for a few calls without a pause."""

import json
import subprocess
import threading

import grpc

from hf import env


def run(address, authority, path, calls, connections=8, streams=10, size=20, echo=True,
        timeout=120):
    """The program's report, once all calls are done."""
    process = begin(address, authority, path, calls, connections, streams, size, echo)
    return finish(process, timeout)


def begin(address, authority, path, calls, connections=8, streams=10, size=20, echo=True):
    command = [str(env.program("load")), "-n", str(calls), "-c", str(connections),
               "-m", str(streams), "-s", str(size)]
    if echo:
        command.append("-e")
    return subprocess.Popen([*command, address, authority, path], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, timeout=120):
    try:
        output, errors = process.communicate(timeout=env.seconds(timeout))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"the load did not end in {env.seconds(timeout)} s") from None
    if process.returncode != 0:
        raise AssertionError(f"load: {errors}")
    return json.loads(output)


class Caller(threading.Thread):
    """Calls without a pause until told to end; keeps what failed."""

    MOST_FAILURES = 20

    def __init__(self, client, path="/hf.Probe/Unary", request=b"x"):
        super().__init__(daemon=True)
        self.client, self.path, self.request = client, path, request
        self.stop = threading.Event()
        self.failures, self.count = [], 0

    def run(self):
        while not self.stop.is_set() and len(self.failures) < self.MOST_FAILURES:
            try:
                self.client.call(self.path, self.request)
                self.count += 1
            except grpc.RpcError as error:
                self.failures.append(error)

    def finish(self):
        """Ends it and returns the failures."""
        self.stop.set()
        self.join(env.seconds(30))
        assert not self.is_alive(), "a call does not end"
        return self.failures
