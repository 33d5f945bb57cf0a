"""Many cold starts in containers: none fails, none hangs."""

import time
from concurrent.futures import ThreadPoolExecutor

import hf
from hf.containers import ContainerCase

AT_ONCE = 50
IN_A_ROW = 40


class Starts(ContainerCase):
    def test_at_once(self):
        """Fifty functions are called in the same moment."""
        p = self.start_platform(worker={"ready_timeout": "60s"},
                                leaf={"start_timeout": "90s", "start_attempts": 1})
        clients = [self.function("echo", f"f-{i}") for i in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda c: self.echo(c, b"cold", timeout=90), clients))
        self.assertEqual(answers, [b"cold"] * AT_ONCE)
        self.assertEqual(len(self.containers()), AT_ONCE)
        self.assertEqual(p.worker.counter("worker_starts_failed"), 0)
        p.stop()
        self.assertEqual(self.containers(), [], "an orderly end leaves none")

    def test_one_after_the_other(self):
        """Each function goes to zero while the next one is called."""
        p = self.start_platform(leaf={"start_attempts": 1})
        longest = 0
        for i in range(IN_A_ROW):
            client = self.function("echo", f"f-{i}", timeout=1)
            began = time.monotonic()
            self.assertEqual(self.echo(client, b"cold", timeout=20), b"cold")
            longest = max(longest, time.monotonic() - began)
            client.close()
        print(f"the slowest of {IN_A_ROW} cold starts took {1000 * longest:.0f} ms")
        self.assertEqual(p.worker.counter("worker_starts"), IN_A_ROW)
        self.assertEqual(p.worker.counter("worker_starts_failed"), 0)
        hf.eventually(lambda: not self.containers(), "all have gone to zero", limit=30)


if __name__ == "__main__":
    hf.main()
