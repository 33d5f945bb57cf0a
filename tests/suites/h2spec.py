"""h2spec against the proxy port: what may fail is written down, each with its reason."""

import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hf
from hf import env

import gotools

EXPECTED = Path(__file__).with_name("h2spec-expected.txt")
CASES = 145


def expected_failures():
    """{(section, title): reason} from lines of `section | title | reason`."""
    found = {}
    for line in EXPECTED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            section, title, reason = (part.strip() for part in line.split("|", 2))
            found[section, title] = reason
    return found


def results(report):
    """{(section, title): None, or what went wrong} from h2spec's JUnit report."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        problem = next((child for child in case if child.tag in ("error", "failure")), None)
        skipped = case.find("skipped") is not None
        text = "skipped" if skipped else None if problem is None else problem.text or "failed"
        found[case.get("package"), case.get("classname")] = text
    return found


class H2spec(hf.TestCase):
    def test_all_cases(self):
        program = gotools.tool(gotools.H2SPEC, gotools.H2SPEC_VERSION)
        p = self.platform()
        p.create(p.install_mirror(), function_id=p.host)
        report = self.folder / "report.xml"
        host, _, port = p.proxy.rpartition(":")
        subprocess.run([program, "-h", host, "-p", port, "-j", report, "-o",
                        str(int(env.seconds(4)))], check=False, timeout=env.seconds(300),
                       stdout=subprocess.DEVNULL)
        self.judge(results(report), expected_failures())

    def judge(self, found, expected):
        self.assertEqual(len(found), CASES, "the suite's number of cases")
        unknown = sorted(set(expected) - set(found))
        self.assertEqual(unknown, [], "expected failures that are no cases")
        failed = {case: text for case, text in found.items() if text is not None}
        surprises = [f"{section} | {title}: {text}" for (section, title), text in failed.items()
                     if (section, title) not in expected]
        repaired = [f"{section} | {title}" for section, title in expected
                    if (section, title) not in failed]
        self.assertEqual(surprises, [], "cases that fail without a reason written down")
        self.assertEqual(repaired, [], "cases that are expected to fail, and pass")


if __name__ == "__main__":
    gotools.tool(gotools.H2SPEC, gotools.H2SPEC_VERSION)  # what can't be built skips the file
    hf.main()
