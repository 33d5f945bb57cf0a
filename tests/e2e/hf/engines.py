"""Real engines of a test's own: etcd and Docker, with private folders, ports and sockets.

Each is started by the test that needs it and ended with it, by its process id; several may
run at the same time.  Where an engine is not installed the test file is skipped.
"""

import base64
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import urllib.request
from pathlib import Path

from hf import env, net, processes
from hf.wait import eventually

# Networks of test engines: 10.200.0.0/16 and up to 10.231, one /24 for each process.
_FIRST_NETWORK = 200
_NETWORKS = 32


class Engine:
    """A process that is started, killed, stopped and continued by a test."""

    def __init__(self, folder, name, program, package):
        if shutil.which(program) is None:
            env.skip_file(f"there is no {program} here (Debian: {package})")
        self.folder = Path(folder) / name
        self.folder.mkdir(exist_ok=True)
        self.name = name
        self.log = self.folder / "log"
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        """Returns when it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        eventually(self._ready, f"{self.name} answers", limit=30, step=0.02)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n"
                                 + self.log.read_text(errors="replace")[-4000:])
        return self.answers()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(env.seconds(20))
            except subprocess.TimeoutExpired:
                self.kill()

    def discard(self):
        """Whatever happened before: leaves nothing."""
        self.stop()


class Etcd(Engine):
    """One etcd server."""

    def __init__(self, folder, name="etcd", arguments=()):
        super().__init__(folder, name, "etcd", "etcd-server")
        host = net.own_host()
        self.client = net.free_address(host)
        self.peer = net.free_address(host)
        self.url = f"http://{self.client}"
        self.arguments = list(arguments)

    def command(self):
        return ["etcd", "--name", self.name, "--data-dir", self.folder / "data",
                "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                "--listen-peer-urls", f"http://{self.peer}",
                "--initial-advertise-peer-urls", f"http://{self.peer}",
                "--initial-cluster", f"{self.name}=http://{self.peer}",
                "--unsafe-no-fsync", "--log-level", "warn", *map(str, self.arguments)]

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return json.load(answer).get("health") == "true"
        except (OSError, ValueError):
            return False

    def ask(self, path, **body):
        """The answer of one call of the JSON gateway."""
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=env.seconds(10)) as answer:
            return json.load(answer)

    def put(self, key, value):
        """What another client writes; returns the revision."""
        answer = self.ask("kv/put", key=_base64(key), value=_base64(value))
        return int(answer["header"]["revision"])

    def put_many(self, pairs):
        """The same for up to 128 keys at once."""
        puts = [{"requestPut": {"key": _base64(key), "value": _base64(value)}}
                for key, value in pairs]
        self.ask("kv/txn", success=puts)

    def get(self, key):
        """A value as text; None if there is none."""
        found = self.ask("kv/range", key=_base64(key)).get("kvs", [])
        return base64.b64decode(found[0].get("value", "")).decode() if found else None

    def remove(self, key):
        self.ask("kv/deleterange", key=_base64(key))

    @staticmethod
    def range(prefix):
        """All keys that begin with it, as etcd's permissions say that."""
        return {"key": _base64(prefix), "range_end": _base64(prefix[:-1] + chr(ord(prefix[-1]) + 1))}

    def revision(self):
        return int(self.ask("kv/range", key=_base64("x"))["header"]["revision"])

    def compact(self):
        """Forgets all revisions but the last."""
        self.ask("kv/compaction", revision=self.revision(), physical=True)

    def wipe(self):
        """Forgets everything; while it is stopped."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)


class Dockerd(Engine):
    """One Docker engine with a bridge of its own; its ports are published by its proxy alone."""

    def __init__(self, folder, name="dockerd"):
        super().__init__(folder, name, "dockerd", "docker.io")
        if os.geteuid() != 0:
            env.skip_file("dockerd needs root")
        number = os.getpid() % (_NETWORKS * 256)
        self.gateway = f"10.{_FIRST_NETWORK + number // 256}.{number % 256}.1"
        self.bridge = f"hf{os.getpid()}"
        self.socket = self.folder / "docker.sock"
        self.pidfile = self.folder / "pid"

    def command(self):
        # The network's chains are shared by all engines of a machine, so do without them.
        return ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
                "--pidfile", self.pidfile, "-H", f"unix://{self.socket}",
                "--bridge", self.bridge, "--iptables=false", "--ip-masq=false",
                "--userland-proxy=true", "--log-level", "warn"]

    def start(self):
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "add", self.bridge, "type", "bridge")
            _ip("addr", "add", f"{self.gateway}/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
        self.pidfile.unlink(missing_ok=True)
        return super().start()

    def kill(self):
        """kill -9.  Its containerd dies with it, and must not look alive to the next engine."""
        super().kill()
        pidfile = self.folder / "exec/containerd/containerd.pid"
        if pidfile.exists():
            pid = int(pidfile.read_text())
            eventually(lambda: not processes.is_alive(pid), "its containerd has ended")
            processes.reap(pid)
            pidfile.unlink()

    def answers(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b"200 OK" in connection.recv(4096)
            except OSError:
                return False

    def docker(self, *words, data=None, check=True):
        """The output of the docker command line tool."""
        result = subprocess.run(["docker", "-H", f"unix://{self.socket}", *map(str, words)],
                                input=data, capture_output=True, check=False,
                                timeout=env.seconds(60))
        if check and result.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, words))}: status "
                                 f"{result.returncode}\n{result.stderr.decode(errors='replace')}")
        return result.stdout.decode(errors="replace").strip()

    def import_image(self, tag, entrypoint, **programs):
        """An image of a few programs with the libraries they need: NAME=PATH is /NAME in it."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, path in programs.items():
                tar.add(path, name, recursive=False)
            for library in sorted({file for path in programs.values() for file in _libraries(path)}):
                tar.add(os.path.realpath(library), library.lstrip("/"), recursive=False)
        self.docker("import", "--change", f"ENTRYPOINT {json.dumps(entrypoint)}", "-", tag,
                    data=archive.getvalue())
        return tag

    def containers(self, *filters):
        """The ids of all containers, whatever their state; a filter is "label=NAME=VALUE", say."""
        words = [word for f in filters for word in ("--filter", f)]
        return self.docker("ps", "-a", "-q", "--no-trunc", *words).split()

    def kill_shims(self):
        """An engine that was stopped may forget the process that had looked after a container."""
        _kill_all(self.folder, "containerd-shim")

    def discard(self):
        """Removes what is left: containers, the engine, its mounts and its bridge."""
        if self.running():
            self.thaw()
            left = self.containers()
            if left:
                self.docker("rm", "-f", "-v", *left, check=False)
        self.stop()
        _kill_all(self.folder)
        for mount in _mounts_below(self.folder):
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
        if Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "del", self.bridge)


class IsolatedDockerd(Dockerd):
    """A Docker engine in a network of its own, where it sets up everything as it usually does:
    chains, networks of several containers, names.  Published ports are at `host`."""

    def __init__(self, folder, name="dockerd"):
        super().__init__(folder, name)
        self.namespace = self.bridge
        self.host = self.gateway.removesuffix(".1") + ".2"

    def command(self):
        return ["nsenter", f"--net=/run/netns/{self.namespace}",
                "dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
                "--pidfile", self.pidfile, "-H", f"unix://{self.socket}", "--log-level", "warn"]

    def start(self):
        # The outer end of the line into it takes the place of the bridge.
        if not Path(f"/run/netns/{self.namespace}").exists():
            inside = ("-n", self.namespace)
            _ip("netns", "add", self.namespace)
            _ip("link", "add", self.bridge, "type", "veth",
                "peer", "name", "outside", "netns", self.namespace)
            _ip("addr", "add", f"{self.gateway}/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
            _ip(*inside, "addr", "add", f"{self.host}/24", "dev", "outside")
            _ip(*inside, "link", "set", "outside", "up")
            _ip(*inside, "link", "set", "lo", "up")
        return super().start()

    def discard(self):
        super().discard()
        if Path(f"/run/netns/{self.namespace}").exists():
            _ip("netns", "del", self.namespace)


def _libraries(program):
    """The files that the dynamic linker loads with a program."""
    listed = subprocess.run(["ldd", program], capture_output=True, check=False).stdout.decode()
    return [word for word in listed.split() if word.startswith("/")]


def _base64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _mounts_below(folder):
    """Mount points below a folder, the innermost first."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True)


def _kill_all(folder, program=""):
    """What an engine that has ended leaves running: its containerd, shims and proxies."""
    for entry in os.listdir("/proc"):
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes() if entry.isdigit() else b""
        except OSError:
            continue
        named = str(folder).encode() in words and program.encode() in words
        if named and int(entry) != os.getpid():
            try:
                os.kill(int(entry), signal.SIGKILL)
            except ProcessLookupError:
                pass
