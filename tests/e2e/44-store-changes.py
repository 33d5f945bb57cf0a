"""The file store: changes that are hard to see, documents nobody can read, and whose store it is."""

import json
import os
import subprocess
import time

import grpc
import hf
from hf import env

HELLO = "/examples.hello.v1.Hello/SayHello"


class Changes(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake", options={"store": {"look_every": "200ms"}})
        self.store = self.folder / "store" / "functions"
        hf.eventually(lambda: self.p.leaf.log.find("functions are known"), "the folder was read")

    def code(self, function_id):
        with hf.Client(self.p.proxy, function_id) as client:
            try:
                client.call(HELLO)
                return grpc.StatusCode.OK
            except grpc.RpcError as error:
                return error.code()

    def puts(self):
        return self.p.leaf.counter("catalog_puts")

    @staticmethod
    def write(path, image, age=0):
        path.write_text(json.dumps({"image": {"tag": image}}))
        os.utime(path, (time.time() - age, time.time() - age))

    def test_put_back_from_a_backup(self):
        backup = self.folder / "backup"
        self.write(self.store / "f.json", "hyperfaas-echo")
        hf.eventually(lambda: self.puts() >= 1, "the first version is known")
        self.assertEqual(self.code("f"), grpc.StatusCode.UNIMPLEMENTED)
        self.write(backup, "hyperfaas-hello", age=3600)
        backup.rename(self.store / "f.json")
        hf.eventually(lambda: self.code("f") == grpc.StatusCode.OK, "the older one is in force")

    def test_a_link_that_leads_elsewhere(self):
        for name, image, age in (("..1", "hyperfaas-echo", 0), ("..2", "hyperfaas-hello", 3600)):
            (self.store / name).mkdir()
            self.write(self.store / name / "f.json", image, age)
        data = self.store / "..data"
        data.symlink_to("..1")
        (self.store / "f.json").symlink_to("..data/f.json")
        hf.eventually(lambda: self.code("f") == grpc.StatusCode.UNIMPLEMENTED, "it is known")
        (self.store / "..next").symlink_to("..2")
        (self.store / "..next").rename(data)
        hf.eventually(lambda: self.code("f") == grpc.StatusCode.OK, "the swap is seen")
        self.write(self.store / "..1" / "f.json", "hyperfaas-echo")
        (self.store / "..1" / "f.json").replace(self.store / "..2" / "f.json")
        hf.eventually(lambda: self.code("f") == grpc.StatusCode.UNIMPLEMENTED,
                      "so is what changes behind it")

    def test_many_that_cannot_be_read(self):
        """They cost a few lines in the log, and a function of which there is no other is none."""
        self.p.leaf.log.announce("cannot read a document")
        for i in range(500):
            (self.store / f"bad{i}.json").write_text('{"image":{"tag":"a","tag":"b"}}')
        hf.eventually(lambda: self.p.leaf.counter("catalog_bad_documents") == 500, "all were met")
        lines = self.p.leaf.log.all("cannot read a document")
        self.assertLess(len(lines), 100)
        self.assertEqual(self.code("bad7"), grpc.StatusCode.NOT_FOUND)
        with hf.Client(self.p.proxy, "bad8") as client, self.assertRaises(grpc.RpcError) as failed:
            client.call(HELLO)
        self.assertIn("there twice", failed.exception.details())


class Tool(hf.TestCase):
    def run_tool(self, config, *words):
        return subprocess.run([env.program("hyperfaas"), "-c", config, *words], check=False,
                              capture_output=True, text=True, timeout=30)

    def test_what_no_node_would_read_is_not_stored(self):
        p = self.platform(runtime="fake")
        done = p.tool.run("function", "create", "x" * 5000, "--id", "f", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("field image.tag: has more than 4096 bytes", done.stderr)
        self.assertEqual(p.tool.json("function", "list"), [])

    def test_an_update_writes_what_others_need(self):
        p = self.platform(runtime="fake")
        document = self.folder / "store" / "functions" / "f.json"
        document.write_text('{"image":{"tag":"hyperfaas-hello"}}')
        p.tool.run("function", "update", "f", "--max-concurrency", "7")
        self.assertEqual(json.loads(document.read_text()), {
            "image": {"tag": "hyperfaas-hello"}, "config": {"cpu": {}, "maxConcurrency": 7}})

    def test_store_and_logs_move_with_the_state(self):
        state = self.folder / "moved"
        config = self.folder / "moved.ini"
        config.write_text(f"[node]\nroles = leaf\nstate_dir = {state}\n"
                          f"plugin_path = {env.BUILD / 'plugins'}\n[leaf]\n")
        done = self.run_tool(config, "function", "create", "hyperfaas-hello", "--id", "f")
        self.assertEqual((done.returncode, done.stdout), (0, "f\n"), done.stderr)
        self.assertTrue((state / "store" / "functions" / "f.json").is_file())
        self.assertEqual((state / "store" / "functions" / "f.json").stat().st_mode & 0o007, 0)

    def test_a_load_balancer_has_no_functions(self):
        config = self.folder / "lb.ini"
        text = (f"[node]\nroles = lb\nstate_dir = {self.folder}/lb.state\n"
                f"plugin_path = {env.BUILD / 'plugins'}\n[lb]\nchildren = 127.0.0.1:1/127.0.0.1:2\n")
        config.write_text(text)
        for words in (["list"], ["get", "f"], ["create", "x"], ["delete", "f"]):
            done = self.run_tool(config, "function", *words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("lb.ini is a load balancer's and has no [store]", done.stderr)
            self.assertIn("--config", done.stderr)
        config.write_text(f"{text}[store]\npath = {self.folder}/store\n")
        self.assertEqual(self.run_tool(config, "function", "list", "--json").stdout, "[]\n")


if __name__ == "__main__":
    hf.main()
