"""Callers who hold connections and call nobody do not keep others out."""

import resource
import socket
import time

import hf
from hf import h2raw, processes

UNARY = "/hf.Probe/Unary"
FILES = 256
RESERVE = 64  # of so many files


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


class Crowd(hf.TestCase):
    def start(self, limited=True, **leaf):
        self.p = self.platform(start=False, options={"leaf": leaf})
        if limited:
            self.p.leaf.prepare = few_files
        self.p.start()
        self.connections = []
        self.addCleanup(lambda: [c.socket.close() for c in self.connections])
        self.function = self.p.probe()
        self.steady = self.connect()
        self.call_steadily()

    def connect(self):
        self.connections.append(h2raw.Connection(self.p.proxy, limit=20))
        return self.connections[-1]

    def call_steadily(self):
        """A call on a connection that is never idle for long: it must not be closed."""
        request = h2raw.grpc_request(self.function, UNARY)
        stream = self.steady.request(request, h2raw.message(b""))
        self.assertEqual(self.steady.response(stream).field("grpc-status"), "0")
        self.steady.responses.clear()


class Short(Crowd):
    """Descriptors run short."""

    def hoard(self, count):
        """So many connections more, as fast as the node takes them."""
        for _ in range(count):
            self.connect()
            self.call_steadily()

    def test_longest_idle_make_room_and_a_reserve_stays(self):
        self.start()
        self.p.leaf.log.announce("file descriptors run short.*hint=")
        self.hoard(FILES - RESERVE + 16)  # more than they may have
        self.assertGreater(self.p.leaf.counter("proxy_shed"), 0)
        self.assertLessEqual(processes.open_files(self.p.leaf.pid), FILES - RESERVE + 16)
        # The oldest have gone; the newest have not, and neither has the one that is used.
        self.connections[1].read_to_end()
        newest = self.connections[-1]
        newest.send(h2raw.PING, 0, 0, b"are-you?")
        while newest.read_frame().payload != b"are-you?":
            pass
        self.call_steadily()
        # What else needs descriptors gets them: a start, its connection, the control socket.
        other = self.p.client(self.p.probe("probe-signals"))
        self.assertEqual(other.call(UNARY, b"x"), b"x")
        # Of messages that would come for each connection there are some a second.
        self.assertLess(len(self.p.leaf.log.all("file descriptors run short")), FILES / 2)

    def test_those_who_have_calls_are_not_closed(self):
        """Without anybody idle the node accepts later, and answers those it has."""
        self.start()
        self.p.leaf.log.announce("file descriptors run short")
        silent = self.p.create(self.p.install_mirror())  # until a request ends
        request = h2raw.grpc_request(silent, UNARY)
        for _ in range(FILES - RESERVE - processes.open_files(self.p.leaf.pid) - 16):
            self.connect().request(request, end=False)
            self.call_steadily()
        self.strangers = []
        self.addCleanup(lambda: [s.close() for s in self.strangers])
        hf.eventually(lambda: self.crowd() > 0, "descriptors run short")
        self.call_steadily()
        self.assertIn(f"in_flight={len(self.connections) - 1} ",
                      self.p.leaf.ctl("leaf/functions", silent))
        for connection in [c.socket for c in self.connections[1:]] + self.strangers:
            connection.close()
        late = self.p.client(self.function)
        hf.eventually(lambda: late.call(UNARY, b"x") == b"x", "there is room again")

    def crowd(self):
        """One more who connects; how often accepting paused."""
        self.call_steadily()
        host, _, port = self.p.proxy.rpartition(":")
        self.strangers.append(socket.create_connection((host, int(port))))
        return self.p.leaf.counter("listener_paused")


class Limits(Crowd):
    def test_idle_connections_end(self):
        self.start(limited=False, connection_idle="1s")
        idle = self.connect()
        begun = time.monotonic()
        while self.is_open(idle):
            self.call_steadily()
            self.assertLess(time.monotonic() - begun, hf.env.seconds(10))
        self.assertEqual(idle.goaway.error_code(), 0)
        self.call_steadily()

    @staticmethod
    def is_open(connection):
        connection.socket.settimeout(0.05)
        try:
            return connection.read_frame() is not None
        except TimeoutError:
            return True

    def test_connections_per_address(self):
        self.start(limited=False, max_connections_per_address="4")
        self.p.leaf.log.announce("has as many connections as it may")
        for _ in range(3):
            self.connect()
        with self.assertRaises((AttributeError, ConnectionError)):  # closed without a word
            self.connect()
        self.assertEqual(self.p.leaf.counter("proxy_crowded"), 1)
        self.connections[1].socket.close()
        hf.eventually(self.can_connect, "one has left, so another may come")
        self.call_steadily()

    def can_connect(self):
        try:
            self.connect()
        except (AttributeError, ConnectionError):
            return False
        return True


if __name__ == "__main__":
    hf.main()
