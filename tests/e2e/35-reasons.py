"""Why a call waits in vain, and why there is no room, reaches whoever asks."""

import grpc

import hf
from hf.rpc import instructions

NEVER_READY = "#!/bin/sh\nexec sleep 1000\n"
DIES = "#!/bin/sh\nexit 3\n"


def fields(line):
    """The words KEY=VALUE of a line of the control socket; values in quotes are left out."""
    return dict(word.split("=", 1) for word in line.partition(' last_failure="')[0].split())


class Waiting(hf.TestCase):
    def refusal(self, client, timeout=20):
        error = hf.failure(client.call, "/hf.Probe/Unary", b"", timeout=timeout)
        return error.code(), error.details()

    def test_instance_that_does_not_become_ready(self):
        p = self.platform()
        p.leaf.log.tolerate("start failed|ended before it was ready")
        p.install_script("never", NEVER_READY)
        client = p.client(p.create("hyperfaas-never"))
        self.assertIs(self.refusal(client, 0.25)[0], grpc.StatusCode.DEADLINE_EXCEEDED)
        # On a busy machine the caller's library may be faster after all.
        hf.eventually(lambda: "waiting for an instance; one has been starting for" in
                      self.refusal(client, 0.25)[1], "the caller hears why")

    def test_starts_that_fail(self):
        p = self.platform(options={"leaf": {"start_attempts": 100}})
        p.leaf.log.tolerate("start failed|ended before it was ready")
        p.install_script("dies", DIES)
        function = p.create("hyperfaas-dies")
        call = p.client(function).begin("/hf.Probe/Unary", b"", timeout=hf.env.seconds(30))
        hf.eventually(lambda: "last_failure=" in p.leaf.ctl("leaf/functions"), "the leaf says why")
        self.assertRegex(p.leaf.ctl("leaf/functions", function), 'last_failure=".*exit.* 3')
        call.cancel()

    def test_no_room(self):
        p = self.platform(options={"worker": {"memory": "100MiB"}, "leaf": {"room_timeout": "100ms"}})
        p.leaf.log.announce("calls refused")
        code, details = self.refusal(p.client(p.probe(memory="1GiB")))
        self.assertIs(code, grpc.StatusCode.UNAVAILABLE)
        self.assertIn("no worker has room for an instance: of 1 workers 1 have too little memory left "
                      "(it needs 1GiB, 100MiB are left at most)", details)


class Shown(hf.TestCase):
    def test_load_of_instances_and_workers(self):
        p = self.platform()
        function = p.probe(memory="1GiB")
        client = p.client(function)
        client.call("/hf.Probe/Unary", b"")
        held = client.begin("/hf.Probe/Unary", metadata=instructions(id="it", hold="end"))
        p.wait_note("call", id="it")
        instance = fields(p.leaf.ctl("leaf/instances"))
        self.assertEqual((instance["state"], instance["in_flight"], instance["calls"],
                          instance["memory"], instance["outdated"]),
                         ("ready", "1", "2", str(1 << 30), "no"))
        worker = fields(p.leaf.ctl("leaf/workers"))
        self.assertEqual((worker["instances"], worker["memory"], worker["memory_reserved"]),
                         ("1", str(64 << 30), str(1 << 30)))
        p.release("end")
        self.assertIs(held.code(), grpc.StatusCode.OK)


if __name__ == "__main__":
    hf.main()
