"""Nodes that vanish: what they ran goes with them or is found again, and calls recover."""

import grpc
import hf
from hf.rpc import instructions, outcome


class LostNodes(hf.TestCase):
    def start(self, **options):
        self.p = self.platform(split=True, **options)
        self.client = self.p.client(self.p.probe())
        self.client.call("/hf.Probe/Unary")

    def works(self):
        try:
            return self.client.call("/hf.Probe/Unary", b"z", timeout=5) == b"z"
        except grpc.RpcError:
            return False


class Worker(LostNodes):
    def lose_worker(self):
        """kill -9, after saying that the leaf may complain of it."""
        self.p.leaf.log.announce("worker lost")
        self.p.leaf.log.tolerate("instance can't be reached|start failed|calls refused")
        self.p.worker.kill()

    def test_killed_worker_takes_its_instances_along(self):
        self.start()
        pid = self.p.notes("start")[0]["pid"]
        call = self.client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="never"))
        self.p.wait_note("call", id="it")
        self.lose_worker()
        hf.eventually(lambda: not hf.processes.is_alive(pid), "the instance has died too")
        self.assertEqual(outcome(call), grpc.StatusCode.UNAVAILABLE)

    def test_killed_worker_comes_back(self):
        self.start()
        self.lose_worker()
        error = hf.failure(self.client.call, "/hf.Probe/Unary", timeout=10)
        self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE,
                                     grpc.StatusCode.DEADLINE_EXCEEDED))
        self.p.worker.restart()
        hf.eventually(self.works, "calls work again", limit=20)
        self.assertEqual(len(self.p.notes("start")), 2)

    def test_worker_that_comes_later(self):
        """A leaf starts without its worker and uses it as soon as it is there."""
        p = self.platform(split=True, start=False)
        self.p = p
        p.leaf.start()
        self.client = p.client(p.probe())
        p.worker.start()
        hf.eventually(self.works, "calls work", limit=20)


class Leaf(LostNodes):
    def test_restarted_leaf_finds_its_instances(self):
        self.start()
        self.p.leaf.kill()
        self.p.leaf.restart()
        hf.eventually(self.works, "calls work again")
        self.assertEqual(len(self.p.notes("start")), 1, "the instance was adopted")

    def test_adopted_instances_go_to_zero_too(self):
        self.start()
        self.p.leaf.kill()
        self.p.leaf.restart()
        hf.eventually(self.works, "calls work again")
        self.p.leaf.stop_time()
        self.p.leaf.idle("1h")
        self.p.wait_note("stop")

    def test_function_deleted_while_the_leaf_was_away(self):
        self.start()
        function_id = self.p.notes("start")[0]["environment"]["FUNCTION_ID"]
        self.p.leaf.kill()
        self.p.tool.delete(function_id)
        self.p.leaf.restart()
        self.p.wait_note("stop")


if __name__ == "__main__":
    hf.main()
