"""A caller that leaves is followed to wherever its call is."""

import grpc
import hf
from hf import h2raw
from hf.rpc import instructions, outcome


class Cancel(hf.TestCase):
    def start(self, kind="probe", **options):
        self.p = self.platform(options={"leaf": {"max_instances_per_worker": 1}})
        self.function_id = self.p.probe(kind, **options)
        self.client = self.p.client(self.function_id)

    def begin(self, **wanted):
        return self.client.begin("/hf.Probe/Unary", metadata=instructions(**wanted))

    def test_running_unary(self):
        self.start()
        call = self.begin(id="it", hold="never")
        self.p.wait_note("call", id="it")
        call.cancel()
        self.p.wait_note("cancelled", id="it")

    def test_running_stream(self):
        self.start()
        replies = self.client.stream("/hf.Probe/Download", b"m",
                                     metadata=instructions(id="it", replies=1_000_000))
        self.assertEqual(next(replies), b"m")
        replies.cancel()
        self.p.wait_note("cancelled", id="it")

    def test_connection_lost(self):
        self.start()
        self.client.call("/hf.Probe/Unary")
        with h2raw.Connection(self.p.proxy) as connection:
            for name in ("one", "two"):
                request = h2raw.grpc_request(self.function_id, "/hf.Probe/Unary",
                                             instructions(id=name, hold="never"))
                connection.request(request, h2raw.message(b""))
                self.p.wait_note("call", id=name)
        self.p.wait_note("cancelled", id="one")
        self.p.wait_note("cancelled", id="two")

    def test_queued(self):
        self.start(max_concurrency=1)
        first = self.begin(id="first", hold="go-on")
        self.p.wait_note("call", id="first")
        queued, last = self.begin(id="queued"), self.begin(id="last")
        queued.cancel()
        self.p.release("go-on")
        self.assertEqual([outcome(c) for c in (first, last)], [grpc.StatusCode.OK] * 2)
        self.assertEqual(self.p.notes("call", id="queued"), [], "its turn passed on")

    def test_cold_starting(self):
        self.start("probe-waits")
        call = self.begin(id="gone")
        self.p.wait_note("start")
        call.cancel()
        self.p.release("go")
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="stays"))
        self.assertEqual(self.p.notes("call", id="gone"), [])

    def test_slots_come_back(self):
        """Cancelled calls hold no slot: with one slot in all, the next call still runs."""
        self.start(max_concurrency=1)
        for turn in range(10):
            call = self.begin(id=f"it-{turn}", hold="never")
            self.p.wait_note("call", id=f"it-{turn}")
            call.cancel()
        self.client.call("/hf.Probe/Unary")

    def test_many_resets_leave_the_connection_usable(self):
        """Bytes of streams that end early are given back to the connection's window."""
        self.start()
        self.client.call("/hf.Probe/Unary")
        for _ in range(150):
            replies = self.client.stream("/hf.Probe/Download", b"m" * 50_000,
                                         metadata=instructions(replies=20))
            next(replies)
            replies.cancel()
        self.assertEqual(self.client.call("/hf.Probe/Unary", b"still"), b"still")


if __name__ == "__main__":
    hf.main()
