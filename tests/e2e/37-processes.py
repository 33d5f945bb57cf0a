"""Instances as processes: whom they run as, what they may, and files that are replaced."""

import os
import unittest

import hf
from hf import pb

ECHO = "/examples.echo.v1.Echo/Echo"


class Processes(hf.TestCase):
    def start(self, **runtime):
        self.p = self.platform(start=False, options={"runtime": runtime})
        for folder in (self.folder, self.p.functions):
            folder.chmod(0o755)  # other users must come as far as their programs
        self.p.start()
        return self.p

    def function(self, name="echo", **options):
        return self.p.client(self.p.create(self.p.install_sample(name), **options))

    def shown(self):
        """What the runtime shows of each instance: its process id, its function, all words."""
        text = self.p.worker.ctl("runtime/show")
        return [(int(line.split()[4]), line.split()[6], line.split())
                for line in text.splitlines() if line.startswith("instance ")]

    @staticmethod
    def status(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def call(self, client):
        return client.call(ECHO, pb.echo.EchoRequest(data=b"x"))

    def test_no_privileges(self):
        self.start()
        self.call(self.function())
        status = self.status(self.shown()[0][0])
        self.assertEqual(status["NoNewPrivs"], "1")
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)
        with open(f"/proc/{self.shown()[0][0]}/limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0 ")

    @unittest.skipUnless(os.geteuid() == 0, "other users need root")
    def test_a_user_for_each_function(self):
        self.start(user="200000-200099")
        image = self.p.install_sample("echo")
        for name in ("a", "b"):
            self.call(self.p.client(self.p.create(image, name)))
        users = {}
        for pid, function, _ in self.shown():
            status = self.status(pid)
            uids = set(status["Uid"].split())
            self.assertEqual(len(uids), 1, "real, effective and saved are one")
            self.assertEqual(uids, set(status["Gid"].split()))
            self.assertEqual(status["Groups"].strip(), "")
            users[function] = int(uids.pop())
        self.assertEqual(set(users), {"a", "b"})
        self.assertNotEqual(users["a"], users["b"])
        self.assertTrue(all(200000 <= user <= 200099 for user in users.values()), users)

    @unittest.skipUnless(os.geteuid() == 0, "other users need root")
    def test_a_limit_of_processes(self):
        self.start(user="200100-200199", pids_limit=5)
        self.p.worker.log.announce("ended before it was ready")
        self.p.leaf.log.tolerate("start failed|calls refused")
        image = self.p.install_script(
            "bomb", "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do sleep 1000 & done\nwait\n")
        hf.failure(self.p.client(self.p.create(image)).call, "/x/Y", timeout=10)
        hf.eventually(lambda: self.p.worker.log.find("annot fork"), "it could not fork")

    def test_a_missing_interpreter(self):
        self.start()
        self.p.leaf.log.tolerate("start failed|calls refused")
        image = self.p.install_script("script", "#!/no/such/node\n")
        hf.failure(self.p.client(self.p.create(image)).call, "/x/Y", timeout=10)
        self.assertTrue(self.p.worker.log.find("its interpreter /no/such/node, which its first "
                                               "line names, is not there"))

    def test_a_replaced_program(self):
        """The next instance runs the new file; the node says that older ones do not."""
        self.start()
        client = self.function(max_concurrency=1)
        self.call(client)
        program = self.p.functions / "echo"
        new = self.folder / "new"
        new.write_bytes(program.read_bytes())
        new.chmod(0o755)
        new.rename(program)
        self.assertEqual([words[-1] for _, _, words in self.shown()], ["replaced"])
        other = self.p.client(self.p.create("hyperfaas-echo:latest"))
        self.call(other)
        self.assertTrue(self.p.worker.log.find("was replaced: new instances run the new file"))
        self.assertEqual(sorted(words[-1] for _, _, words in self.shown()), ["replaced", "running"])


if __name__ == "__main__":
    hf.main()
