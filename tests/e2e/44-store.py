"""The file store: documents written by anybody are seen at once, bad ones do no harm."""

import json

import grpc
import hf


class Documents(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.store = self.folder / "store" / "functions"
        # A file that is being written when the folder is read for the first time is a bad one.
        hf.eventually(lambda: self.p.leaf.log.find("functions are known"), "the folder was read")

    def document(self, function_id):
        return self.store / f"{function_id}.json"

    def works(self, function_id, path="/examples.hello.v1.Hello/SayHello"):
        with hf.Client(self.p.proxy, function_id) as client:
            try:
                client.call(path)
                return True
            except grpc.RpcError:
                return False

    def test_canonical_form(self):
        self.p.create("hyperfaas-hello:latest", function_id="f", memory="256MiB", cpu_quota=50000,
                      cpu_period=100000, function_timeout="45s", max_concurrency=500)
        self.assertEqual(json.loads(self.document("f").read_text()), {
            "image": {"tag": "hyperfaas-hello:latest"},
            "config": {"memory": "268435456", "cpu": {"period": "100000", "quota": "50000"},
                       "timeout": 45, "maxConcurrency": 500}})

    def test_written_by_an_editor(self):
        self.document("mine").write_text(
            '{ "image" : {"tag": "hyperfaas-hello"},\n'
            '  "config": {"memory": 268435456, "max_concurrency": "7"} }\n')
        hf.eventually(lambda: self.works("mine"), "the new function answers")
        self.document("mine").unlink()
        hf.eventually(lambda: not self.works("mine"), "the removed function is unknown")

    def test_replaced_by_rename(self):
        new = self.folder / "new.json"
        new.write_text('{"image": {"tag": "hyperfaas-hello:latest"}}')
        new.rename(self.document("moved"))
        hf.eventually(lambda: self.works("moved"), "the function answers")

    def test_bad_document_is_reported_and_skipped(self):
        for name, text in (("syntax", "{ no json"), ("empty", ""), ("list", "[]"),
                           ("type", '{"image": {"tag": 5}}'), ("no-image", "{}"),
                           ("range", '{"image":{"tag":"x"},"config":{"memory":"-1"}}')):
            with self.subTest(name=name):
                self.p.leaf.log.announce(name)
                self.document(name).write_text(text)
                hf.eventually(lambda n=name: self.p.leaf.log.find(f"level=warning.*{n}"),
                              "the bad document is reported")
        self.p.create("hyperfaas-hello:latest", function_id="good")
        self.assertTrue(self.works("good"))

    def test_last_good_version_stays(self):
        self.p.create("hyperfaas-hello:latest", function_id="f")
        self.assertTrue(self.works("f"))
        self.p.leaf.log.announce("function=f")
        self.document("f").write_text('{"image": ')
        hf.eventually(lambda: self.p.leaf.log.find("level=warning.*function=f"), "it is reported")
        self.assertTrue(self.works("f"))
        done = self.p.tool.run("function", "update", "f", "--max-concurrency", "3", check=False)
        self.assertNotEqual(done.returncode, 0, "an update would hide what is broken")
        self.document("f").write_text('{"image": {"tag": "hyperfaas-echo:latest"}}')
        hf.eventually(lambda: self.works("f", "/examples.echo.v1.Echo/Echo"), "it is repaired")

    def test_foreign_files_are_no_functions(self):
        for name in (".f.json.swp", "f.json~", "notes.txt", ".hidden.json"):
            (self.store / name).write_text("editors leave such things")
        self.p.create("hyperfaas-hello:latest", function_id="only")
        self.assertEqual([f["id"] for f in self.p.tool.json("function", "list")], ["only"])

    def test_id_that_a_file_name_cannot_hold(self):
        self.p.create("hyperfaas-hello:latest", function_id="UPPER.lower_9-x")
        self.assertTrue(self.works("UPPER.lower_9-x"))


class Tool(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")

    def test_life_of_a_function(self):
        tool = self.p.tool
        function_id = tool.create("hyperfaas-hello")
        self.assertRegex(function_id, r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-")
        self.assertEqual([f["id"] for f in tool.json("function", "list")], [function_id])
        tool.update(function_id, function_timeout="2m", memory="1GiB")
        got = tool.json("function", "get", function_id)
        self.assertEqual(got["id"], function_id)
        tool.delete(function_id)
        self.assertEqual(tool.json("function", "list"), [])

    def test_create_prints_a_command_that_calls_it(self):
        done = self.p.tool.run("function", "create", "--image-tag", "hyperfaas-hello",
                               "--id", "shown")
        self.assertEqual(done.stdout, b"shown\n")
        self.assertIn("call shown", done.stderr)
        self.assertIn(self.p.proxy, done.stderr)

    def test_bad_values(self):
        for flags in (["--memory", "0"], ["--memory", "-1"], ["--memory", "much"],
                      ["--cpu-quota", "0"], ["--max-concurrency", "-3"], ["--function-timeout", "0s"],
                      ["--id", "no/slash"], ["--id", ""], ["--nonsense", "1"]):
            with self.subTest(flags=flags):
                done = self.p.tool.run("function", "create", "--image-tag", "hyperfaas-hello",
                                       *flags, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertTrue(done.stderr)
        self.assertEqual(self.p.tool.json("function", "list"), [])

    def test_unknown_function(self):
        for words in (["get", "absent"], ["delete", "absent"],
                      ["update", "absent", "--function-timeout", "5s"]):
            done = self.p.tool.run("function", *words, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("absent", done.stderr)

    def test_no_id_twice(self):
        self.p.create("hyperfaas-hello", function_id="one")
        done = self.p.tool.run("function", "create", "--image-tag", "hyperfaas-echo", "--id", "one",
                               check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_call_with_raw_bytes(self):
        function_id = self.p.create("hyperfaas-echo")
        done = self.p.tool.run("call", function_id, "/examples.echo.v1.Echo/Echo",
                               data=b"\n\3abc")
        self.assertEqual(done.stdout, b"\n\3abc")

    def test_call_tells_the_status(self):
        function_id = self.p.create("hyperfaas-echo")
        done = self.p.tool.run("call", function_id, "/x.Y/Nope", data=b"", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("UNIMPLEMENTED", done.stderr)


if __name__ == "__main__":
    hf.main()
