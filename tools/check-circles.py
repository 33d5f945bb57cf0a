#!/usr/bin/env python3
"""check-circles.py - files of core/ that need each other lie in one folder, and in core/node/ are few.

A file needs another one if it uses a function or a variable that the other one defines, directly or by way of
others.  Runs after the build, on its object files.
"""

import collections
import os

import csource
from objects import objects, symbols, thing

# How many files of a folder of core/node/ may need each other: the parts of one object, whose events come in at
# each of them.  The numbers only fall.
PARTS = {
    "core/node/lb": 6,
    "core/node/leaf": 7,
    "core/node/proxy": 6,
    "core/node/worker": 13,
}


def read_needs():
    """For each file of core/ those that it needs itself."""
    defined = {}
    used = collections.defaultdict(set)
    for folder, path in objects():
        for name, is_defined in symbols(path) if folder == "core" else ():
            if is_defined:
                defined[name] = thing(path)
            else:
                used[thing(path)].add(name)
    needs = collections.defaultdict(set)
    for user, names in used.items():
        needs[user] = {defined[name] for name in names if name in defined} - {user}
    return needs


def reach(needs, start):
    """All files that one needs."""
    found = set()
    todo = [start]
    while todo:
        new = needs[todo.pop()] - found
        found |= new
        todo += new
    return found


def circles(needs):
    """Yields the sets of files that all need each other."""
    reached = {name: reach(needs, name) for name in list(needs)}
    done = set()
    for name in sorted(reached):
        circle = {other for other in reached[name] if name in reached.get(other, ())}
        if name in circle and name not in done:
            done |= circle
            yield sorted(circle)


def main():
    problems = []
    parts = collections.Counter()
    found = list(circles(read_needs()))
    for circle in found:
        folders = sorted({os.path.dirname(name) for name in circle})
        parts[folders[0]] += len(circle)
        if len(folders) > 1:
            problems.append(f"a circle through {', '.join(folders)}: {', '.join(circle)}")
    for folder in parts:
        inside = [", ".join(circle) for circle in found if os.path.dirname(circle[0]) == folder]
        if folder.startswith("core/node") and parts[folder] > PARTS.get(folder, 0):
            problems.append(f"{folder}: {parts[folder]} files need each other, and "
                            f"{PARTS.get(folder, 0)} may: {'; '.join(inside)}")
    csource.finish(f"{len(found)} circles in core", problems)


if __name__ == "__main__":
    main()
