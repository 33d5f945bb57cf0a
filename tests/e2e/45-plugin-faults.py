"""`hyperfaas plugin check`: each module with one fault is refused, with the words for that fault."""

import concurrent.futures
import json
import re
import subprocess
import unittest
import xml.etree.ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory

import hf
from hf import env, plugins

FAULTS = env.SOURCE / "tests" / "plugin-faults"

# What is said of each module, and in which checks at least.
SAID = {
    "lb-allocates": ("pick allocated memory", {"random histories"}),
    "lb-behind": ("pick read or wrote behind the end of a list", {"random histories"}),
    "lb-clock": (r"calls time\(\)", {"imports"}),
    "lb-crash": (r"pick crashed \(SIGSEGV, address 0x", {"random histories"}),
    "lb-division": ("pick divided by zero", {"one endpoint", "random histories"}),
    "lb-farther": ("finished touched memory beside its room", {"calls end in each way"}),
    "lb-fresh": ("of two runs with the same inputs .* in pick", {"determinism"}),
    "lb-global": ("of two runs with the same inputs .* in pick", {"determinism"}),
    "lb-help": ("option 'turns' has no help", {"descriptor and options"}),
    "lb-leak": ("bytes were not freed after 1000 lives, about 1", {"made and destroyed 1,000 times"}),
    "lb-loop": (r"pick did not return within \d+ s", {"one endpoint"}),
    "lb-memory": (r"create crashed \(SIGSEGV", {"lack of memory"}),
    "lb-options": ("create divided by zero", {"options at their bounds and beyond"}),
    "lb-overrun": ("finished wrote beside the room", {"calls end in each way"}),
    "lb-random": (r"calls rand\(\)", {"imports"}),
    "lb-retire": ("bytes were not freed after 1000 lives", {"made and destroyed 1,000 times"}),
    "lb-slots": ("pick declined although . endpoints are usable", {"calls end in each way"}),
    "lb-stale": ("finished touched memory .* that of something that has left",
                 {"endpoints leave until one is left"}),
    "lb-wild": (r"pick answered the handle .8, \d+., which is none of the", {"random histories"}),
    "scaler-never": ("on_demand wants no instance", {"the first call"}),
    "scaler-restless": ("tick_ns answered 0", {"random histories"}),
    "scaler-twice": ("victims named index 0 of . twice", {"victims"}),
    "scaler-underflow": (r"on_tick wants 42\d{8} instances for", {"random histories"}),
    "scheduler-blind": ("pick answered the handle .*, which is a worker that is not feasible",
                        {"nothing feasible"}),
    "scheduler-many": ("pick_many read or wrote behind the end of a list", {"nothing feasible"}),
    "scheduler-slots": ("pick chose no worker although worker . is feasible", {"starts fail"}),
}



def check(module, *words):
    return subprocess.run([env.program("hyperfaas"), "plugin", "check", module, "--limit", "1s",
                           *words], capture_output=True, text=True, check=False)


class Faults(unittest.TestCase):
    def test_each_is_refused(self):
        self.assertEqual({path.stem for path in FAULTS.glob("*-*.c")}, set(SAID))
        with TemporaryDirectory(prefix="hf-e2e-") as folder, \
                concurrent.futures.ThreadPoolExecutor(2) as pool:
            modules = [plugins.build_from_source(FAULTS / f"{name}.c", Path(folder) / f"{name}.so")
                       for name in SAID]
            for module, done in zip(modules, pool.map(lambda m: check(m, "--json"), modules)):
                with self.subTest(module=module.stem):
                    self.judge(module.stem, done)

    def judge(self, name, done):
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        failed = {c["check"]: c for c in json.loads(done.stdout)["checks"] if not c["ok"]}
        words, checks = SAID[name]
        self.assertLessEqual(checks, set(failed), done.stdout)
        for which in checks:
            self.assertRegex(failed[which]["observed"], words)
            self.assertNotEqual(failed[which]["fix"], "")


class Reports(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.module = plugins.build_from_source(FAULTS / "lb-options.c",
                                                self.folder / "lb-options.so")

    def test_text_and_junit(self):
        junit = self.folder / "junit.xml"
        done = check(self.module, "--junit", junit)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, r"(?m)^ok      imports$")
        self.assertRegex(done.stdout, r"(?m)^FAILED  options at their bounds and beyond$")
        self.assertRegex(done.stdout, r"(?m)^        observed: create divided by zero")
        self.assertRegex(done.stdout, r"(?m)^        input:    create\(.*, with turns=0")
        self.assertRegex(done.stdout, r"(?m)^        to do:    .*0: look before dividing$")
        checks, failed = map(int, re.search(r"(\d+) checks, (\d+) failed\n$", done.stdout).groups())
        self.assertEqual(failed, 1)
        suite = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual((suite.tag, suite.get("name")), ("testsuite", "lb-options"))
        self.assertEqual((int(suite.get("tests")), int(suite.get("failures"))), (checks, failed))
        self.assertEqual(len(suite.findall("testcase")), checks)
        failure, = suite.findall("testcase/failure")
        self.assertIn("divided by zero", failure.get("message"))
        self.assertIn("turns=0", failure.text)

    def test_options_are_set(self):
        done = check(self.module, "--set", "turns=0")
        self.assertRegex(done.stdout, r"(?m)^FAILED  random histories$")
        done = check(self.module, "--set", "turn=1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("has no key 'turn'", done.stderr)

    def test_drivers_are_not_checked(self):
        done = check("store-file")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("store-file is a driver: only policies", done.stderr)

    def test_what_is_no_module(self):
        done = check("./nothing-there.so")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing-there.so", done.stderr)


if __name__ == "__main__":
    hf.main()
