"""`hyperfaas function restart`: a new program under the same image, and no call lost."""

import grpc
import hf
from hf.load import Caller
from hf.rpc import instructions, outcome

DONE, FAILED = range(2)  # exit codes


class Restart(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe(max_concurrency=4)
        self.client = self.p.client(self.function_id)
        self.client.call("/hf.Probe/Unary")

    def replace_program(self):
        """As an installation does: the new file takes the place of the old one."""
        program = self.p.functions / "probe"
        new = self.p.functions / "new"
        new.write_bytes(program.read_bytes())
        new.chmod(0o755)
        new.rename(program)

    def restart(self, *flags, **more):
        return self.p.tool.run("function", "restart", self.function_id, *flags, **more)

    def pids(self):
        return [note["pid"] for note in self.p.notes("start")]

    def test_under_load_loses_no_call(self):
        callers = [Caller(self.client) for _ in range(4)]
        for caller in callers:
            caller.start()
        self.replace_program()
        old = self.pids()
        self.restart("--wait", "--timeout", "60s")
        self.p.wait_note("stop", pid=old[0])
        failures = [failure for caller in callers for failure in caller.finish()]
        self.assertEqual([failure.details() for failure in failures], [])
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="after"))
        self.assertNotIn(self.p.notes("call", id="after")[0]["pid"], old)
        self.assertTrue(self.p.leaf.log.find("restarting a function"))
        self.assertTrue(self.p.worker.log.find("was replaced"))

    def test_a_running_call_ends_well(self):
        call = self.client.begin("/hf.Probe/Unary", b"old",
                                 metadata=instructions(id="old", hold="end"))
        self.p.wait_note("call", id="old")
        told = self.p.tool.json("function", "restart", self.function_id)
        self.assertEqual(told, {"function": self.function_id, "instances": 1, "leaves": 1})
        hf.eventually(lambda: len(self.pids()) == 2, "another one starts")
        late = self.restart("--wait", "--timeout", "1s", check=False)
        self.assertEqual(late.returncode, FAILED)
        self.assertIn("still to be replaced", late.stderr)
        self.p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.p.wait_note("stop", pid=self.pids()[0])

    def test_of_a_function_that_is_cold(self):
        cold = self.p.create("hyperfaas-probe:latest")
        self.assertEqual(self.p.tool.json("function", "restart", cold)["instances"], 0)
        self.assertEqual(len(self.pids()), 1)

    def test_of_one_that_is_not_registered(self):
        refused = self.p.tool.run("function", "restart", "nonsense", check=False)
        self.assertEqual(refused.returncode, FAILED)
        self.assertIn("'nonsense' is not registered", refused.stderr)


if __name__ == "__main__":
    hf.main()
