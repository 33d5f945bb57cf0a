#!/usr/bin/env python3
"""Lists the tests that `make check` skipped, each with its reason and the command that includes it.

usage: show-skipped.py BUILDDIR LOG...

Reads the logs of automake's tests: a file that was skipped as a whole says "SKIP: REASON", and a
test within one that ran "... skipped 'REASON'".  A reason names what would have to be installed as
"(Debian: PACKAGE...)".
"""

import re
import shlex
import sys
from pathlib import Path


def skipped(log):
    """The reasons of the file, each once and in their order, with how many tests it holds for."""
    text = log.read_text(errors="replace")
    reasons = re.findall(r"(?m)^SKIP: (.*)$", text)
    if not reasons:
        reasons = [reason for _, reason in re.findall(r"(?m) \.\.\. skipped (['\"])(.*)\1$", text)]
    return {reason: reasons.count(reason) for reason in reasons}


def command(build, test, reason):
    """What includes the test."""
    packages = re.search(r"\(Debian: ([a-z0-9+. -]+)", reason)
    install = f"apt-get install {packages[1].strip()} && " if packages else ""
    root = "as root: " if packages or "root" in reason else ""
    return f"{root}{install}make -C {shlex.quote(build)} check TESTS={test}"


def main(build, *names):
    lines = []
    for name in names:
        log = Path(name)
        for reason, count in (skipped(log) if log.exists() else {}).items():
            test = next(str(path) for path in (log.with_suffix(end) for end in (".py", ".sh", ""))
                        if path.suffix == "" or (Path(__file__).parent.parent / path).exists())
            lines.append(f"  {test}{f' ({count} tests)' if count > 1 else ''}: {reason}\n"
                         f"      {command(build, test, reason)}")
    if lines:
        print(f"Not everything was tested. {len(lines)} skipped:", *lines, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
