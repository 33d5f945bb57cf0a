"""A node to measure: hyperfaasd with a configuration of its own, in a folder that goes with it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BUILD = os.environ.get("HF_BUILDDIR", os.getcwd())

CONFIG = """
[node]
roles = leaf, worker
state_dir = {folder}/state
plugin_path = {plugins}
seed = 1
[log]
file = {folder}/log
level = notice
[leaf]
proxy = 127.0.0.1:{proxy}
api = 127.0.0.1:{leaf}
workers = 127.0.0.1:{worker}
[worker]
api = 127.0.0.1:{worker}
[store]
plugin = file
path = {folder}/store
fsync = no
[runtime]
plugin = {runtime}
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def built(*path):
    return os.path.join(BUILD, *path)


class Node:
    """Starts with `with`, ends by SIGTERM and complains if that does not end it cleanly."""

    def __init__(self, runtime, settings=(), functions=()):
        """`settings` are SECTION.KEY=VALUE; `functions` are put into the store before the start."""
        self.folder = tempfile.mkdtemp(prefix="hf-bench-")
        self.settings = settings
        ports = free_ports(3)
        self.proxy = "127.0.0.1:%d" % ports[0]
        self.leaf_api = "127.0.0.1:%d" % ports[1]
        self.control = self.folder + "/state/leaf.ctl"
        self.config = self.folder + "/node.ini"
        os.mkdir(self.folder + "/fn")
        os.makedirs(self.folder + "/store/functions")
        for name in ("hello", "echo", "sleep"):
            os.symlink(built("functions", name, name), "%s/fn/%s" % (self.folder, name))
        with open(self.config, "w") as f:
            f.write(CONFIG.format(folder=self.folder, plugins=built("plugins"), runtime=runtime,
                                  proxy=ports[0], leaf=ports[1], worker=ports[2]))
            if runtime == "process":
                f.write("path = %s/fn\n" % self.folder)
        for name, image, concurrency in functions:
            self.put(name, image, concurrency)

    def put(self, name, image, concurrency):
        """Writes a function's document, whole, as any process may."""
        path = "%s/store/functions/%s.json" % (self.folder, name)
        document = {"image": {"tag": image}, "config": {"maxConcurrency": concurrency}}
        with open(path + "~", "w") as f:
            json.dump(document, f)
        os.rename(path + "~", path)

    def __enter__(self):
        command = [built("core", "hyperfaasd"), "-c", self.config]
        for setting in self.settings:
            command += ["--set", setting]
        began = time.monotonic()
        self.process = subprocess.Popen(command, stderr=open(self.folder + "/stderr", "w"))
        while "state=up" not in self.ctl("leaf/workers", check=False):
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise RuntimeError("hyperfaasd did not start:\n" + self.log())
            time.sleep(0.002)
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "no end within 60 s of SIGTERM"
        if code != 0:
            raise RuntimeError("hyperfaasd ended with %s:\n%s" % (code, self.log()))
        shutil.rmtree(self.folder)

    def log(self):
        text = ""
        for name in ("/stderr", "/log"):
            if os.path.exists(self.folder + name):
                with open(self.folder + name) as f:
                    text += f.read()[-4000:]
        return text

    def ctl(self, *words, check=True):
        """The answer of the control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.control)
                s.sendall((" ".join(words) + "\n").encode())
                f = s.makefile("rb")
                head = f.readline().decode().split()
                body = f.read(int(head[-1])).decode()
            except (OSError, IndexError) as e:
                if check:
                    raise
                return str(e)
        if check and head[0] != "ok":
            raise RuntimeError("%s: %s" % (" ".join(words), body))
        return body

    def calls(self, way, *arguments):
        """Runs callgen and returns what it measured."""
        command = [built("bench", "callgen"), way, "--proxy", self.proxy, "--control", self.control]
        run = subprocess.run(command + list(arguments), stdout=subprocess.PIPE, check=True)
        return json.loads(run.stdout)

    def cpu_seconds(self):
        """Processor time that the node has had, in user and kernel mode."""
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field="VmRSS"):
        """Bytes, as /proc/PID/status has them."""
        with open("/proc/%d/status" % self.process.pid) as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("no %s" % field)
