"""A worker that was killed tells existing leaves, which believe in its instances, that they are gone."""

import hf
from hf import pb


class Killed(hf.TestCase):
    """worker.Worker alone, as an existing leaf uses it."""

    def start_some(self, runtime):
        self.p = self.platform(runtime=runtime, split=True)
        self.p.leaf.log.tolerate("worker lost|instance can't be reached")
        image = self.p.install_sample("hello") if runtime == "process" else "hyperfaas-hello:latest"
        function_id = self.p.create(image)
        return {self.p.worker_client().call(
            "/worker.Worker/Start", pb.worker.StartRequest(function_id=function_id),
            pb.worker.StartResponse).instance_id for _ in range(3)}

    def downs(self, count):
        """The instances that a new listener hears to be down at once."""
        updates = self.p.worker_client().stream(
            "/worker.Worker/Status", pb.worker.StatusRequest(node_id="n"), pb.worker.StatusUpdate)
        told = [next(updates) for _ in range(count)]
        updates.cancel()
        self.assertEqual({update.event for update in told}, {pb.worker.EVENT_DOWN})
        return {update.instance_id for update in told}

    def check(self, runtime):
        started = self.start_some(runtime)
        self.p.worker.kill()
        self.p.worker.restart()
        self.assertEqual(self.downs(3), started)
        self.assertEqual(self.downs(3), started, "each listener is told")
        self.assertTrue(self.p.worker.log.find("instances of before are gone"))

    def test_processes(self):
        self.check("process")

    def test_simulated(self):
        self.check("fake")


if __name__ == "__main__":
    hf.main()
