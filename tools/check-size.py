#!/usr/bin/env python3
"""check-size.py - files and functions stay small enough to read.

Above the first limit it only says so; above the second it fails.  Tests may be longer.
"""

import csource

FILE_LINES = (500, 600)
FUNCTION_LINES = (60, 60)
TEST_FILE_LINES = (500, 800)
TEST_FUNCTION_LINES = (60, 100)


def functions(text):
    """Yields name, first line and length of each function, from its name to its last brace."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{" and start is None:
            start = number
            while start > 1 and (lines[start - 1] == "{" or lines[start - 1].startswith(" ")):
                start -= 1
        elif line.startswith("}") and start is not None:
            yield lines[start - 1].split("(")[0], start, number - start + 1
            start = None


def main():
    problems = []

    def judge(what, size, limits):
        if size > limits[1]:
            problems.append(f"{what} has {size} lines, at most {limits[1]} are allowed")
        elif size > limits[0]:
            print(f"{what} has {size} lines, aim at {limits[0]}")

    for path in csource.sources():
        text = csource.strip(csource.read(path))
        is_test = path.startswith(("bench/", "tests/"))
        judge(path, text.count("\n"), TEST_FILE_LINES if is_test else FILE_LINES)
        for name, line, size in functions(text):
            judge(f"{path}:{line}: {name}()", size,
                  TEST_FUNCTION_LINES if is_test else FUNCTION_LINES)
    csource.finish("sizes of files and functions", problems)


if __name__ == "__main__":
    main()
