"""Functions in etcd: shared by all nodes at once, written by anybody, and never lost or invented."""

import json
import threading
import time
import urllib.error

import hf
from hf.etcd import ECHO, PREFIX, VALUE, EtcdCase

class Functions(EtcdCase):
    def test_create_and_call_at_once(self):
        self.p.start()
        for i in range(10):
            self.assertTrue(self.works(self.p.create("hyperfaas-hello:latest", f"f{i}")))
        self.assertEqual(len(self.p.tool.json("function", "list")), 10)
        self.p.tool.delete("f0")
        self.wait_functions(9)
        hf.eventually(lambda: not self.works("f0"), "the deleted function is unknown")

    def test_values_are_those_of_the_wire_contract(self):
        self.p.start()
        self.p.create("hyperfaas-hello:latest", function_id="f", memory="256MiB", cpu_quota=50000,
                      cpu_period=100000, function_timeout="45s", max_concurrency=500)
        self.assertEqual(json.loads(self.etcd.get(f"{PREFIX}/f")), {
            "image": {"tag": "hyperfaas-hello:latest"},
            "config": {"memory": "268435456", "cpu": {"period": "100000", "quota": "50000"},
                       "timeout": 45, "maxConcurrency": 500}})

    def test_all_nodes_see_changes_within_a_second(self):
        second, proxy = self.second_leaf()
        self.p.start()
        self.wait_synced(second)
        self.p.create("hyperfaas-hello:latest", function_id="f")
        self.wait_functions(1, second, limit=3)
        self.assertTrue(self.works("f", proxy=proxy))
        hf.Tool(second.config).update("f", image_tag="hyperfaas-echo:latest")
        seen = f"revision={self.etcd.revision()} "
        for node in (self.p.leaf, second):
            hf.eventually(lambda n=node: seen in n.ctl("catalog/show"), "the update is seen", limit=3)
        for address in (self.p.proxy, proxy):
            hf.eventually(lambda a=address: self.works("f", ECHO, a), "the new version runs")
        hf.Tool(second.config).delete("f")
        self.wait_functions(0, limit=3)
        self.wait_functions(0, second, limit=3)

    def test_two_administrators(self):
        """Neither writes unseen over what the other has written."""
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        again = self.p.tool.run("function", "create", "hyperfaas-echo", "--id", "f", check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("there already", again.stderr)
        threads = [threading.Thread(target=self.p.tool.update, args=("f",), kwargs=change)
                   for change in ({"max_concurrency": 7}, {"memory": "64MiB"},
                                  {"function_timeout": "9s"})]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        got = self.p.tool.json("function", "get", "f")
        self.assertEqual((got["image"], got["max_concurrency"], got["memory"], got["timeout"]),
                         ("hyperfaas-hello", 7, 64 << 20, 9))

    def test_a_custom_prefix(self):
        self.p.leaf.sections["store"]["prefix"] = "lab/functions/"
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.assertTrue(self.works("f"))
        self.assertIsNotNone(self.etcd.get("lab/functions/f"))
        self.assertIsNone(self.etcd.get(f"{PREFIX}/f"))

    def test_shows_the_store(self):
        self.p.start()
        self.wait_synced()
        shown = self.p.leaf.ctl("store/show")
        self.assertIn("plugin etcd", shown)
        self.assertIn(f"endpoint {self.etcd.url} (in use)", shown)
        self.assertRegex(shown, r"watch hyperfaas/functions/ synced .*state=watching documents=0")


class ForeignWriters(EtcdCase):
    def test_every_form_of_proto3_json(self):
        self.p.start()
        for i, text in enumerate((
                '{"image":{"tag":"hyperfaas-hello:latest"}}',
                '{ "image" :\n\t{ "tag":"hyperfaas-hello" } ,\n "config":{"memory": 268435456,'
                ' "maxConcurrency":500}}\n',
                '{"config":{"cpu":{"period":"100000","quota":50000},"max_concurrency":"7",'
                '"timeout":45},"image":{"tag":"hyperfaas-hello"}}')):
            with self.subTest(text=text):
                self.etcd.put(f"{PREFIX}/f{i}", text)
                self.wait_functions(i + 1)
                self.assertTrue(self.works(f"f{i}"))

    def test_bad_values_are_reported_and_skipped(self):
        self.etcd.put(f"{PREFIX}/before", VALUE)
        self.etcd.put(f"{PREFIX}/syntax", "{ no json")
        self.etcd.put(f"{PREFIX}/", "{}")
        self.p.start()
        for name, value in (("empty", ""), ("bytes", b"\xff\xfe\0"), ("list", "[]"),
                            ("type", '{"image":{"tag":5}}'), ("large", " " * (1 << 20) + "1")):
            self.etcd.put(f"{PREFIX}/{name}", value)
        for name in ("syntax", "empty", "bytes", "list", "type", "large", "key holds no id"):
            self.p.leaf.log.announce(name)
            hf.eventually(lambda n=name: self.p.leaf.log.find(f"level=warning.*{n}"),
                          f"the bad document '{name}' is reported")
        self.etcd.put(f"{PREFIX}/after", VALUE)
        self.wait_functions(2)
        self.assertTrue(self.works("before") and self.works("after"))

    def test_the_last_good_version_stays(self):
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.p.leaf.log.announce("function=f")
        self.etcd.put(f"{PREFIX}/f", "{")
        hf.eventually(lambda: self.p.leaf.log.find("level=warning.*function=f"), "it is reported")
        self.assertTrue(self.works("f"))
        self.etcd.put(f"{PREFIX}/f", '{"image":{"tag":"hyperfaas-echo"}}')
        hf.eventually(lambda: self.works("f", ECHO), "it is repaired")

    def test_keys_beside_the_prefix_are_no_functions(self):
        for key in ("hyperfaas/functions", "hyperfaas/functions0", "hyperfaas/functionsX/f",
                    "hyperfaas-settings/hyperfaas/functions/f", "a", "z"):
            self.etcd.put(key, "not ours")
        self.p.start()
        self.wait_synced()
        self.wait_functions(0)

    def test_odd_ids(self):
        self.p.start()
        for i, name in enumerate(("127.0.0.1", "a/b", "UPPER_case-1", "\u00fc")):
            self.etcd.put(f"{PREFIX}/{name}", VALUE)
            self.wait_functions(i + 1)
        self.assertTrue(self.works("127.0.0.1"))


class Full(EtcdCase):
    def test_a_full_database(self):
        """Nothing is tried again in vain; what to do is said; reading goes on."""
        self.etcd.stop()
        self.etcd.arguments = ["--quota-backend-bytes", 4 << 20]
        self.etcd.start()
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        with self.assertRaises(urllib.error.HTTPError):
            for i in range(20):
                self.etcd.put(f"ballast/{i}", "x" * (1 << 20))
        failed = self.p.tool.run("function", "create", "hyperfaas-hello", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("database space exceeded", failed.stderr)
        self.assertIn("defragmented", failed.stderr)
        self.assertTrue(self.works("f"))
        self.assertEqual(len(self.p.tool.json("function", "list")), 1)


class Many(EtcdCase):
    N = 10000

    def fill(self):
        """Writes N functions, 100 in a transaction."""
        value = ('{"image":{"tag":"hyperfaas-hello:latest"},"config":{"memory":"268435456",'
                 '"cpu":{"period":"100000","quota":"50000"},"timeout":45,"maxConcurrency":500}}')
        for first in range(0, self.N, 100):
            self.etcd.put_many((f"{PREFIX}/f{i}", value) for i in range(first, first + 100))

    def test_ten_thousand_functions(self):
        self.fill()
        begin = time.monotonic()
        self.p.start()
        self.wait_functions(self.N)
        print(f"{self.N} functions known {time.monotonic() - begin:.3f} s after the start")
        self.assertTrue(self.works("f9999"))
        begin = time.monotonic()
        self.etcd.put(f"{PREFIX}/one-more", VALUE)
        self.wait_functions(self.N + 1)
        print(f"a put is known after {(time.monotonic() - begin) * 1e3:.1f} ms")
        self.assertEqual(len(self.p.tool.json("function", "list")), self.N + 1)


if __name__ == "__main__":
    hf.main()
