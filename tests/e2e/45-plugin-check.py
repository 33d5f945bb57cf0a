"""The plugin author's kit: every shipped policy passes `hyperfaas plugin check`, and what `hyperfaas
plugin new` makes builds, is tested, measured and used with nothing but what `make install` left."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import hf
from hf import env
from hf.make import environment, must_make

POLICIES = ("lb", "scheduler", "scaler")

# Options by which policies are checked besides their defaults.
OPTIONS = {
    "lb-boundedloads": ["bound=0 max_chain_len=16"],
    "lb-chbounded": ["epsilon=0 vnodes=1"],
    "lb-chrlu": ["popular_gap=1h bound=0.01"],
    "lb-hash": ["vnodes=1"],
    "lb-peakewma": ["decay=1ms default_latency=1us"],
    "scaler-concurrency": ["down_delay=10s tick=100ms", "target=1 evict=lru"],
    "scaler-hybridhistogram": ["variant=faascache keep_from=load evict=greedydual"],
    "scaler-kpa": ["target=1 bucket=2s evict=freq", "grace=0 down_delay=1m evict=size"],
    "scaler-perrequest": ["ttl=1ms evict=landlord"],
    "scaler-queuestale": ["interval=10ms ttl=1h"],
    "scheduler-boundedloads": ["bound=0 max_chain_len=1"],
    "scheduler-chbounded": ["epsilon=0 vnodes=1"],
    "scheduler-chrlu": ["popular_pct=1 bound=0.1 refresh=1ms"],
    "scheduler-k8sscore": ["strategy=most image_weight=100"],
    "scheduler-leastloaded": ["metric=run prefer_warm=yes fresh=1ms"],
    "scheduler-locality": ["inner=random"],
    "scheduler-mostloaded": ["metric=inst"],
    "scheduler-powerofd": ["d=16 metric=cpu"],
    "scheduler-roundrobin": ["scope=global"],
}


def tool(*words, **more):
    return subprocess.run([env.program("hyperfaas"), *words], capture_output=True, text=True,
                          check=False, **more)


class Shipped(unittest.TestCase):
    def test_each_passes(self):
        listed = json.loads(tool("plugin", "list", "--json").stdout)
        names = {f"{m['kind']}-{m['name']}" for m in listed if m["kind"] in POLICIES}
        self.assertLessEqual(set(OPTIONS), names)
        jobs = [(name, options) for name in sorted(names) for options in
                ["", *OPTIONS.get(name, [])]]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (name, options), done in zip(jobs, pool.map(self.check, jobs)):
                with self.subTest(module=name, options=options):
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                    self.assertNotIn("FAILED", done.stdout)

    @staticmethod
    def check(job):
        name, options = job
        given = [word for option in options.split() for word in ("--set", option)]
        return tool("plugin", "check", name, *given)


class New(hf.TestCase):
    """In an empty folder, with an installed tree."""

    @classmethod
    def setUpClass(cls):
        cls.installed = Path(tempfile.mkdtemp(prefix="hf-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.installed)
        must_make("install", f"prefix={cls.installed}")
        pc = next(cls.installed.rglob("hyperfaas-plugin.pc")).parent
        path = f"{cls.installed}/bin:{os.environ['PATH']}"
        cls.environment = {**environment(), "PATH": path, "PKG_CONFIG_PATH": str(pc)}
        if env.SANITIZED:  # a module of this tree needs what the tool was linked with
            cls.environment["CFLAGS"] = f"-O1 -g -fsanitize={env.SANITIZERS}"

    def sh(self, script, folder=None):
        done = subprocess.run(["sh", "-euc", script], cwd=folder or self.folder, check=False,
                              capture_output=True, text=True, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_made_built_checked_and_measured(self):
        for kind in POLICIES:
            with self.subTest(kind=kind):
                folder = self.folder / kind
                folder.mkdir()
                said = self.sh(f"hyperfaas plugin new {kind} mine && cd mine && make check && "
                               f"hyperfaas plugin check ./{kind}-mine.so && make bench", folder)
                self.assertEqual(said.count(" 0 failed"), 2, said)
                self.assertRegex(said, r"ns per")
                files = {path.name for path in (folder / "mine").iterdir()}
                self.assertLessEqual({"Makefile", "README.md", f"{kind}-mine.c", "test-mine.c",
                                      "bench-mine.c"}, files)
                for path in (folder / "mine").glob("*.[chm]*"):
                    if path.suffix != ".so":
                        self.assertNotRegex(path.read_text(), r"\bNAME\b|KIND\b|SECTION", path)

    def test_used_by_a_node(self):
        self.sh("hyperfaas plugin new scheduler mine && cd mine && make")
        module = self.folder / "mine" / "scheduler-mine.so"
        p = self.platform(runtime="fake", options={"scheduler": {"plugin": str(module)}})
        client = p.client(p.create("hyperfaas-hello:latest"))
        client.call("/examples.hello.v1.Hello/SayHello")
        self.assertEqual(len(p.instances()), 1)

    def test_refusals(self):
        (self.folder / "taken").mkdir()
        for words, said in ((["lb", "taken"], "cannot make the folder 'taken': File exists"),
                            (["lb", "Mine"], "'Mine' is no name for a module"),
                            (["lb", "my-own"], "'my-own' is no name"),
                            (["lb", "../mine"], "'../mine' is no name"),
                            (["lb", ""], "'' is no name"),
                            (["store", "mine"], "a store is a driver"),
                            (["runtime", "mine"], "a runtime is a driver"),
                            (["queue", "mine"], "'queue' is no kind of module")):
            with self.subTest(words=words):
                done = tool("plugin", "new", *words, cwd=self.folder)
                self.assertIn(done.returncode, (1, 2))
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
                self.assertIn(said, done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir() if path.is_dir()], ["taken"])


if __name__ == "__main__":
    hf.main()
