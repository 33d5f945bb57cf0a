"""What lb policies may need: all children, their load, figures of functions, what functions share.
Nobody is asked for what no policy needs."""

import hf
from hf import env, pb, plugins

HELLO = "/examples.hello.v1.Hello/SayHello"
SLEEP = "/examples.sleep.v1.Sleep/Sleep"
HOUR = 3600 * 10**9


def shown(text):
    """Lines of key=value, as one dictionary for each."""
    return [dict(word.split("=", 1) for word in line.split()) for line in text.splitlines()]


class Needs(hf.TestCase):
    def tree_with(self, *shape):
        """Only the root's policy needs anything."""
        module = plugins.build_from_source(env.E2E / "lb-needs.c", self.folder / "lb-needs.so")
        p = self.tree(*shape, start=False)
        p.root.sections["balance.lb"]["plugin"] = str(module)
        return p.start()

    def look(self, node, client, function_id):
        """What the policy saw at one more call: the function, what is shared, its candidates."""
        client.call(HELLO)
        lines = shown(node.ctl("lb/functions", function_id))[1:]
        return lines[0], lines[1], [line for line in lines if "candidate" in line]

    def check(self, p):
        function_id = p.create("hyperfaas-hello:latest", max_concurrency=7)
        client = p.client(function_id)

        def all_is_known():
            function, shared, candidates = self.look(p.root, client, function_id)
            loads = [c for c in candidates if c["own"] == c["reports"] == c["average"] == "1"]
            return (int(function["candidates"]) == 2 and int(function["warm"]) == 1 and
                    all(int(function[key]) > 0 for key in ("gap_ns", "cold_ns", "warm_ns")) and
                    (shared["children"], shared["usable"], shared["reported"]) == ("2", "2", "2") and
                    int(shared["functions"]) == 1 and 0 < int(shared["shortest_gap_ns"]) < 1 << 60 and
                    len(loads) == 2 and all(int(c["reported_ns"]) > 0 for c in loads) and
                    loads[0]["knows_room"] == "1" and 0 < int(loads[0]["room"]) <= 7)

        hf.eventually(all_is_known, "the policy sees all that it needs")
        reasons = {line["reason"]: int(line["decisions"])
                   for line in shown(p.root.ctl("lb/functions", function_id)) if "reason" in line}
        self.assertGreaterEqual(reasons["cold"], 1)
        self.assertGreaterEqual(reasons["warm"], 1)
        self.assertEqual(len(p.leaves_with(function_id)), 1, "warm ones come first")
        for node in p.leaves + p.branches:
            self.assertGreater(node.counter("load_reports"), 0, node.name)

    def test_of_leaves(self):
        self.check(self.tree_with(2))

    def test_of_load_balancers(self):
        """What leaves report comes up through those between."""
        self.check(self.tree_with(2, 2))

    def test_calls_below_are_seen_above(self):
        """Calls that another caller has there."""
        p = self.tree_with(2, 2)
        held = p.create("hyperfaas-sleep:latest")
        function_id = p.create("hyperfaas-hello:latest")
        client = p.client(function_id)
        with_time = hf.Client(p.leaves[0].proxy, held)
        self.addCleanup(with_time.close)
        call = with_time.begin(SLEEP, pb.sleep.SleepRequest(duration_nanos=HOUR), timeout=60)
        hf.eventually(
            lambda: sum(int(c["calls"]) for c in self.look(p.root, client, function_id)[2]) >= 1,
            "the root's policy sees the call")
        call.cancel()
        hf.eventually(
            lambda: sum(int(c["calls"]) for c in self.look(p.root, client, function_id)[2]) == 0,
            "and that it has ended")

    def test_nobody_else_is_asked(self):
        p = self.tree(2, 2)
        function_id = p.create("hyperfaas-hello:latest")
        for _ in range(20):
            p.client(function_id).call(HELLO)
        for node in p.nodes:
            self.assertEqual(node.counter("load_reports"), 0, node.name)


if __name__ == "__main__":
    hf.main()
