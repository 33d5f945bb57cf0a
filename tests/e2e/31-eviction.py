"""A function that finds no room: the scaler may have idle instances of others stopped."""

import hf
from hf import env, plugins
from hf.rpc import instructions


class Eviction(hf.TestCase):
    def start(self):
        module = plugins.build_from_source(env.E2E / "scaler-lru.c", self.folder / "lru.so")
        self.p = self.platform(options={"worker": {"memory": "2GiB"},
                                        "scaler": {"plugin": str(module)}})

    def function(self):
        function_id = self.p.probe(memory="1GiB")
        return function_id, self.p.client(function_id)

    def warm(self):
        return self.p.leaf.ctl("leaf/functions")

    def test_the_longest_idle_goes(self):
        self.start()
        first, client = self.function()
        client.call("/hf.Probe/Unary")
        second, client = self.function()
        client.call("/hf.Probe/Unary")
        self.assertIn("asked=0\n", self.p.leaf.ctl("leaf/policies"))
        third, client = self.function()
        client.call("/hf.Probe/Unary")
        hf.eventually(lambda: f"function={first} " not in self.warm(), "the first is cold")
        self.assertIn(f"function={second} ", self.warm())
        self.assertIn("ready=1\n", self.p.leaf.ctl("leaf/policies", third))
        self.assertNotIn("asked=0\n", self.p.leaf.ctl("leaf/policies"))
        self.assertRegex(self.p.leaf.ctl("leaf/policies"), "scaler=scaler-lru invalid=0\n")
        self.assertIn("leaf_evictions 1", self.p.leaf.ctl("counters", "leaf_evictions"))

    def test_who_has_a_call_stays(self):
        self.start()
        _, client = self.function()
        held = client.begin("/hf.Probe/Unary", metadata=instructions(id="held", hold="end"))
        self.p.wait_note("call", id="held")
        second, client = self.function()
        client.call("/hf.Probe/Unary")
        _, client = self.function()
        client.call("/hf.Probe/Unary")
        hf.eventually(lambda: f"function={second} " not in self.warm(), "the second is cold")
        self.assertRegex(self.p.leaf.ctl("leaf/workers"), " in_flight=1 ")
        self.p.release("end")
        held.result()

    def test_a_function_that_is_cold_has_nothing_to_show(self):
        self.start()
        with self.assertRaisesRegex(Exception, "cold or not registered"):
            self.p.leaf.ctl("leaf/policies", "nobody")


if __name__ == "__main__":
    hf.main()
