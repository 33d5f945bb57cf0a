"""What every test checks besides its own matter: quiet logs, and nothing left behind."""

import shutil
import signal
import sys
import tempfile
import unittest
from pathlib import Path

from hf import env, processes
from hf.fleet import Fleet
from hf.platform import Platform
from hf.tree import Tree
from hf.wait import eventually


class TestCase(unittest.TestCase):
    """A test with a folder of its own that goes away, and nodes that must end well."""

    maxDiff = 4000

    def setUp(self):
        processes.adopt_orphans()
        self.folder = Path(tempfile.mkdtemp(prefix="hf-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.nodes = []
        self.engines = []

    def engine(self, engine):
        """Starts an engine (hf/engines.py), which outlives the nodes; before they are made."""
        self.addCleanup(engine.discard)
        self.engines.append(engine)
        return engine.start()

    def platform(self, start=True, **more):
        """A platform that is checked and taken down when the test ends."""
        return self._take(Platform(self.folder, **more), start)

    def tree(self, *shape, start=True, **more):
        """The same for a tree of nodes, see hf/tree.py."""
        return self._take(Tree(self.folder, shape, **more), start)

    def _take(self, platform, start):
        self.addCleanup(platform.discard)
        self.addCleanup(self._finish, platform)
        self.nodes += platform.nodes
        return platform.start() if start else platform

    def fleet(self, start=True, **more):
        """The same for several leaves and workers."""
        fleet = Fleet(self.folder, **more)
        self.addCleanup(fleet.discard)
        self.addCleanup(self._finish, fleet)
        self.nodes += fleet.nodes
        return fleet.start() if start else fleet

    def _finish(self, platform):
        """The end of each test, also of one that has failed already."""
        if self._has_failed():
            self._show_logs(platform)
        try:
            platform.stop()
            self._check_logs(platform)
            self._check_files()
            self._check_processes()
        except AssertionError:
            self._show_logs(platform)
            raise

    def _has_failed(self):
        result = self._outcome.result  # unittest has no public word for it
        return any(test is self for test, _ in result.failures + result.errors)

    def _check_logs(self, platform):
        for node in platform.nodes:
            surprises = node.log.surprises()
            if surprises:
                raise AssertionError(f"{node.name} logged what the test did not announce:\n"
                                     + "\n".join(surprises[:20]))
            missing = node.log.missing()
            if missing:
                raise AssertionError(f"{node.name} never logged what was announced: {missing}")

    def _check_files(self):
        """Nodes that ended in order leave no socket and no temporary file."""
        left = [path for name in ("home", "tmp", "run")
                for path in (self.folder / name).rglob("*") if not path.is_dir()]
        for node in self.nodes:
            if node.expected_end == 0:
                left += [path for path in node.state.rglob("*") if path.is_socket()]
        # Logs of instances that have ended are kept for their owner, a bounded number of them.
        left = [path for path in left if path.parent.parts[-2:] != ("hyperfaas", "logs")]
        if left:
            raise AssertionError(f"files were left behind: {[str(path) for path in left]}")

    def _own_processes(self):
        """Those that the test started and ends itself."""
        return {process.process.pid for process in [*self.nodes, *self.engines]
                if process.process is not None}

    def _check_processes(self):
        known = self._own_processes()
        try:
            eventually(lambda: not processes.orphans(known), "all instances have gone", limit=5)
        except AssertionError:
            left = {pid: processes.command(pid) for pid in processes.orphans(known)}
            for pid in left:
                processes.kill(pid)
            raise AssertionError(f"processes were left behind: {left}") from None

    def _show_logs(self, platform):
        for node in platform.nodes:
            tail = node.log.text()[-6000:]
            print(f"--- {self.id()}: log of {node.name}\n{tail}", file=sys.stderr)


class _Result(unittest.TextTestResult):
    """Knows how to end when the file's time is over: the running test fails and cleans up."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        signal.signal(signal.SIGTERM, self._time_is_over)

    def _time_is_over(self, *_):
        self.stop()
        raise AssertionError("the time for this file is over (HF_TEST_TIMEOUT)")


def main():
    """Runs the tests of the calling file; the status is what automake's driver expects."""
    runner = unittest.TextTestRunner(verbosity=2, resultclass=_Result)
    program = unittest.main(module="__main__", exit=False, testRunner=runner)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped and len(result.skipped) == result.testsRun:
        env.skip_file("; ".join(sorted({reason for _, reason in result.skipped})))
    if result.skipped and env.in_ci():
        print("skipped tests count as failures here (CI is set)", file=sys.stderr)
        sys.exit(1)
