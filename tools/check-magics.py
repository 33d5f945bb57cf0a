#!/usr/bin/env python3
"""check-magics.py - the numbers by which objects are recognised are all different."""

import re

import csource

MAGIC = re.compile(
    r"^\s*#\s*define\s+(\w*_MAGIC)\s+[^\n]*?(?:(0[xX][0-9a-fA-F]+)"
    r"|HF_MAGIC\('(.)', *'(.)', *'(.)', *'(.)'\))",
    re.MULTILINE,
)


def number_of(match):
    if match.group(2):
        return int(match.group(2), 16)
    return int.from_bytes("".join(match.group(3, 4, 5, 6)).encode("latin-1"), "big")


def main():
    problems = []
    first = {}
    for path in csource.sources("include", "core", "plugins", "cli", "functions"):
        text = csource.read(path)  # not stripped: the numbers may be letters
        for match in MAGIC.finditer(text):
            here = f"{path}:{csource.line_of(text, match.start(1))}"
            number = number_of(match)
            if number in first:
                problems.append(f"{here}: {match.group(1)} has the number of {first[number]}")
            first.setdefault(number, f"{match.group(1)} at {here}")
    csource.finish(f"{len(first)} object magics", problems)


if __name__ == "__main__":
    main()
