"""Overload: a function that cannot grow refuses at once what it cannot serve in time.

The policy clock is stopped and pushed, so that calls take ten minutes without anybody waiting.
"""

import hf
from grpc import StatusCode as Code
from hf.rpc import instructions, outcome, trailer

UNARY = "/hf.Probe/Unary"
HOURS = 36000  # for callers that would wait so long
LEARNT = 16  # calls from which the leaf knows how long they take


class Overload(hf.TestCase):
    def start(self, lb=False):
        """One slot, and a leaf that knows that a call takes ten minutes."""
        self.p = self.platform(lb=lb, options={
            "leaf": {"max_instances_per_worker": 1, "max_wait": "15m"}})
        self.p.leaf.stop_time()
        self.client = self.p.client(self.p.probe(max_concurrency=1, function_timeout="24h"))
        for i in range(LEARNT):
            call = self.begin(f"learn-{i}")
            self.p.leaf.warp("10m")
            self.p.release(f"learn-{i}")
            self.assertEqual(outcome(call), Code.OK)
        hf.eventually(lambda: self.shows("in_flight") == "0", "the last call has ended")
        self.assertEqual(self.shows("service_us"), str(600 * 1_000_000))

    def begin(self, name):
        """A call that takes the slot until it is released."""
        call = self.client.begin(UNARY, timeout=HOURS, metadata=instructions(id=name, hold=name))
        self.p.wait_note("call", id=name)
        return call

    def wait_behind(self, timeout):
        """A call that has to wait, at a leaf that finds out that no instance can come for it."""
        call = self.client.begin(UNARY, timeout=timeout, metadata=instructions(id="waits"))
        hf.eventually(lambda: self.shows("waiting") == "1" and self.shows("at_limit") == "yes",
                      "the call waits, and the leaf knows that it can't start more")
        return call

    def shows(self, key):
        """What the leaf says of the function."""
        words = self.p.leaf.ctl("leaf/functions").split()
        return dict(word.split("=", 1) for word in words)[key]

    def assert_overloaded(self, error):
        self.assertEqual((error.code(), trailer(error, "hyperfaas-reason")),
                         (Code.UNAVAILABLE, "overloaded"), error.details())
        self.assertEqual(trailer(error, "hyperfaas-dispatched"), "0")
        pushback = int(trailer(error, "grpc-retry-pushback-ms"))
        self.assertTrue(500 <= pushback <= 15000, pushback)

    def refuses_at_once(self):
        running = self.begin("runs")
        patient = self.wait_behind(HOURS)
        self.assert_overloaded(hf.failure(self.client.call, UNARY))  # its deadline is near
        self.assert_overloaded(hf.failure(self.client.call, UNARY, timeout=HOURS))  # max_wait
        self.assertEqual(self.p.leaf.counter("proxy_overloaded"), 2)
        self.assertEqual(self.shows("waiting"), "1")
        self.p.release("runs")
        self.assertEqual([outcome(running), outcome(patient)], [Code.OK, Code.OK])
        self.assertEqual(len(self.p.notes("call")), LEARNT + 2)

    def test_through_a_leaf(self):
        self.start()
        self.refuses_at_once()

    def test_through_a_load_balancer(self):
        self.start(lb=True)
        self.refuses_at_once()

    def test_a_slot_is_not_given_to_a_call_that_is_late(self):
        """It came before the leaf knew that there would be no other instance."""
        self.start()
        running = self.begin("runs")
        late = self.wait_behind(30)
        self.p.release("runs")
        self.assertEqual(outcome(running), Code.OK)
        self.assertEqual(outcome(late), Code.UNAVAILABLE)
        self.assert_overloaded(late)
        self.assertEqual(self.p.notes("call", id="waits"), [])

    def test_a_free_slot_is_given_to_everybody(self):
        self.start()
        self.assertEqual(self.client.call(UNARY, b"x"), b"x")


if __name__ == "__main__":
    hf.main()
