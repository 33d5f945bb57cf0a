"""A node does not trust what it was started in: signals, a log that nobody reads, a sandbox."""

import fcntl
import os
import resource
import signal

import hf
from hf import processes

# Newer than what we may rely on, or denied by what people run nodes in.
DENIED = ("close_range", "pidfd_open", "memfd_create", "renameat2", "statx", "getrandom",
          "signalfd4", "epoll_pwait2", "preadv2", "pwritev2", "copy_file_range", "io_uring_setup",
          "openat2", "faccessat2")

HELLO = "/examples.hello.v1.Hello/SayHello"

# Hides a process from whoever looks at groups and sessions, then becomes the probe.
HIDER = """#!/bin/sh
(setsid sh -c 'echo $$ >> "{notes}"; exec sleep 1000' > /dev/null 2>&1 < /dev/null &)
exec {probe}
"""

# Writes more than there is room for, then becomes the probe.
CHATTY = """#!/bin/sh
head -c 300000 /dev/zero | tr '\\0' x
exec {probe}
"""


class Surroundings(hf.TestCase):
    def works(self, p):
        """An instance is started, its end is seen, another follows, and the node ends."""
        p.start()
        client = p.client(p.probe())
        client.call("/hf.Probe/Unary")
        pid = p.notes("start")[0]["pid"]
        processes.kill(pid)
        hf.eventually(lambda: f" pid {pid} " not in p.leaf.ctl("runtime/show") + " ",
                      "its end is seen")
        client.call("/hf.Probe/Unary")
        p.leaf.terminate()
        self.assertEqual(p.leaf.wait(), 0)

    def test_signals_ignored_and_blocked(self):
        """As left by a careless starter; an ignored SIGCHLD leaves no status to wait for."""
        def prepare():
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        p = self.platform(start=False)
        p.leaf.prepare = prepare
        self.works(p)

    def test_instances_have_default_signals(self):
        p = self.platform(start=False)
        p.leaf.prepare = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        p.start()
        p.client(p.probe()).call("/hf.Probe/Unary")
        with open(f"/proc/{p.notes('start')[0]['pid']}/status", encoding="ascii") as lines:
            masks = dict(line.split(":\t") for line in lines if line.startswith("Sig"))
        self.assertEqual(int(masks["SigBlk"], 16) & 1 << signal.SIGTERM - 1, 0)

    def in_a_sandbox(self, error):
        p = self.platform(start=False)
        p.leaf.prefix = [hf.env.program("deny"), error, ",".join(DENIED)]
        self.works(p)

    def test_calls_denied(self):
        self.in_a_sandbox("EPERM")

    def test_calls_unknown(self):
        self.in_a_sandbox("ENOSYS")


class Survivors(hf.TestCase):
    def start(self):
        self.p = self.platform()
        self.hidden = self.folder / "hidden"
        probe = self.folder / "functions" / "probe"
        self.p.install_probe()
        image = self.p.install_script("hider", HIDER.format(notes=self.hidden, probe=probe))
        self.p.client(self.p.create(image, "f")).call("/hf.Probe/Unary")
        hf.eventually(lambda: self.hidden.exists() and self.hidden.read_text().strip(), "it hides")
        pid = int(self.hidden.read_text())
        self.assertTrue(processes.is_alive(pid))
        return pid

    def test_hidden_process_ends_with_its_instance(self):
        pid = self.start()
        processes.kill(self.p.notes("start")[0]["pid"])
        hf.eventually(lambda: not processes.is_alive(pid), "what it hid has ended")

    def test_hidden_process_ends_with_a_killed_worker(self):
        pid = self.start()
        self.p.leaf.kill()
        hf.eventually(lambda: not processes.is_alive(pid), "what it hid has ended")


class NoRoom(hf.TestCase):
    def test_output_of_an_instance(self):
        """A limit of the size of files is as good as a full disk."""
        p = self.platform(start=False)
        p.leaf.prepare = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        p.leaf.log.announce("output of an instance is lost: cannot write .*File too large")
        p.start()
        p.install_probe()
        image = p.install_script("chatty", CHATTY.format(probe=self.folder / "functions" / "probe"))
        p.client(p.create(image, "f")).call("/hf.Probe/Unary")
        hf.eventually(lambda: p.leaf.counter("runtime_process_output_lost") > 100000,
                      "the loss is counted")


class FullPipe(hf.TestCase):
    def test_log_that_nobody_reads(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        p = self.platform(start=False, runtime="fake")
        p.leaf.stderr = writer
        p.leaf.start()
        os.close(writer)
        for i in range(30):  # each start of an instance is logged
            p.client(p.create("hyperfaas-hello:latest", f"f{i}")).call(HELLO)
        p.client("f0").call(HELLO)
        p.leaf.terminate()
        self.assertEqual(p.leaf.wait(), 0)
        lines = os.read(reader, 2 * size)
        self.assertGreater(len(lines), size - 1000, "it was full")
        self.assertTrue(lines.startswith(b"time=") and lines.endswith(b"\n"), "lines are whole")


if __name__ == "__main__":
    hf.main()
