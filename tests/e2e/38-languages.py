#!/usr/bin/env python3
"""Functions in any language: the example in Python, and a server that knows nothing of us."""

import sys

import hf
from hf import env

UPPER = env.SOURCE / "functions" / "examples" / "upper.py"

# What anybody writes first with grpcio; it knows PORT and no more.
PLAIN = f"""#!{sys.executable}
import os
from concurrent import futures
import grpc

handler = grpc.unary_unary_rpc_method_handler(lambda request, context: b"plain " + request)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler("plain.Plain", {{"Say": handler}}),))
server.add_insecure_port("0.0.0.0:" + os.environ["PORT"])
server.start()
server.wait_for_termination()
"""


class Languages(hf.TestCase):
    def test_python(self):
        p = self.platform(options={"worker": {"readiness": "signal"}})
        client = p.client(p.create(p.install(UPPER, "upper")))
        self.assertEqual(client.call("/upper.v1.Upper/Upper", b"shout"), b"SHOUT")
        ticks = client.stream("/upper.v1.Upper/Ticks")
        self.assertEqual([next(ticks), next(ticks)], [b"tick", b"tick"])
        ticks.cancel()

    def test_python_ends_when_idle(self):
        p = self.platform()
        p.leaf.stop_time()
        client = p.client(p.create(p.install(UPPER, "upper"), timeout=60))
        self.assertEqual(client.call("/upper.v1.Upper/Upper", b"once"), b"ONCE")
        p.leaf.warp("2m")
        hf.eventually(lambda: not p.instances(), "the instance has ended")

    def test_a_server_that_knows_nothing_of_us(self):
        p = self.platform(options={"worker": {"readiness": "either"}})
        image = p.install_script("plain", PLAIN)
        client = p.client(p.create(image))
        self.assertEqual(client.call("/plain.Plain/Say", b"words"), b"plain words")


if __name__ == "__main__":
    hf.main()
