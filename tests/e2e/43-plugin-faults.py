"""Policies that fail, crash or hang: what they say arrives, and which one it was is told."""

import signal
import subprocess

import grpc
import hf
from hf import env, plugins

HELLO = "/examples.hello.v1.Hello/SayHello"


class Faults(hf.TestCase):
    def faulty(self, kind, fault, start=True, **more):
        """A node whose policy of that kind has the fault."""
        module = plugins.build_from_source(env.E2E / f"{kind}-faulty.c", self.folder / f"{kind}.so")
        section = {"lb": "balance.leaf", "scaler": "scaler"}[kind]
        options = {section: {"plugin": str(module), "fault": fault}, **more}
        return self.platform(start=start, runtime="fake", options=options)

    def create(self, p, function_id):
        return p.client(p.create("hyperfaas-hello:latest", function_id))


class Words(Faults):
    def call_fails(self, fault):
        """The policy of one function cannot be made; others are served."""
        p = self.faulty("lb", fault)
        p.leaf.log.announce("a function cannot be served.*balance.leaf.*lb-faulty")
        error = hf.failure(self.create(p, "bad").call, HELLO)
        self.create(p, "good").call(HELLO)
        return error

    def test_of_a_function(self):
        error = self.call_fails("create-says-why")
        self.assertIn("the moon is in the wrong house", error.details())
        self.assertIn("[balance.leaf] lb-faulty", error.details())
        self.assertIsNot(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_of_a_function_without_any(self):
        self.assertIn("it does not say why (invalid)", self.call_fails("create-is-silent").details())

    def test_of_a_function_that_gets_no_policy(self):
        self.assertIn("made nothing", self.call_fails("create-makes-nothing").details())

    def check(self, fault):
        """What --check says of a node whose policy cannot be made."""
        p = self.faulty("scaler", fault, start=False)
        path = self.folder / "faulty.ini"
        path.write_text(hf.ini.render(p.leaf.sections))
        return subprocess.run([env.program("hyperfaasd"), "--check", "-c", path], check=False,
                              capture_output=True, text=True, timeout=env.seconds(10))

    def test_of_a_node(self):
        for fault, said in (("create-says-why", "the moon is in the wrong house"),
                            ("create-is-silent", "it does not say why (invalid)"),
                            ("create-makes-nothing", "made nothing")):
            done = self.check(fault)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("[scaler]: scaler-faulty: ", done.stderr)
            self.assertIn(said, done.stderr)

    def test_of_a_node_that_crashes(self):
        done = self.check("create-crashes")
        if not env.SANITIZED:  # they end the process in ways of their own
            self.assertEqual(done.returncode, -signal.SIGSEGV)
        self.assertIn("in=scaler-faulty operation=create", done.stderr)


class Crashes(Faults):
    def dies_of(self, fault, number):
        p = self.faulty("lb", fault)
        p.leaf.log.announce("the process crashes")
        p.leaf.log.tolerate("Sanitizer|^ |^=|^#")
        self.create(p, "good").call(HELLO)
        hf.failure(self.create(p, "bad1").call, HELLO)
        p.leaf.expected_end = p.leaf.wait()
        if not env.SANITIZED:
            self.assertEqual(p.leaf.expected_end, -number)
        line = p.leaf.log.find("the process crashes")
        self.assertIn("in=lb-faulty operation=pick function=bad1", line)
        self.assertRegex(line, rf"signal={number.name} .*thread=\S+ in=")

    def test_signal(self):
        self.dies_of("pick-crashes", signal.SIGSEGV)

    def test_null_pointer(self):
        self.dies_of("pick-writes-to-null", signal.SIGSEGV)

    def test_abort(self):
        self.dies_of("pick-aborts", signal.SIGABRT)


class Stuck(Faults):
    """Found after three seconds, so these tests take their time."""

    def test_pick_that_does_not_come_back(self):
        p = self.faulty("lb", "pick-loops", node={"drain_timeout": "1s"})
        p.leaf.log.announce("stuck in a module.*in=lb-faulty operation=pick function=bad")
        p.leaf.log.announce("told to end, but a thread is stuck")
        p.leaf.log.tolerate("a thread is stuck|drain limit")
        call = self.create(p, "bad").begin(HELLO)
        hf.eventually(lambda: p.leaf.log.find("stuck in a module"), "it is told", limit=15)
        p.leaf.terminate()
        p.leaf.expected_end = 1
        self.assertEqual(p.leaf.wait(), 1)
        self.assertIs(hf.rpc.outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_policy_of_the_control_thread(self):
        p = self.faulty("scaler", "on_demand-loops", node={"drain_timeout": "1s"})
        p.leaf.log.announce('stuck in a module" thread=hf-control in=scaler-faulty')
        p.leaf.log.announce("told to end, but a thread is stuck")
        call = self.create(p, "f").begin(HELLO)
        hf.eventually(lambda: p.leaf.log.find("operation=on_demand function=f"), "it is told", 15)
        p.leaf.terminate()
        p.leaf.expected_end = 1
        self.assertEqual(p.leaf.wait(), 1)
        self.assertIs(hf.rpc.outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_one_that_comes_back(self):
        p = self.faulty("scaler", "on_demand-sleeps")
        p.leaf.log.announce("stuck in a module.*operation=on_demand function=f for=3")
        self.create(p, "f").call(HELLO, timeout=30)
        hf.eventually(lambda: p.leaf.log.find("a thread goes on"), "its end is told")
        self.assertEqual(p.leaf.counter("loop_stuck"), 1)


if __name__ == "__main__":
    hf.main()
