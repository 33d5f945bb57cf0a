"""etcd stops, dies, freezes, forgets and is wiped: what is known serves, and nodes catch up."""

import hf
from hf.engines import Etcd
from hf.etcd import ECHO, PREFIX, VALUE, EtcdCase

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Away(EtcdCase):
    def setUp(self):
        super().setUp()
        self.p.leaf.sections["store"]["dial_timeout"] = "500ms"
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.assertTrue(self.works("f"))

    def health(self):
        """What the leaf's health service says of the store."""
        return self.p.leaf_client().call("/grpc.health.v1.Health/Check", b"\n\x05store")

    def wait_lost(self):
        self.p.leaf.log.announce("the store cannot be reached; what is known stays in force")
        hf.eventually(lambda: "state=lost" in self.p.leaf.ctl("catalog/show"), "it is told as lost",
                      limit=20)

    def check_away(self):
        """What is known serves, writes fail clearly, and everybody is told."""
        self.wait_lost()
        self.assertTrue(self.works("f"))
        failed = self.p.tool.run("function", "create", "hyperfaas-hello", "--id", "g", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn(self.etcd.client, failed.stderr)
        self.assertEqual(self.health(), NOT_SERVING)
        self.assertRegex(self.p.leaf.ctl("store/show"), "watch hyperfaas/functions/ lost")

    def check_back(self, functions=2):
        self.etcd.put(f"{PREFIX}/after", VALUE)
        self.wait_synced()
        self.wait_functions(functions)
        self.assertTrue(self.works("f") and self.works("after"))
        self.assertEqual(self.health(), SERVING)

    def test_stopped_and_started(self):
        self.assertEqual(self.health(), SERVING)
        self.etcd.stop()
        self.check_away()
        self.etcd.start()
        self.check_back()
        self.assertEqual(len(self.p.leaf.log.all("the store cannot be reached")), 1)

    def test_killed(self):
        for _ in range(3):
            self.p.leaf.log.tolerate("the store cannot be reached")
            self.etcd.kill()
            self.assertTrue(self.works("f"))
            self.etcd.start()
            self.check_back()
            self.etcd.remove(f"{PREFIX}/after")
            self.wait_functions(1)

    def test_frozen(self):
        self.etcd.freeze()
        failed = self.p.tool.run("--timeout", "1s", "function", "update", "f", "--max-concurrency",
                                 "3", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("in time", failed.stderr)
        self.wait_lost()  # it is asked every few seconds
        self.assertTrue(self.works("f"))
        self.etcd.thaw()
        self.check_back()

    def test_changed_while_the_node_was_away(self):
        """From its last revision the node could not go on: that is compacted."""
        self.p.create("hyperfaas-hello", function_id="removed")
        self.wait_functions(2)
        self.etcd.stop()
        self.wait_lost()
        self.etcd.start()  # the node will be back in a moment, so hurry; either way is right
        self.etcd.remove(f"{PREFIX}/removed")
        self.etcd.put(f"{PREFIX}/f", '{"image":{"tag":"hyperfaas-echo"}}')
        self.etcd.put(f"{PREFIX}/new", VALUE)
        self.etcd.compact()
        hf.eventually(lambda: self.works("f", ECHO), "the update is seen")
        self.wait_functions(2)
        self.assertTrue(self.works("new"))

    def test_compacted_under_a_watch(self):
        for i in range(20):
            self.etcd.put(f"{PREFIX}/f{i}", VALUE)
            self.etcd.compact()
        self.wait_functions(21)

    def test_wiped(self):
        for i in range(20):
            self.etcd.put(f"{PREFIX}/f{i}", VALUE)
        self.wait_functions(21)
        self.p.leaf.log.announce("etcd went back from revision")
        self.p.leaf.log.tolerate("the store cannot be reached")
        self.etcd.stop()
        self.etcd.wipe()
        self.etcd.start()
        self.etcd.put(f"{PREFIX}/f", VALUE)
        self.wait_functions(1, limit=20)
        self.check_back()

    def test_not_there_at_the_start(self):
        self.p.stop()
        self.etcd.stop()
        self.p.leaf.restart()
        self.wait_lost()
        error = hf.failure(self.p.client("f").call, "/examples.hello.v1.Hello/SayHello")
        self.assertEqual(error.code().name, "UNAVAILABLE")
        self.assertIn(self.etcd.client, error.details())
        self.etcd.start()
        self.check_back()


class Members(EtcdCase):
    def test_failover_between_endpoints(self):
        """Three addresses: nobody listens at the first, the second is killed and comes back."""
        gateway = self.engine(Etcd(self.folder, "elsewhere"))
        gateway.stop()
        self.p.leaf.sections["store"]["endpoints"] = f"{gateway.client},{self.etcd.url}/"
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.assertTrue(self.works("f"))
        self.p.leaf.log.tolerate("the store cannot be reached")
        self.etcd.kill()
        self.etcd.start()
        self.p.create("hyperfaas-hello", function_id="g")
        self.wait_functions(2)
        self.assertTrue(self.works("g"))


if __name__ == "__main__":
    hf.main()
