"""Reading C sources, for the checks in this folder.

Not a parser: it relies on the layout that clang-format keeps (a function's name at column 0, its
braces alone at column 0).
"""

import os
import re
import sys

ROOT = os.environ.get("HF_SRCDIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("bench", "cli", "core", "functions", "include", "plugins", "sim", "tests")

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def sources(*folders):
    """Yields the paths, relative to the root, of our .c and .h files below the folders."""
    for folder in folders or FOLDERS:
        for where, folders_here, files in os.walk(os.path.join(ROOT, folder)):
            folders_here.sort()
            for name in sorted(files):
                if name.endswith((".c", ".h")) and ".pb-c." not in name:
                    yield os.path.relpath(os.path.join(where, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def strip(text):
    """Blanks comments and what stands inside quotes; lines keep their numbers."""
    def blank(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]
    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def finish(what, problems):
    """Prints the problems and ends the program; its exit code says whether there were any."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem(s)" if problems else f"{what}: fine")
    sys.exit(1 if problems else 0)
