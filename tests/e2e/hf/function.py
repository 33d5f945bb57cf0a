"""A function program, run and called directly: no platform in between."""

import os
import re
import select
import signal
import subprocess

from hf import env
from hf.rpc import open_channel

PATIENCE = env.seconds(30)  # a test that passes never waits so long


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """A protobuf field: of bytes, or a number, which may be negative."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)
    return varint(number << 3 | 2) + varint(len(value)) + value


class Function:
    """A running function program, and a channel to it."""

    def __init__(self, program, **environment):
        self.process = subprocess.Popen(
            [program],
            env={"LISTEN_ADDRESS": "127.0.0.1", "PORT": "0", "FUNCTION_ID": "f-1",
                 **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
                 **environment},
            stderr=subprocess.PIPE,
        )
        self.first_line = self.read_line()
        address = re.search(r"address=(\S+)", self.first_line)
        self.channel = open_channel(address[1] if address else "none")

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
