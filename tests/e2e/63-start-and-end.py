"""Nodes of all roles start and end while they are asked who they are, and starts fail anywhere.

HF_ROUNDS says how often; the whole point is to run it a hundred times with AddressSanitizer.
"""

import os
import socket
import threading

import grpc
import hf
from hf import pb
from hf.ctl import Control

ROUNDS = int(os.environ.get("HF_ROUNDS", "3"))


class Asker(threading.Thread):
    """Asks addresses for Node/Info, and sockets for node/show, until it is told to stop."""

    def __init__(self, addresses, controls):
        super().__init__(daemon=True)
        self.clients = [hf.Client(address) for address in addresses]
        self.controls = controls
        self.over = threading.Event()
        self.answers = 0
        self.start()

    def run(self):
        while not self.over.is_set():
            calls = [client.begin("/hyperfaas.v1.Node/Info", pb.node.InfoRequest(),
                                  pb.node.InfoResponse, timeout=1) for client in self.clients]
            for control in self.controls:
                try:
                    self.answers += "id=" in control.ask("node/show")
                except (OSError, AssertionError):
                    pass  # it is not there yet, or not any more
            for call in calls:
                self.answers += call.code() is grpc.StatusCode.OK

    def finish(self):
        self.over.set()
        self.join()
        for client in self.clients:
            client.close()
        return self.answers


class Node(hf.TestCase):
    def node(self):
        p = self.platform(start=False, runtime="fake", lb=True)
        roles = ("lb", "leaf", "worker")
        self.addresses = {"lb.proxy": p.proxy, "lb.api": p.lb_api, "leaf.proxy": p.leaf_proxy,
                          "leaf.api": p.leaf_api, "worker.api": p.worker_api}
        self.controls = [Control(p.leaf.state / f"{role}.ctl") for role in roles]
        self.apis = [address for name, address in self.addresses.items() if name.endswith("api")]
        return p

    def ends_in_order(self, p):
        asker = Asker(self.apis, self.controls)
        client = hf.Client(p.proxy, "hello")
        try:
            client.call("/examples.hello.v1.Hello/SayHello", wait_for_ready=True)
            calls = [client.begin("/examples.hello.v1.Hello/SayHello") for _ in range(20)]
            p.leaf.terminate()
            self.assertEqual(p.leaf.wait(), 0, p.leaf.log.text()[-8000:])
            for call in calls:
                call.code()
        finally:
            answers = asker.finish()
            client.close()
        self.assertGreater(answers, 0)

    def test_ends_while_it_is_asked(self):
        p = self.node()
        for i in range(ROUNDS):
            p.leaf.start()
            if i == 0:
                p.create("hyperfaas-hello:latest", "hello")
            self.ends_in_order(p)
            p.leaf.notify.close()

    def fails_to_start(self, p, taken):
        """One address is another's: the node says so and ends, whatever arrives meanwhile."""
        host, _, port = self.addresses[taken].rpartition(":")
        with socket.create_server((host, int(port))):
            apis = [a for a in self.apis if a != self.addresses[taken]]
            asker = Asker(apis, self.controls)
            try:
                p.leaf.launch()
                self.assertEqual(p.leaf.wait(), 1, p.leaf.log.text()[-8000:])
            finally:
                asker.finish()
                p.leaf.notify.close()
        self.assertIn(self.addresses[taken], p.leaf.log.all("cannot start")[-1])

    def test_every_start_that_fails(self):
        p = self.node()
        p.leaf.log.announce("the node cannot start")
        p.leaf.expected_end = 1
        for _ in range(ROUNDS):
            for taken in self.addresses:
                with self.subTest(taken=taken):
                    self.fails_to_start(p, taken)

    def test_store_that_cannot_be_opened(self):
        p = self.node()
        p.leaf.log.announce("the node cannot start")
        p.leaf.expected_end = 1
        p.leaf.sections["store"]["path"] = "/proc/nowhere/store"
        for _ in range(ROUNDS):
            p.leaf.launch()
            self.assertEqual(p.leaf.wait(), 1, p.leaf.log.text()[-8000:])
            p.leaf.notify.close()
        self.assertIn("/proc/nowhere/store", p.leaf.log.all("cannot start")[-1])


if __name__ == "__main__":
    hf.main()
