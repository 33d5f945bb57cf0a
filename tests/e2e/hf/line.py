"""Lines between nodes that a test can cut: the program `line`, one process for each."""

import signal
import socket
import subprocess

from hf import env, net
from hf.wait import eventually


class Line:
    """Leads from each near address to the far one: Line((near, far), ...)."""

    def __init__(self, *ends):
        self.ends = ends
        self.process = None

    def start(self):
        words = [address for end in self.ends for address in end]
        self.process = subprocess.Popen([env.program("line"), *words], stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        eventually(self._answers, "the line is there")
        return self

    def _answers(self):
        assert self.process.poll() is None, f"no line from {self.ends}"
        try:
            for near, _ in self.ends:
                host, _, port = near.rpartition(":")
                socket.create_connection((host, int(port)), env.seconds(1)).close()
        except OSError:
            return False
        return True

    def cut(self):
        """From now on all that is sent is swallowed, and nobody is told."""
        self.process.send_signal(signal.SIGSTOP)

    def mend(self):
        self.process.send_signal(signal.SIGCONT)

    def discard(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def to_node(*addresses):
    """A line to the addresses of a node, and the host that others are to dial instead of its own:
    a second loopback address of this process."""
    first, second, rest = net.own_host().split(".", 2)
    host = f"{first}.{int(second) ^ 0x80}.{rest}"
    return Line(*((f"{host}:{a.rpartition(':')[2]}", a) for a in addresses)), host
