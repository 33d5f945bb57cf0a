"""`hyperfaas logs`: what instances write, of one or several, now or as it comes."""

import json
import signal
import subprocess

import hf
from hf import env
from hf.wait import eventually

DONE, FAILED, USAGE = range(3)  # exit codes
ECHO = "examples.echo.v1.Echo/Echo"

TALKER = """#!/bin/sh
echo "one of $INSTANCE_ID"
echo two >&2
printf three
exec "$(dirname "$0")/echo" >/dev/null 2>&1
"""


class Logs(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(options={"leaf": {"max_instances_per_worker": 2}})
        self.p.install_sample("echo")
        self.function_id = self.p.create(self.p.install_script("talker", TALKER),
                                         memory="64MiB" if not env.SANITIZED else "1GiB")

    def start(self):
        """A new instance's id."""
        return self.p.tool.json("worker", "start", self.function_id)["id"]

    def follow(self, *words):
        process = subprocess.Popen([env.program("hyperfaas"), "--config", self.p.leaf.config,
                                    "logs", *words, "--follow"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def test_one_instance(self):
        instance = self.start()
        text = f"one of {instance}\ntwo\nthree"
        for word in (self.function_id, instance):
            self.assertEqual(self.p.tool.text("logs", word), text)
        self.assertEqual(self.p.tool.text("logs", instance, "--tail", "2"), "two\nthree")
        lines = self.p.tool.text("logs", instance, "--json").splitlines()
        self.assertEqual([json.loads(line) for line in lines], [
            {"instance": instance, "function": self.function_id, "line": line}
            for line in (f"one of {instance}", "two", "three")])

    def test_several_instances(self):
        instances = [self.start(), self.start()]
        lines = self.p.tool.text("logs", self.function_id).splitlines()
        self.assertEqual(sorted(lines), sorted(
            f"{instance} | {line}" for instance in instances
            for line in (f"one of {instance}", "two", "three")))

    def test_log_of_an_instance_that_has_ended(self):
        instance = self.start()
        self.p.tool.run("worker", "stop", instance)
        eventually(lambda: not self.p.instances(), "it has gone")
        self.assertEqual(self.p.tool.text("logs", instance), f"one of {instance}\ntwo\nthree")

    def test_follow(self):
        first = self.start()
        follower = self.follow(self.function_id)
        self.assertEqual(follower.stdout.readline(), f"{first} | one of {first}\n")
        self.assertEqual(follower.stdout.readline(), f"{first} | two\n")
        second = self.start()  # while we follow
        self.p.tool.run("worker", "stop", first)
        seen = {follower.stdout.readline() for _ in range(3)}
        self.assertEqual(seen, {f"{first} | three\n", f"{second} | one of {second}\n",
                                f"{second} | two\n"})
        follower.send_signal(signal.SIGINT)
        self.assertEqual((follower.wait(env.seconds(10)), follower.stderr.read()),
                         (DONE, f"hyperfaas: {first} ended: stopped\n"))

    def test_follow_an_instance_to_its_end(self):
        instance = self.start()
        follower = self.follow(instance)
        self.assertEqual(follower.stdout.readline(), f"one of {instance}\n")
        self.p.tool.run("worker", "stop", instance)
        self.assertEqual(follower.stdout.read(), "two\nthree")
        self.assertEqual((follower.wait(env.seconds(10)), follower.stderr.read()), (DONE, ""))

    def test_starting(self):
        """One that does not become ready is listed, and its log can be read."""
        self.p.install_script("never", "#!/bin/sh\necho trying\nexec sleep 1000\n")
        function = self.p.create("hyperfaas-never", memory="1GiB")
        call = self.p.client(function).begin("/hf.Probe/Unary", b"z")
        listed = eventually(lambda: [i for i in self.p.instances() if i["id"]], "it is listed")
        self.assertEqual([(i["function"], i["state"]) for i in listed], [(function, "starting")])
        eventually(lambda: self.p.tool.text("logs", function) == "trying\n", "its log is shown")
        call.cancel()
        self.p.leaf.log.tolerate("start failed")
        self.p.tool.run("worker", "stop", listed[0]["id"])

    def test_ended(self):
        """At zero the last one's log is shown, and all of them on request."""
        first, second = self.start(), self.start()
        for instance in (first, second):
            self.p.tool.run("worker", "stop", instance)
        eventually(lambda: not self.p.instances(), "they have gone")
        done = self.p.tool.run("logs", self.function_id)
        self.assertEqual(done.stdout.decode(), f"one of {second}\ntwo\nthree")
        self.assertRegex(done.stderr, f"no instance now; this is the log of {second}, which ended")
        lines = self.p.tool.text("logs", self.function_id, "--all").splitlines()
        self.assertEqual({line.split()[0] for line in lines}, {first, second})
        self.assertEqual(self.p.tool.json("instances"), [])
        ended = {i["id"]: i for i in self.p.tool.json("instances", self.function_id, "--all")}
        self.assertEqual(set(ended), {first, second})
        self.assertEqual((ended[first]["state"], ended[first]["end"]["expected"]), ("ended", True))
        text = self.p.tool.text("instances", "--all")
        self.assertIn("stopped", text)

    def test_how_it_ended(self):
        self.p.install_script("dies", "#!/bin/sh\necho last words\nkill -KILL $$\n")
        function = self.p.create("hyperfaas-dies", memory="1GiB")
        self.p.leaf.log.announce("ended before it was ready")
        failed = self.p.tool.run("worker", "start", function, check=False)
        self.assertEqual(failed.returncode, FAILED)
        ended = self.p.tool.json("instances", function, "--all")
        self.assertEqual([(i["end"]["signal"], i["end"]["expected"]) for i in ended], [(9, False)])
        self.assertIn("signal 9 (KILL)", self.p.tool.text("instances", "--all"))
        self.assertEqual(self.p.tool.text("logs", function), "last words\n")
        self.assertEqual(self.p.tool.text("logs", ended[0]["name"]), "last words\n")

    def test_follow_a_function_at_zero(self):
        follower = self.follow(self.function_id)
        instance = self.start()
        self.assertEqual(follower.stdout.readline(), f"{instance} | one of {instance}\n")
        self.p.tool.run("worker", "stop", instance)
        self.assertEqual(follower.stderr.readline(), f"hyperfaas: {instance} ended: stopped\n")
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(env.seconds(10)), DONE)

    def test_what_is_not_there(self):
        for words in (["nothing"], ["nothing", "--follow"]):
            done = self.p.tool.run("logs", *words, check=False)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""), done.stderr)
            self.assertIn("'nothing' is neither a function", done.stderr)
        done = self.p.tool.run("logs", self.function_id, check=False)
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""), done.stderr)
        self.assertIn(f"function '{self.function_id}' has no instance now", done.stderr)
        done = self.p.tool.run("logs", "x", "--tail", "0", check=False)
        self.assertEqual(done.returncode, USAGE)

    def test_lost_worker_hides_no_other(self):
        instance = self.start()
        done = self.p.tool.run("logs", instance, "--set",
                               f"leaf.workers=127.0.0.1:1, {self.p.worker_api}", check=False)
        self.assertEqual((done.returncode, done.stdout.decode()),
                         (FAILED, f"one of {instance}\ntwo\nthree"))
        self.assertIn("worker '127.0.0.1:1'", done.stderr)


if __name__ == "__main__":
    hf.main()
