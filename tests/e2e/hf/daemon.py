"""One hyperfaasd: started, watched, asked, ended, and its log judged."""

import os
import re
import signal
import socket
import subprocess

from hf import env, ini, processes
from hf.ctl import Control
from hf.logs import Log
from hf.wait import eventually


# In what leaf/functions shows.
_UNDER_WAY = re.compile(r" (in_flight|waiting)=[1-9]")


class Daemon:
    """A node run from a configuration of its own in the test's folder."""

    def __init__(self, folder, name, sections, arguments=()):
        self.folder, self.name = folder, name
        self.sections = sections
        self.arguments = list(arguments)
        self.variables = {}  # added to its environment
        self.prefix = []  # a command that runs it
        self.prepare = None  # called in the new process, before it becomes the node
        self.stderr = None  # a descriptor that it gets instead of its log file
        self.include = None  # a configuration file that `sections` add to
        self.config = folder / f"{name}.ini"
        self.log = Log(folder / f"{name}.log")
        self.state = folder / f"{name}.state"
        role = str(sections["node"]["roles"]).split(",")[0].strip()
        self.control = Control(self.state / f"{role}.ctl")
        self.process = None
        self.expected_end = 0

    def start(self):
        """Returns when the node says that it is ready."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self):
        """Starts the process and returns at once."""
        self.state.mkdir(exist_ok=True)
        self.config.write_text(ini.render(self.sections, self.include))
        self.notify = _Notify(self.folder / f"{self.name}.notify")
        with open(self.log.path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, env.program("hyperfaasd"), "-c", self.config, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=self.stderr or log,
                env=self._environment(), cwd=self.folder, start_new_session=True,
                preexec_fn=self.prepare,
            )

    def _environment(self):
        kept = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
        environment = {key: os.environ[key] for key in kept if key in os.environ}
        for key, folder in (("HOME", "home"), ("TMPDIR", "tmp"), ("XDG_RUNTIME_DIR", "run")):
            path = self.folder / folder
            path.mkdir(mode=0o700, exist_ok=True)
            environment[key] = str(path)
        environment["NOTIFY_SOCKET"] = self.notify.path
        return {**environment, **self.variables}

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_ready(self):
        def ready():
            if not self.running():
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n"
                                     + self.log.text())
            return self.notify.said("READY=1")

        eventually(ready, f"{self.name} is ready", limit=10, step=0.002)

    # --- asking -----------------------------------------------------------------------------

    def ctl(self, *words):
        """The answer of a control command."""
        return self.control.ask(*words)

    def warp(self, duration):
        """Moves the policy clock, which stands still while it is stopped."""
        self.ctl("time/warp", duration)

    def idle(self, duration):
        """The same for a leaf that has no call under way.

        A call's end reaches its caller before the leaf has seen it: time that is pushed in between
        would pass during the call.
        """
        eventually(lambda: not _UNDER_WAY.search(self.ctl("leaf/functions")),
                   f"{self.name} has no call under way")
        self.warp(duration)

    def stop_time(self):
        self.ctl("time/stop")

    def counter(self, name):
        return self.control.json("counters", name)[name]

    def resident_bytes(self):
        return processes.resident_bytes(self.pid)

    # --- ending -----------------------------------------------------------------------------

    def terminate(self):
        """Asks for an orderly end, and returns at once."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        """kill -9; whatever the node ran must go too."""
        self.expected_end = -signal.SIGKILL
        self.process.kill()
        self.wait()

    def wait(self, limit=20):
        """The exit status, once it has ended."""
        try:
            return self.process.wait(env.seconds(limit))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {env.seconds(limit)} s:\n"
                                 + self.log.text()[-4000:]) from None

    def stop(self):
        """An orderly end, which must be one."""
        if self.running():
            self.terminate()
        status = self.wait()
        if status != self.expected_end:
            raise AssertionError(f"{self.name} ended with {status}, not {self.expected_end}:\n"
                                 + self.log.text()[-8000:])

    def restart(self):
        """Starts again with the same configuration and state, after the process has ended."""
        assert not self.running()
        self.notify.close()
        self.expected_end = 0
        return self.start()

    def discard(self):
        """Whatever happened before: leaves no process and no descriptor."""
        if self.process is not None:
            if self.running():
                self.process.kill()
                self.process.wait()
            self.notify.close()


class _Notify:
    """The receiving end of sd_notify(3)."""

    def __init__(self, path):
        self.path = str(path)
        self.heard = ""
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def said(self, word):
        try:
            while True:
                self.heard += self.socket.recv(4096).decode() + "\n"
        except BlockingIOError:
            return word in self.heard.splitlines()

    def close(self):
        self.socket.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
