"""`hyperfaas function` against a real etcd, where the flags say it is."""

import base64
import json
import subprocess

import hf
from hf import env, net
from hf.engines import Etcd

DONE, FAILED = range(2)  # exit codes


class InEtcd(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.etcd = Etcd(self.folder).start()
        self.addCleanup(self.etcd.discard)

    def command(self, *words, endpoint=None):
        return [env.program("hyperfaas"), "--etcd-endpoint", endpoint or self.etcd.client,
                *map(str, words)]

    def tool(self, *words, **more):
        return subprocess.run(self.command(*words, **more), capture_output=True, check=False,
                              text=True, timeout=env.seconds(30))

    def json(self, *words):
        done = self.tool(*words, "--json")
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        return json.loads(done.stdout)

    def stored(self, prefix="hyperfaas/functions"):
        """What is in etcd below the prefix, by id."""
        start = prefix.encode() + b"/"
        answer = self.etcd.ask("kv/range", key=base64.b64encode(start).decode(),
                               range_end=base64.b64encode(start[:-1] + b"0").decode())
        return {base64.b64decode(kv["key"])[len(start):].decode():
                json.loads(base64.b64decode(kv["value"])) for kv in answer.get("kvs", [])}

    def test_documents(self):
        """The existing tool's defaults, in the form that it reads."""
        function_id = self.json("function", "create", "hyperfaas-hello:latest")["id"]
        document = {"image": {"tag": "hyperfaas-hello:latest"},
                    "config": {"memory": "268435456", "cpu": {"period": "100000",
                                                              "quota": "50000"},
                               "timeout": 30, "maxConcurrency": 500}}
        self.assertEqual(self.stored(), {function_id: document})
        self.json("function", "update", function_id, "--function-timeout", "45s")
        document["config"]["timeout"] = 45
        self.assertEqual(self.stored(), {function_id: document})
        self.assertEqual([f["id"] for f in self.json("function", "list")], [function_id])
        self.assertEqual(self.json("function", "get", function_id)["timeout"], 45)
        done = self.tool("function", "create", "x", "--id", function_id)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("is there already", done.stderr)
        self.assertEqual(self.stored(), {function_id: document})
        self.assertEqual(self.json("function", "delete", function_id), [function_id])
        self.assertEqual(self.stored(), {})

    def test_prefix(self):
        self.json("function", "create", "x", "--id", "a", "--metadata-prefix", "other/place/")
        self.assertEqual(list(self.stored("other/place")), ["a"])
        self.assertEqual(self.json("function", "list"), [])
        self.assertEqual([f["id"] for f in self.json("function", "list", "--metadata-prefix",
                                                     "other/place")], ["a"])

    def test_flags_come_before_the_configuration(self):
        """A configuration with another store, as a node has it."""
        config = self.folder / "node.ini"
        config.write_text(f"[node]\nroles = leaf\nstate_dir = {self.folder}/state\n"
                          f"[store]\nplugin = file\npath = {self.folder}/store\n")
        self.json("--config", config, "function", "create", "x", "--id", "a")
        self.assertEqual(list(self.stored()), ["a"])
        config.write_text(f"[store]\nplugin = etcd\nendpoints = {self.etcd.client}\n"
                          "prefix = other\n")
        done = subprocess.run([env.program("hyperfaas"), "-c", config, "function", "create", "y",
                               "--id", "b", "--metadata-dial-timeout", "1s"], check=False,
                              capture_output=True, timeout=env.seconds(30))
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(list(self.stored("other")), ["b"])

    def test_nobody_there(self):
        nowhere = net.free_address(net.own_host())
        for words in (["function", "list"], ["function", "create", "x"],
                      ["function", "get", "x"], ["function", "watch"]):
            with self.subTest(words=words):
                done = self.tool(*words, "--metadata-dial-timeout", "200ms", "-t", "1s",
                                 endpoint=nowhere)
                self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
                self.assertIn(nowhere, done.stderr)

    def test_watch(self):
        """What others write is told, and what changed while etcd was away."""
        with subprocess.Popen(self.command("function", "watch", "--json"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
            self.addCleanup(watcher.kill)

            def change():
                return json.loads(watcher.stdout.readline())

            self.assertEqual(change(), {"change": "synced"})
            self.json("function", "create", "x", "--id", "a")
            self.assertEqual(change()["change"], "created")
            self.etcd.kill()
            self.assertIn("the store is away", json.loads(watcher.stderr.readline())["error"])
            self.etcd.start()
            self.assertEqual(change(), {"change": "synced"})
            self.json("function", "update", "a", "--max-concurrency", "1")
            self.assertEqual(change()["change"], "changed")
            watcher.terminate()
            self.assertEqual(watcher.wait(env.seconds(10)), DONE)


if __name__ == "__main__":
    hf.main()
