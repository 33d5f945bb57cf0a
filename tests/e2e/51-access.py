"""Who may manage a node: not the instances of functions that it runs, and not just anybody."""

import json
import os
import shutil
import subprocess
import sys
import threading
import unittest

import grpc
import hf
from hf import env, h2raw, pb

OTHER_USER = 65534
DENIED = "PERMISSION_DENIED"

# What is for managers, and what a call of it looks like.
WORKER = {
    "/worker.Worker/Start": pb.worker.StartRequest(function_id="intruder"),
    "/worker.Worker/Stop": pb.worker.StopRequest(instance_id="whatever"),
    "/worker.Worker/Status": pb.worker.StatusRequest(node_id="me"),
    "/worker.Worker/Metrics": pb.worker.MetricsRequest(node_id="me"),
    "/hyperfaas.v1.Node/Watch": pb.node.WatchRequest(node_id="me"),
    "/hyperfaas.v1.Node/Logs": pb.node.LogsRequest(instance_id="whatever"),
}
NODE = {
    "/hyperfaas.v1.Node/Drain": pb.node.DrainRequest(),
    "/hyperfaas.v1.Node/Undrain": pb.node.UndrainRequest(),
}
EVERYBODY = {
    "/hyperfaas.v1.Node/Info": pb.node.InfoRequest(),
    "/grpc.health.v1.Health/Check": pb.health.HealthCheckRequest(),
}
READY = {"/worker.Worker/SignalReady": pb.worker.SignalReadyRequest(instance_id="whatever")}

SCRIPT = f"""#!/bin/sh
HF_FUNCTIONS={env.E2E}/functions exec {sys.executable} -B {env.E2E}/functions/intruder.py
"""

as_root = unittest.skipUnless(os.geteuid() == 0, "another user can only be had by root")


def calls(address, methods, metadata=()):
    return [{"address": address, "path": path, "message": message.SerializeToString().hex(),
             "metadata": list(metadata)} for path, message in methods.items()]


def drain_bytes(address, metadata=()):
    """A whole Drain call as it comes over the wire."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", "/hyperfaas.v1.Node/Drain"),
              (":authority", address), ("te", "trailers"), ("content-type", "application/grpc"),
              *metadata]
    block = h2raw.header_block(fields)
    return (h2raw.PREFACE + h2raw.frame(h2raw.SETTINGS, 0, 0, b"")
            + h2raw.frame(h2raw.HEADERS, h2raw.END_HEADERS, 1, block)
            + h2raw.frame(h2raw.DATA, h2raw.END_STREAM, 1, b"\0\0\0\0\0"))


class Case(hf.TestCase):
    def secret(self, platform):
        text = (platform.worker.state / "secret").read_text().strip()
        return [("hyperfaas-secret", text)]

    def assert_answers(self, answers, wanted):
        """`wanted` is the status of all."""
        self.assertEqual({status for status, _ in answers}, {wanted}, answers)


class Instances(Case):
    """A function that knows all addresses, and the secret's file."""

    def setUp(self):
        super().setUp()
        self.p = self.platform(lb=True)
        self.client = self.p.client(self.p.create(self.p.install_script("intruder", SCRIPT),
                                                  "intruder"))
        self.environment = json.loads(self.client.call("/hf.Intruder/Environment"))

    def ask(self, wanted, how="child"):
        return json.loads(self.client.call(
            "/hf.Intruder/Ask", json.dumps({"calls": wanted, "how": how}).encode(), timeout=60))

    def managed(self, metadata=()):
        return (calls(self.p.worker_api, {**WORKER, **NODE}, metadata)
                + calls(self.p.leaf_api, NODE, metadata) + calls(self.p.lb_api, NODE, metadata))

    def assert_nothing_happened(self):
        info = self.p.worker_client().call("/hyperfaas.v1.Node/Info", pb.node.InfoRequest(),
                                           pb.node.InfoResponse)
        self.assertFalse(info.draining)
        self.assertEqual(len(self.p.instances()), 1)

    def test_what_they_are_told_is_a_place_of_their_own(self):
        address = self.environment["CONTROLLER_ADDRESS"]
        self.assertNotEqual(address, self.p.worker_api)
        self.assert_answers(self.ask(calls(address, READY)), "OK")
        self.assert_answers(self.ask(calls(address, {
            "/grpc.health.v1.Health/Check": pb.health.HealthCheckRequest()})), "OK")
        self.assert_answers(
            self.ask(calls(address, {**WORKER, **NODE,
                                     "/hyperfaas.v1.Node/Info": pb.node.InfoRequest()})),
            "UNIMPLEMENTED")

    def test_what_everybody_may(self):
        for address in (self.p.worker_api, self.p.leaf_api, self.p.lb_api):
            self.assert_answers(self.ask(calls(address, EVERYBODY)), "OK")
        self.assert_answers(self.ask(calls(self.p.worker_api, READY)), "OK")

    def test_the_users_own_processes(self):
        self.assert_answers(self.ask(self.managed()), DENIED)
        self.assert_answers(self.ask(self.managed(self.secret(self.p))), DENIED)
        self.assert_nothing_happened()

    def test_a_process_whose_parents_have_ended(self):
        self.assert_answers(self.ask(self.managed(self.secret(self.p)), "orphan"), DENIED)
        self.assert_nothing_happened()

    def test_the_control_socket(self):
        """Is the user's alone, as the instance is."""
        for role in ("lb", "leaf", "worker"):
            path = str(self.p.worker.state / f"{role}.ctl")
            answer = self.client.call("/hf.Intruder/Control",
                                      json.dumps([path, "shutdown\n"]).encode())
            self.assertEqual(answer, b"")
        self.assertIn("id", self.p.worker.ctl("node/show"))
        self.assert_nothing_happened()

    def test_who_asks_and_has_gone(self):
        """Of a closed socket the kernel says that it is root's."""
        host, _, port = self.p.worker_api.rpartition(":")
        for metadata in ((), self.secret(self.p)):
            data = drain_bytes(self.p.worker_api, metadata).hex()
            for _ in range(20):
                self.client.call("/hf.Intruder/Strike",
                                 json.dumps([host, int(port), data]).encode())
        hf.eventually(lambda: self.p.worker.counter("access_refused") > 0, "they were refused")
        self.assert_nothing_happened()


class Floods(Case):
    """What strangers can make a node keep.  The bound of each test is what it may grow by, far above
    what it should, far below what it would be."""

    BOUND = 128 << 20

    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.before = self.p.worker.resident_bytes()

    def assert_bounded(self):
        if not env.SANITIZED:  # sanitizers keep what was freed
            self.assertLess(self.p.worker.resident_bytes() - self.before, self.BOUND)

    def test_long_ids(self):
        """60 of 4 MiB: 240 MB, if they were kept."""
        client = self.p.worker_client()
        for i in range(60):
            ready = pb.worker.SignalReadyRequest(instance_id=f"{i}".ljust((4 << 20) - 64, "a"))
            client.call("/worker.Worker/SignalReady", ready)  # which is always OK
        self.assert_bounded()

    def test_ids_that_are_refused(self):
        client, long = self.p.worker_client(), "a" * (1 << 20)
        refused = (
            ("/hyperfaas.v1.Node/Watch", pb.node.WatchRequest(node_id=long), ()),
            ("/hyperfaas.v1.Node/Logs", pb.node.LogsRequest(instance_id=long), ()),
            ("/worker.Worker/Start", pb.worker.StartRequest(function_id="f"),
             [("hyperfaas-leaf", "a" * 400)]),
            ("/worker.Worker/Start", pb.worker.StartRequest(function_id="f"),
             [("hyperfaas-start-id", "a" * 400)]),
            ("/worker.Worker/Stop", b"\x0a\x03a\0b", ()),
            ("/worker.Worker/SignalReady", b"\x0a\x03a\0b", ()),
        )
        for path, request, metadata in refused:
            error = hf.failure(lambda: next(iter(client.stream(path, request, metadata=metadata))))
            self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT, path)
        error = hf.failure(lambda: client.call("/worker.Worker/Start",
                                               pb.worker.StartRequest(function_id=long)))
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        self.assert_bounded()

    def test_unfinished_requests(self):
        """60 of nearly 4 MiB: 240 MB."""
        client, end = self.p.worker_client(), threading.Event()
        self.addCleanup(end.set)
        ready = pb.worker.SignalReadyRequest(instance_id="a" * ((4 << 20) - 64))

        def request():
            yield ready
            end.wait()

        method = client.method("/worker.Worker/SignalReady", "stream_unary")
        held = [method.future(request(), timeout=env.seconds(60)) for _ in range(60)]
        hf.eventually(lambda: sum(call.done() for call in held) > 30, "most are refused", limit=30)
        refused = [call for call in held if call.done()]
        self.assertEqual({call.code() for call in refused}, {grpc.StatusCode.RESOURCE_EXHAUSTED})
        self.assert_bounded()
        client.call("/worker.Worker/SignalReady",
                    pb.worker.SignalReadyRequest(instance_id="short"))
        end.set()
        self.assertEqual({call.code() for call in held}, {grpc.StatusCode.OK,
                                                          grpc.StatusCode.RESOURCE_EXHAUSTED})
        client.call("/worker.Worker/SignalReady", ready)  # there is room again


class Managers(Case):
    def ask_as(self, user, wanted):
        """From a process that is no instance."""
        how = {"user": user, "extra_groups": []} if user else {}
        done = subprocess.run([sys.executable, "-B", env.E2E / "functions" / "asker.py"],
                              input=json.dumps(wanted).encode(), stdout=subprocess.PIPE,
                              check=True, **how)
        return json.loads(done.stdout)

    def with_managers(self, *words, **node):
        return self.platform(runtime="fake", options={
            "node": {"managers": ", ".join(words), **node} if words else node})

    def watch(self, p, metadata=()):
        return calls(p.worker_api, {
            "/hyperfaas.v1.Node/Watch": pb.node.WatchRequest(node_id="me")}, metadata)

    def test_the_nodes_own_user(self):
        p = self.with_managers("none")
        self.assert_answers(self.ask_as(None, self.watch(p)), "OK")

    @as_root
    def test_another_user(self):
        p = self.with_managers()
        (status, details), = self.ask_as(OTHER_USER, self.watch(p))
        self.assertEqual(status, DENIED)
        for hint in ("root", "secret_file", "[node] managers"):
            self.assertIn(hint, details)
        self.assertGreaterEqual(p.leaf.counter("access_refused"), 1)

    @as_root
    def test_another_user_that_is_named(self):
        p = self.with_managers(f"user:{OTHER_USER}")
        self.assert_answers(self.ask_as(OTHER_USER, self.watch(p)), "OK")

    @as_root
    def test_an_address_that_is_named(self):
        """As existing leaves are."""
        p = self.with_managers("127.0.0.0/8")
        self.assert_answers(self.ask_as(OTHER_USER, self.watch(p)), "OK")

    @as_root
    def test_the_secret(self):
        p = self.with_managers("none")
        self.assert_answers(self.ask_as(OTHER_USER, self.watch(p, self.secret(p))), "OK")
        for wrong in ("", "0" * 32, self.secret(p)[0][1] + "0"):
            self.assert_answers(
                self.ask_as(OTHER_USER, self.watch(p, [("hyperfaas-secret", wrong)])), DENIED)
        self.assertEqual((p.worker.state / "secret").stat().st_mode & 0o777, 0o600)

    @as_root
    def test_the_tool_sends_it(self):
        p = self.with_managers("none", secret_file=self.folder / "ours")
        self.folder.chmod(0o755)
        p.worker.config.chmod(0o644)
        command = [env.program("hyperfaas"), "--config", p.worker.config, "instances"]

        def run():
            return subprocess.run(command, user=OTHER_USER, extra_groups=[], capture_output=True,
                                  check=False, timeout=env.seconds(20))

        refused = run()
        self.assertEqual(refused.returncode, 1)
        lines = refused.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("[node] managers", lines[0])
        os.chown(self.folder / "ours", OTHER_USER, -1)
        self.assertEqual(run().returncode, 0)

    def test_nodes_with_one_secret(self):
        """A leaf of another folder, user and machine: what is left is the secret."""
        shared = self.folder / "shared"
        p = self.platform(split=True, runtime="fake", options={
            "node": {"managers": "none", "secret_file": shared}})
        function = p.create("hyperfaas-hello:latest")
        p.client(function).call("/examples.hello.v1.Hello/SayHello")
        self.assertEqual(len(p.instances()), 1)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip"), "another host needs root and ip(8)")
class Elsewhere(Case):
    """Callers that are not on the worker's host, but in a network namespace beside it."""

    def setUp(self):
        super().setUp()
        number = os.getpid() & 0xFFFF
        net = f"10.213.{number >> 8}.{number & 0xFC}"
        self.ours, self.theirs = (f"{net.rpartition('.')[0]}.{int(net.rpartition('.')[2]) + i}"
                                  for i in (1, 2))
        self.namespace, link = f"hf-access-{os.getpid()}", f"hfa{os.getpid()}"
        self.ip("netns", "add", self.namespace)
        self.addCleanup(self.ip, "netns", "del", self.namespace)
        self.ip("link", "add", link, "type", "veth", "peer", "name", "outside", "netns",
                self.namespace)
        self.addCleanup(self.ip, "link", "del", link)
        self.ip("addr", "add", f"{self.ours}/30", "dev", link)
        self.ip("link", "set", link, "up")
        self.ip("-n", self.namespace, "addr", "add", f"{self.theirs}/30", "dev", "outside")
        self.ip("-n", self.namespace, "link", "set", "outside", "up")

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def worker(self, **node):
        """One whose instances seem to be over there, as containers are."""
        self.p = self.platform(split=True, worker_host=self.ours, options={
            "node": node, "worker": {"readiness": "signal"}, "runtime": {
                "advertise": self.theirs, "log_path": self.folder / "logs"}})
        return self.p

    def ask(self, methods, metadata=()):
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, sys.executable, "-B",
             env.E2E / "functions" / "asker.py"],
            input=json.dumps(calls(self.p.worker_api, methods, metadata)).encode(),
            stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    WATCH = {"/hyperfaas.v1.Node/Watch": pb.node.WatchRequest(node_id="me")}

    def test_an_address_that_an_instance_has(self):
        p = self.worker()
        self.assert_answers(self.ask(self.WATCH), "OK")  # a private network
        function_id = p.probe("probe-signals")
        started = p.worker_client().call(
            "/worker.Worker/Start", pb.worker.StartRequest(function_id=function_id),
            pb.worker.StartResponse)
        self.assertIn(self.theirs, started.instance_internal_ip)
        self.assert_answers(self.ask({**WORKER, **NODE}), DENIED)
        self.assert_answers(self.ask({**WORKER, **NODE}, self.secret(p)), DENIED)
        self.assert_answers(self.ask({**EVERYBODY, **READY}), "OK")
        p.worker_client().call("/worker.Worker/Stop",
                               pb.worker.StopRequest(instance_id=started.instance_id))
        self.assert_answers(self.ask(self.WATCH), "OK")

    def test_an_address_that_is_not_listed(self):
        p = self.worker(managers=f"none, {self.ours}/32, 192.168.0.0/16")
        self.assert_answers(self.ask(self.WATCH), DENIED)
        self.assert_answers(self.ask(self.WATCH, self.secret(p)), "OK")

    def test_an_address_that_is_listed(self):
        self.worker(managers=f"{self.theirs}")
        self.assert_answers(self.ask(self.WATCH), "OK")


if __name__ == "__main__":
    hf.main()
