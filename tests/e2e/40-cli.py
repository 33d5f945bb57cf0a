"""`hyperfaas`: every command in both forms of output, and every way to be told what is wrong."""

import base64
import json
import os
import re
import subprocess
import unittest

import hf
from hf import env

UUID4 = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$"
ECHO = "examples.echo.v1.Echo/Echo"
PROTO = env.SOURCE / "proto"

DONE, FAILED, USAGE, CALL = range(4)  # exit codes


def run(*words, data=b"", **environment):
    """The finished tool; `environment` is added to ours, which has no HYPERFAAS_CONFIG."""
    inherited = {k: v for k, v in os.environ.items() if k != "HYPERFAAS_CONFIG"}
    return subprocess.run([env.program("hyperfaas"), *map(str, words)], input=data, check=False,
                          capture_output=True, timeout=env.seconds(30),
                          env={**inherited, **environment})


class Assertions:
    """Checks of a finished tool."""

    def assert_done(self, done):
        self.assertEqual((done.returncode, done.stderr.decode()), (DONE, ""))
        return done.stdout.decode()

    def assert_wrong(self, done, status, *parts):
        """It failed with that status, wrote no result and said what is wrong in one line."""
        message = done.stderr.decode()
        self.assertEqual(done.returncode, status, message)
        self.assertEqual(done.stdout, b"")
        self.assertTrue(message.startswith("hyperfaas: "), message)
        self.assertEqual(message.count("\n"), 1, message)
        for part in parts:
            self.assertIn(part, message)


class Usage(Assertions, unittest.TestCase):
    """What needs neither a node nor a store."""

    def commands(self):
        """The words of each command that the help lists."""
        text = self.assert_done(run("--help"))
        block = text.partition("\ncommands:\n")[2].partition("\n\n")[0]
        lines = [line for line in block.splitlines() if re.match(r"  [a-z]", line)]
        return [re.match(r"  ([a-z]+( [a-z]+)?)", line)[1].split() for line in lines]

    def test_help_of_each_command(self):
        commands = self.commands()
        self.assertGreater(len(commands), 10)
        for words in commands:
            with self.subTest(command=" ".join(words)):
                text = self.assert_done(run(*words, "--help"))
                self.assertTrue(text.startswith("usage: hyperfaas " + " ".join(words)), text)
                self.assertEqual(text, self.assert_done(run("help", *words)))
                self.assertLess(max(map(len, text.splitlines())), 100)

    def test_manual_has_all_commands_and_flags(self):
        page = (env.SOURCE / "man" / "hyperfaas.1").read_text().replace("\\", "")
        for words in self.commands():
            self.assertIn(" ".join(words), page)
            for flag in re.findall(r"--[a-z-]+", self.assert_done(run(*words, "--help"))):
                self.assertIn(flag, page)

    def test_completion(self):
        script = env.SOURCE / "cli" / "bash-completion" / "hyperfaas"
        path = f"{env.program('hyperfaas').parent}:{os.environ['PATH']}"
        for line, some, none in (("function ", {"create", "watch"}, {"stop", "FUNCTION"}),
                                 ("fu", {"function"}, {"create", "call"}),
                                 ("function create --cp", {"--cpu-quota"}, {"--memory"}),
                                 ("worker start ", set(), {"stop", "FUNCTION"}),
                                 ("call f p.S/M --pro", {"--proto", "--proto-path"}, {"--data"})):
            words = ["hyperfaas", *line.split(" ")]
            done = subprocess.run(
                ["bash", "-c", f'. "{script}"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); '
                 "_hyperfaas; printf '%s\\n' \"${COMPREPLY[@]}\"", "bash", *words],
                check=False, capture_output=True, env={**os.environ, "PATH": path})
            with self.subTest(line=line):
                found = set(self.assert_done(done).split())
                self.assertLessEqual(some, found)
                self.assertFalse(none & found)

    def test_groups(self):
        text = self.assert_done(run("function", "--help"))
        self.assertIn("function create", text)
        self.assertNotIn("plugin list", text)
        done = run("function")
        self.assertEqual((done.returncode, done.stdout), (USAGE, b""))
        self.assertIn(b"function create", done.stderr)

    def test_without_command(self):
        done = run()
        self.assertEqual((done.returncode, done.stdout), (USAGE, b""))
        self.assertIn(b"usage:", done.stderr)

    def test_version(self):
        version = json.loads(self.assert_done(run("version", "--json")))["version"]
        self.assertEqual(self.assert_done(run("version")), f"hyperfaas {version}\n")
        self.assertEqual(self.assert_done(run("--version")), f"hyperfaas {version}\n")

    def test_wrong_words(self):
        for words, part in (
            (["functoin", "list"], "did you mean 'function list'"),
            (["function", "lst"], "did you mean 'function list'"),
            (["nonsense"], "unknown command 'nonsense'"),
            (["function", "get"], "needs ID"),
            (["function", "list", "more"], "unexpected argument 'more'"),
            (["function", "list", "--nonsense"], "unknown flag '--nonsense'"),
            (["function", "list", "--timeout"], "needs a value: DURATION"),
            (["function", "list", "--timeout", "soon"], "not a duration"),
            (["function", "list", "--metadata-dial-timeout", "soon"], "--metadata-dial-timeout"),
            (["function", "list", "--json=1"], "takes no value"),
            (["function", "list", "--set", "x"], "section.key=value"),
            (["function", "list", "--config", "/no/such.ini"], "/no/such.ini"),
            (["plugin", "list", "--kind", "policy"], "no kind of module"),
            (["call", "f", "method"], "package.Service/Method"),
            (["call", "a b", "p.S/M"], "visible ASCII"),
            (["call", "f", "p.S/M", "-d", "", "-f", "x"], "leave out one"),
            (["call", "f", "p.S/M", "-f", "/no/such/file"], "/no/such/file"),
            (["call", "f", "p.S/M", "-H", "Big: 1"], "NAME:VALUE"),
            (["call", "f", "p.S/M", "-H", "x-bin:%%%"], "base64"),
            (["config", "check"], "which configuration"),
        ):
            with self.subTest(words=words):
                self.assert_wrong(run(*words), USAGE, part)
                done = run(*words, "--json") if words[-1] != "--timeout" else None
                if done:
                    self.assertIn("error", json.loads(done.stderr))

    def test_full_disk_and_closed_pipe(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([env.program("hyperfaas"), "config", "sample"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"No space left", done.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([env.program("hyperfaas"), "config", "sample"], stdout=writer,
                              stderr=subprocess.PIPE, check=False)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (FAILED, b""))

    def test_config_sample(self):
        text = self.assert_done(run("config", "sample"))
        sections = json.loads(self.assert_done(run("config", "sample", "--json")))
        self.assertIn("leaf", [section["section"] for section in sections])
        for section in sections:
            self.assertIn(f"[{section['section']}]\n", text)
            for option in section["options"]:
                self.assertRegex(text, rf"(?m)^;?{option['key']} =")

    def test_plugins(self):
        modules = json.loads(self.assert_done(run("plugin", "list", "--json")))
        self.assertIn(("store", "file"), [(m["kind"], m["name"]) for m in modules])
        text = self.assert_done(run("plugin", "list"))
        for module in modules:
            self.assertRegex(text, rf"(?m)^{module['kind']} +{module['name']} +\S")
            self.assertNotIn("error", module)
            info = json.loads(self.assert_done(run("plugin", "info", module["file"], "--json")))
            self.assertEqual((info["kind"], info["name"]), (module["kind"], module["name"]))
            text_info = self.assert_done(run("plugin", "info", f"{info['kind']}-{info['name']}"))
            self.assertIn(info["summary"], text_info)
            for option in info["options"]:
                self.assertIn(option["key"], text_info)
        only = json.loads(self.assert_done(run("plugin", "list", "-k", "lb", "--json")))
        self.assertEqual({m["kind"] for m in only}, {"lb"})

    def test_plugins_by_name(self):
        self.assertIn("lb-leastload", self.assert_done(run("plugin", "info", "leastload")))
        self.assert_wrong(run("plugin", "info", "roundrobin"), FAILED, "scheduler-roundrobin")
        self.assert_wrong(run("plugin", "info", "nonsense"), FAILED, "plugin list")
        self.assert_wrong(run("plugin", "info", "lb-nonsense"), FAILED, "leastload")
        self.assert_wrong(run("plugin", "info", "./lb-nonsense.so"), FAILED, "./lb-nonsense.so")


class Functions(Assertions, hf.TestCase):
    """The store is there without a node."""

    def setUp(self):
        super().setUp()
        self.config = self.folder / "some name.ini"
        self.config.write_text(f"[node]\nroles = leaf\nstate_dir = {self.folder}/state\n"
                               f"[store]\npath = {self.folder}/store\n")

    def tool(self, *words, data=b""):
        return run("--config", self.config, *words, data=data)

    def json(self, *words):
        return json.loads(self.assert_done(self.tool(*words, "--json")))

    def test_defaults(self):
        done = self.tool("function", "create", "hyperfaas-hello")
        self.assertRegex(done.stdout.decode(), UUID4)
        function_id = done.stdout.decode().strip()
        self.assertEqual(self.json("function", "get", function_id), {
            "id": function_id, "image": "hyperfaas-hello", "memory": 256 << 20,
            "cpu_period": 100000, "cpu_quota": 50000, "timeout": 30, "max_concurrency": 500})

    def test_flags(self):
        made = self.json("function", "create", "--image-tag", "x:v1", "--id", "f", "--memory",
                         "64MiB", "--cpu-period", "2000", "--cpu-quota", "1000",
                         "--max-concurrency", "7", "--function-timeout", "2m")
        command = made.pop("call")
        self.assertEqual(made, {"id": "f", "image": "x:v1", "memory": 64 << 20,
                                "cpu_period": 2000, "cpu_quota": 1000, "timeout": 120,
                                "max_concurrency": 7})
        self.assertIn("package.Service/Method", command)
        self.assertEqual(self.json("function", "list"), [made])
        for flags, change in ((["--memory", "1GiB"], {"memory": 1 << 30}),
                              (["--function-timeout=5"], {"timeout": 5}),
                              (["--image-tag", "y"], {"image": "y"}),
                              (["--cpu-quota", "3", "--max-concurrency", "1"],
                               {"cpu_quota": 3, "max_concurrency": 1})):
            made.update(change)
            self.assertEqual(self.json("function", "update", "f", *flags), made)
            self.assertEqual(self.json("function", "get", "f"), made)

    def test_text(self):
        self.tool("function", "create", "hyperfaas-echo", "--id", "b")
        self.tool("function", "create", "hyperfaas-echo", "--id", "a")
        lines = self.assert_done(self.tool("function", "list")).splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["ID", "a", "b"])
        self.assertEqual(len({line.index(word) for line, word in
                              zip(lines, ("IMAGE", "hyper", "hyper"))}), 1)
        shown = self.assert_done(self.tool("function", "get", "a"))
        self.assertRegex(shown, r"(?m)^memory +256MiB$")
        self.assertEqual(self.assert_done(self.tool("function", "update", "a", "--memory",
                                                    "256MiB")), shown)

    def test_delete(self):
        for name in "abc":
            self.tool("function", "create", "x", "--id", name)
        self.assertEqual(self.json("function", "delete", "a"), ["a"])
        done = self.tool("function", "delete", "b", "nothing", "c")
        self.assert_wrong(done, FAILED, "'nothing' is not registered")
        self.assertEqual(self.json("function", "list"), [])

    def test_bad_values(self):
        for flags in (["--memory", "0"], ["--memory", "-1"], ["--memory", "much"],
                      ["--memory", "9EiB"], ["--cpu-quota", "0"], ["--cpu-period", "1.5"],
                      ["--max-concurrency", "-3"], ["--max-concurrency", "3000000000"],
                      ["--function-timeout", "0s"], ["--function-timeout", "1500ms"],
                      ["--function-timeout", "-5"]):
            with self.subTest(flags=flags):
                self.assert_wrong(self.tool("function", "create", "x", *flags), USAGE, flags[0])
                self.assert_wrong(self.tool("function", "update", "x", *flags), USAGE, flags[0])
        for function_id in ("no/slash", "", "a" * 254, "a b"):
            self.assert_wrong(self.tool("function", "create", "x", "--id", function_id), USAGE,
                              "--id")
        self.assert_wrong(self.tool("function", "create"), USAGE, "which image")
        self.assert_wrong(self.tool("function", "create", ""), USAGE, "which image")
        self.assert_wrong(self.tool("function", "create", "x", "--image-tag", "y"), USAGE, "twice")
        self.assert_wrong(self.tool("function", "update", "x", "--image-tag", ""), USAGE, "empty")
        self.assert_wrong(self.tool("function", "update", "x"), USAGE, "nothing to change")
        self.assertEqual(self.json("function", "list"), [])

    def test_what_is_not_there(self):
        self.assert_wrong(self.tool("function", "get", "absent"), FAILED, "'absent'", "list")
        self.assert_wrong(self.tool("function", "update", "absent", "--memory", "1MiB"), FAILED,
                          "'absent'")
        self.assertEqual(self.tool("function", "create", "x", "--id", "one").returncode, DONE)
        self.assert_wrong(self.tool("function", "create", "x", "--id", "one"), FAILED,
                          "function update one")
        done = self.tool("function", "get", "absent", "--json")
        self.assertEqual(json.loads(done.stderr)["code"], "not-found")

    def test_bad_document_hides_no_other(self):
        self.tool("function", "create", "x", "--id", "good")
        folder = self.folder / "store" / "functions"
        (folder / "bad.json").write_text('{"image":{"tag":"x"},"colour":1}')
        done = self.tool("function", "list", "--json")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual([f["id"] for f in json.loads(done.stdout)], ["good"])
        self.assertIn(b"'bad'", done.stderr)
        self.assert_wrong(self.tool("function", "get", "bad"), FAILED, "'bad'", "colour")

    def test_configuration_in_the_environment(self):
        create = ["function", "create", "hyperfaas-hello", "--id"]
        done = run(*create, "a", HYPERFAAS_CONFIG=str(self.config))
        self.assertEqual(done.returncode, DONE)
        self.assertNotIn(b"-c ", done.stderr)
        done = run("-c", self.config, *create, "b", HYPERFAAS_CONFIG="/no/such.ini")
        self.assertEqual(done.returncode, DONE)
        self.assertIn(f"-c '{self.config}'".encode(), done.stderr)
        self.assertEqual([f["id"] for f in self.json("function", "list")], ["a", "b"])

    def test_configuration_check(self):
        good = self.folder / "good.ini"
        good.write_text("[node]\nroles = leaf\n")
        self.assertIn("good", self.assert_done(run("config", "check", good)))
        self.assertEqual(json.loads(self.assert_done(run("config", "check", good, "--json"))),
                         {"ok": True})
        self.assert_done(run("-c", good, "config", "check"))
        self.assert_wrong(run("config", "check", good, "--set", "leaf.proxxy=1"), USAGE, "proxxy")
        good.write_text("[node]\nroles = leaf\nthreads = many\n")
        self.assert_wrong(run("config", "check", good), USAGE, "good.ini:3", "threads", "many")

    def test_store_that_cannot_be_used(self):
        for setting, part in (("store.plugin=nonsense", "found there: "),
                              ("store.path=/proc/nowhere", "/proc/nowhere"),
                              ("store.colour=blue", "colour")):
            self.assert_wrong(self.tool("--set", setting, "function", "list"), FAILED, part)


class Nodes(Assertions, hf.TestCase):
    """With a node that runs."""

    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")

    def tool(self, *words, data=b""):
        return run("--config", self.p.leaf.config, *words, data=data)

    def test_pasted_commands_work(self):
        path = f"{env.program('hyperfaas').parent}:{os.environ['PATH']}"
        for image, answer in (("hyperfaas-hello:latest", b"Hello, World!"), ("echo", b"hello"),
                              ("hyperfaas-grpc-proxy-greeter", b"Hello, World!"),
                              ("hyperfaas-sleep", b"Finished Sleeping")):
            done = self.tool("function", "create", image, "--json")
            command = json.loads(done.stdout)["call"]
            with self.subTest(command=command):
                called = subprocess.run(["sh", "-c", command], capture_output=True, check=False,
                                        env={**os.environ, "PATH": path})
                self.assertEqual((called.returncode, called.stderr), (DONE, b""))
                self.assertIn(answer, called.stdout)

    def test_raw_bytes(self):
        function_id = self.p.create("hyperfaas-echo")
        request = b"\n\x04\x00\xff\r\n"
        self.assertEqual(self.tool("call", function_id, ECHO, data=request).stdout, request)
        file = self.folder / "request"
        file.write_bytes(request)
        done = self.tool("call", function_id, "/" + ECHO, "--file", file, "--json")
        answer = json.loads(self.assert_done(done))
        self.assertEqual([base64.b64decode(m, validate=True) for m in answer["messages"]],
                         [request])
        self.assertEqual((answer["status"], answer["code"], answer["encoding"]),
                         ("OK", 0, "base64"))
        self.assertEqual(self.assert_done(self.tool("call", function_id, ECHO, "--data", "")), "")

    def test_large_message(self):
        function_id = self.p.create("hyperfaas-echo")
        size = 3 << 20
        request = b"\n\x80\x80\xc0\x01" + b"x" * size
        self.assertEqual(self.tool("call", function_id, ECHO, data=request).stdout, request)

    def test_text_form(self):
        function_id = self.p.create("hyperfaas-echo")
        proto = PROTO / "examples" / "echo" / "v1" / "echo.proto"
        words = ["call", function_id, ECHO, "--data", 'data: "a\\"b"']
        self.assertEqual(self.assert_done(self.tool(*words, "--proto", proto)),
                         'data: "a\\"b"\n')
        self.assertEqual(self.assert_done(self.tool(*words, "--proto",
                                                    "examples/echo/v1/echo.proto", "-I", PROTO)),
                         'data: "a\\"b"\n')
        answer = json.loads(self.assert_done(self.tool(*words, "--proto", proto, "--json")))
        self.assertEqual((answer["messages"], answer["encoding"]),
                         (['data: "a\\"b"\n'], "text"))
        done = self.tool("call", function_id, ECHO, "--proto", proto, "--data", "colour: 1")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"colour", done.stderr)
        self.assert_wrong(self.tool("call", function_id, "examples.echo.v1.Echo/Nope", "--proto",
                                    proto, "--data", ""), USAGE, "Nope")

    def test_failed_calls(self):
        function_id = self.p.create("hyperfaas-echo")
        done = self.tool("call", function_id, "x.Y/Nope", "--data", "")
        self.assert_wrong(done, CALL, "UNIMPLEMENTED")
        self.assert_wrong(self.tool("call", "absent", ECHO, "--data", ""), CALL, "NOT_FOUND",
                          "'absent'", "unknown-function")
        done = self.tool("call", "absent", ECHO, "--data", "", "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, CALL)
        self.assertEqual((answer["status"], answer["reason"], answer["messages"]),
                         ("NOT_FOUND", "unknown-function", []))
        self.assertEqual(json.loads(done.stderr)["code"], "not-found")

    def test_nobody_there(self):
        self.assert_wrong(self.tool("call", "f", ECHO, "--data", "", "-a", "127.0.0.1:1"), FAILED,
                          "127.0.0.1:1", "refused")
        self.assert_wrong(self.tool("call", "f", ECHO, "--data", "", "-a", "nonsense"), FAILED,
                          "nonsense")

    def test_timeout(self):
        function_id = self.p.create("hyperfaas-sleep")
        an_hour = b"\x08\x80\x80\xc4\xb7\x88\xcb\x8a\x02"
        done = self.tool("call", function_id, "examples.sleep.v1.Sleep/Sleep", "-t", "200ms",
                         data=an_hour)
        self.assertIn(done.returncode, (FAILED, CALL))
        self.assertIn(b"DEADLINE_EXCEEDED", done.stderr)

    def test_instances(self):
        self.assertEqual(json.loads(self.assert_done(self.tool("instances", "--json"))), [])
        one, other = self.p.create("hyperfaas-echo"), self.p.create("hyperfaas-hello")
        self.tool("call", one, ECHO, "--data", "")
        self.tool("call", other, "examples.hello.v1.Hello/SayHello", "--data", "")
        listed = json.loads(self.assert_done(self.tool("instances", "--json")))
        self.assertEqual({i["function"] for i in listed}, {one, other})
        self.assertEqual({(i["worker"], i["state"]) for i in listed},
                         {(self.p.worker_api, "ready")})
        listed = json.loads(self.assert_done(self.tool("instances", one, "--json")))
        self.assertEqual([i["function"] for i in listed], [one])
        text = self.assert_done(self.tool("instances", one)).splitlines()
        self.assertEqual([line.split()[0] for line in text], ["ID", listed[0]["id"]])

    def test_lost_worker_hides_no_other(self):
        function_id = self.p.create("hyperfaas-echo")
        self.tool("call", function_id, ECHO, "--data", "")
        done = self.tool("instances", "--json", "--set",
                         f"leaf.workers=127.0.0.1:1, {self.p.worker_api}")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual([i["function"] for i in json.loads(done.stdout)], [function_id])
        self.assertIn("127.0.0.1:1", json.loads(done.stderr)["error"])

    def test_control(self):
        self.assertIn("node/show", self.assert_done(self.tool("ctl", "leaf")))
        commands = json.loads(self.assert_done(self.tool("ctl", "worker", "--json")))
        self.assertIn("counters", [command["name"] for command in commands])
        shown = json.loads(self.assert_done(self.tool("ctl", "leaf", "node/show", "--json")))
        self.assertEqual(shown["id"], "standalone")
        socket = self.p.leaf.state / "leaf.ctl"
        self.assertIn("standalone", self.assert_done(run("ctl", socket, "node/show")))
        self.assert_done(self.tool("ctl", "leaf", "log/set", "worker", "debug"))
        self.assertIn("worker debug", self.assert_done(self.tool("ctl", "leaf", "log/show")))
        self.assertIsInstance(json.loads(self.assert_done(
            self.tool("ctl", "leaf", "leaf/workers", "--json"))), str)

    def test_control_of_nobody(self):
        self.assert_wrong(self.tool("ctl", "leef"), FAILED, "leef", "leaf, worker")
        self.assert_wrong(self.tool("ctl", "leaf", "nonsense"), FAILED, "nonsense", "help")
        self.assert_wrong(self.tool("ctl", "leaf", "time/warp"), FAILED, "DURATION")
        self.assert_wrong(self.tool("--set", f"node.state_dir={self.folder}/none", "ctl", "leaf"),
                          FAILED, "no control socket", f"{self.folder}/none")
        self.assert_wrong(run("ctl", "./leaf.ctl"), FAILED, "./leaf.ctl")


if __name__ == "__main__":
    hf.main()
