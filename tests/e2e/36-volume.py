"""Large messages and slow readers: everything arrives, and memory stays bounded."""

import hashlib
import threading

import hf
from hf import h2raw
from hf.rpc import instructions

MIB = 1 << 20


class Large(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe(memory="3GiB")
        self.client = self.p.client(self.function_id)
        self.client.call("/hf.Probe/Unary")

    def test_64_mib_message(self):
        data = hashlib.sha256(b"seed").digest() * (64 * MIB // 32)
        before = self.p.leaf.resident_bytes()
        self.assertEqual(self.client.call("/hf.Probe/Unary", data, timeout=60), data)
        grown = self.p.leaf.resident_bytes() - before
        self.assertLess(grown, 16 * MIB + hf.env.KEPT_FREED)

    def test_64_mib_in_a_stream(self):
        part = bytes(range(256)) * 4096
        total = self.client.upload("/hf.Probe/Upload", (part for _ in range(64)), timeout=60)
        self.assertEqual(len(total), 64 * MIB)
        self.assertEqual(hashlib.sha256(total).digest(), hashlib.sha256(part * 64).digest())


class SlowReader(hf.TestCase):
    """A caller that stops reading holds nothing but its window."""

    ALLOWED = 24 * MIB + hf.env.KEPT_FREED

    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe(memory="3GiB")
        self.client = self.p.client(self.function_id)
        self.client.call("/hf.Probe/Unary")
        self.before = self.p.leaf.resident_bytes()

    def request(self, connection, **wanted):
        request = h2raw.grpc_request(self.function_id, "/hf.Probe/Download",
                                     instructions(**wanted))
        return connection.request(request, h2raw.message(b""))

    def test_stalled_streams_delay_nobody_and_hold_little(self):
        """Twenty downloads of 64 MiB each, of which one window is read, and none granted anew."""
        with h2raw.Connection(self.p.proxy, window=65536) as connection:
            for i in range(20):
                self.request(connection, id=f"slow-{i}", replies=64, size=MIB)
            for i in range(20):
                self.p.wait_note("call", id=f"slow-{i}")
            for i in range(50):
                self.assertEqual(self.client.call("/hf.Probe/Unary", b"%d" % i), b"%d" % i)
            self.assertLess(self.p.leaf.resident_bytes() - self.before, self.ALLOWED)
        for i in range(20):
            self.p.wait_note("cancelled", id=f"slow-{i}")

    def test_connection_that_is_not_read_at_all(self):
        with h2raw.Connection(self.p.proxy, window=(1 << 31) - 1) as connection:
            self.request(connection, id="deaf", replies=256, size=MIB)
            self.p.wait_note("call", id="deaf")
            self.client.call("/hf.Probe/Unary", b"x" * MIB)
            self.assertLess(self.p.leaf.resident_bytes() - self.before, self.ALLOWED)
        self.p.wait_note("cancelled", id="deaf")

    def test_slow_function_slows_the_caller(self):
        """A function that does not read its upload: the caller's messages stay with the caller."""
        sent = 0
        stop = threading.Event()

        def endless():
            nonlocal sent
            while not stop.is_set():
                sent += 1
                yield b"x" * MIB
        replies = self.client.converse("/hf.Probe/Converse", endless(),
                                       metadata=instructions(id="up", hold="never"))
        self.p.wait_note("call", id="up")
        for i in range(50):
            self.client.call("/hf.Probe/Unary")
        self.assertLess(sent, 100, "the caller was never slowed down")
        self.assertLess(self.p.leaf.resident_bytes() - self.before, self.ALLOWED)
        stop.set()
        replies.cancel()

    def test_all_arrives_in_the_end(self):
        replies = self.client.stream("/hf.Probe/Download", b"",
                                     metadata=instructions(replies=100, size=MIB // 2), timeout=60)
        self.assertEqual(sum(len(reply) for reply in replies), 50 * MIB)


if __name__ == "__main__":
    hf.main()
