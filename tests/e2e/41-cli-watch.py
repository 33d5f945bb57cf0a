"""`hyperfaas function watch`, and updates by several people at once."""

import json
import signal
import subprocess
from concurrent import futures

import hf
from hf import env
from hf.cli import Tool


class Watch(hf.TestCase):
    def setUp(self):
        super().setUp()
        config = self.folder / "tool.ini"
        config.write_text(f"[node]\nroles = leaf\nstate_dir = {self.folder}/state\n"
                          f"[store]\npath = {self.folder}/store\n")
        self.tool = Tool(config)

    def watch(self, *words):
        process = subprocess.Popen([env.program("hyperfaas"), "-c", self.tool.config, "function",
                                    "watch", *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def end(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.wait(env.seconds(10)), process.stdout.read()), (0, ""))
        return process.stderr.read()

    def test_json(self):
        self.tool.create("x", "a")
        watcher = self.watch("--json")

        def changes(count):
            return [json.loads(watcher.stdout.readline()) for _ in range(count)]

        existing, synced = changes(2)
        self.assertEqual(existing, {"change": "existing", **self.tool.json("function", "get", "a")})
        self.assertEqual(synced, {"change": "synced"})
        self.tool.create("y", "b")
        self.assertEqual(changes(1), [{"change": "created",
                                       **self.tool.json("function", "get", "b")}])
        self.tool.update("b", max_concurrency=3)
        self.assertEqual(changes(1)[0]["max_concurrency"], 3)
        self.tool.delete("a")
        self.assertEqual(changes(1), [{"change": "deleted", "id": "a"}])
        self.tool.create("x", "a")
        self.assertEqual([(c["change"], c["id"]) for c in changes(1)], [("created", "a")])
        self.assertEqual(self.end(watcher), "")

    def test_text(self):
        self.tool.create("x", "a")
        watcher = self.watch()
        self.assertEqual(watcher.stdout.readline(),
                         "existing  a  x  256MiB  50000/100000  500  30s\n")
        (self.folder / "store" / "functions" / "bad.json").write_text("{")
        self.assertIn("'bad' can't be read", watcher.stderr.readline())
        self.tool.delete("a")
        self.assertEqual(watcher.stdout.readline(), "deleted   a\n")
        self.end(watcher)

    def test_duration(self):
        self.tool.create("x", "a")
        self.assertIn("existing", self.tool.text("function", "watch", "--duration", "1ms"))
        done = self.tool.run("function", "watch", "--duration", "soon", check=False)
        self.assertEqual(done.returncode, 2)

    def test_updates_at_once(self):
        """Each changes what it was told, and nothing that another one has written."""
        self.tool.create("x", "a")
        flags = [("max_concurrency", 7), ("cpu_quota", 8), ("cpu_period", 9), ("memory", "1KiB"),
                 ("function_timeout", 11)]
        with futures.ThreadPoolExecutor(len(flags)) as pool:
            done = [pool.submit(self.tool.run, "function", "update", "a",
                                "--" + name.replace("_", "-"), value, check=False)
                    for name, value in flags]
        results = [one.result() for one in done]
        found = self.tool.json("function", "get", "a")
        expected = {"max_concurrency": 7, "cpu_quota": 8, "cpu_period": 9, "memory": 1024,
                    "timeout": 11}
        for (name, _), result in zip(flags, results):
            key = "timeout" if name == "function_timeout" else name
            if result.returncode == 0:
                self.assertEqual(found[key], expected[key])
            else:
                self.assertIn("Nothing was overwritten; try again", result.stderr)
                self.assertNotEqual(found[key], expected[key])
        self.assertIn(0, [result.returncode for result in results])


if __name__ == "__main__":
    hf.main()
