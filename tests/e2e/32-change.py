"""Functions that change or go while they are called."""

import grpc
import hf
from hf.load import Caller
from hf.rpc import instructions, outcome, trailer


class Update(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe(max_concurrency=10)
        self.client = self.p.client(self.function_id)
        self.client.call("/hf.Probe/Unary")

    def test_new_image_under_load_loses_no_call(self):
        callers = [Caller(self.client) for _ in range(4)]
        for caller in callers:
            caller.start()
        image = self.p.install_probe("probe-signals")
        self.p.tool.update(self.function_id, image_tag=image)
        self.p.wait_note("start", kind="probe-signals")
        self.p.wait_note("stop")
        failures = [failure for caller in callers for failure in caller.finish()]
        self.assertEqual([failure.details() for failure in failures], [])
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="after"))
        started = self.p.notes("start", kind="probe-signals")
        self.assertEqual(self.p.notes("call", id="after")[0]["pid"], started[0]["pid"])

    def test_running_call_of_the_old_revision_ends_well(self):
        call = self.client.begin("/hf.Probe/Unary", b"old",
                                 metadata=instructions(id="old", hold="end"))
        self.p.wait_note("call", id="old")
        self.p.tool.update(self.function_id, image_tag=self.p.install_probe("probe-signals"))
        hf.eventually(self.is_new, "new calls reach the new image")
        self.p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)
        self.p.wait_note("stop")

    def is_new(self):
        self.client.call("/hf.Probe/Unary", metadata=instructions(id="which"))
        last = self.p.notes("call", id="which")[-1]
        return self.p.notes("start", kind="probe-signals", pid=last["pid"])

    def test_concurrency_applies_without_a_new_instance(self):
        self.p.tool.update(self.function_id, max_concurrency=20)
        calls = [self.client.begin("/hf.Probe/Unary", metadata=instructions(id="c", hold="all"))
                 for _ in range(20)]
        hf.eventually(lambda: len(self.p.notes("call", id="c")) == 20, "twenty run at once")
        self.p.release("all")
        self.assertEqual({outcome(c) for c in calls}, {grpc.StatusCode.OK})
        self.assertEqual(len(self.p.notes("start")), 1)


class Delete(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe()
        self.client = self.p.client(self.function_id)
        self.client.call("/hf.Probe/Unary")

    def is_unknown(self):
        try:
            self.client.call("/hf.Probe/Unary")
        except grpc.RpcError as error:
            return error.code() is grpc.StatusCode.NOT_FOUND
        return False

    def test_deleted_function_is_unknown_and_its_instances_go(self):
        self.p.tool.delete(self.function_id)
        hf.eventually(self.is_unknown, "the function is unknown")
        self.p.wait_note("stop")

    def test_running_call_ends_well(self):
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="end"))
        self.p.wait_note("call", id="it")
        self.p.tool.delete(self.function_id)
        hf.eventually(self.is_unknown, "the function is unknown")
        self.p.release("end")
        self.assertEqual(outcome(call), grpc.StatusCode.OK)

    def test_deleted_and_created_anew(self):
        self.p.tool.delete(self.function_id)
        hf.eventually(self.is_unknown, "the function is unknown")
        self.p.create("hyperfaas-probe:latest", function_id=self.function_id)
        hf.eventually(lambda: not self.is_unknown(), "the function is known again")
        self.client.call("/hf.Probe/Unary")

    def test_waiting_calls_are_told(self):
        waits = self.p.probe("probe-waits")
        call = self.p.client(waits).begin("/hf.Probe/Unary")
        self.p.wait_note("start", kind="probe-waits")
        self.p.tool.delete(waits)
        self.assertIn(outcome(call), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND))
        self.assertEqual(trailer(call, "hyperfaas-dispatched"), "0")


if __name__ == "__main__":
    hf.main()
