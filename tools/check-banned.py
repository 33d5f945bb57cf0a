#!/usr/bin/env python3
"""check-banned.py - functions that have a better replacement are not called."""

import re

import csource

ANYWHERE = {
    "alloca": "allocate, or use an arena",
    "asctime": "format the time with strftime",
    "atof": "use the base layer's number parsing, which sees errors",
    "atoi": "use the base layer's number parsing, which sees errors",
    "atol": "use the base layer's number parsing, which sees errors",
    "ctime": "format the time with strftime",
    "gets": "it cannot be used safely",
    "gmtime": "use gmtime_r: the result is shared by all threads",
    "localtime": "use localtime_r: the result is shared by all threads",
    "popen": "start a child process without a shell",
    "rand": "use the random numbers that you are given: they have a seed",
    "random": "use the random numbers that you are given: they have a seed",
    "sprintf": "use snprintf",
    "srand": "use the random numbers that you are given: they have a seed",
    "strcat": "use snprintf",
    "strcpy": "use snprintf or memcpy",
    "strncat": "use snprintf",
    "strncpy": "use snprintf or memcpy",
    "strtok": "use strtok_r or strsep",
    "system": "start a child process without a shell",
    "vsprintf": "use vsnprintf",
}

# Nothing that runs on a loop may wait.
ON_A_LOOP = {
    "nanosleep": "use a timer",
    "sleep": "use a timer",
    "usleep": "use a timer",
}
LOOP_FOLDERS = ("core/", "plugins/")


def calls(banned):
    return re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\((?!\*)")


def main():
    problems = []
    anywhere, on_a_loop = calls(ANYWHERE), calls(ON_A_LOOP)
    for path in csource.sources():
        text = csource.strip(csource.read(path))
        found = [(match, ANYWHERE) for match in anywhere.finditer(text)]
        if path.startswith(LOOP_FOLDERS):
            found += [(match, ON_A_LOOP) for match in on_a_loop.finditer(text)]
        for match, banned in found:
            name = match.group(1)
            line = csource.line_of(text, match.start())
            problems.append(f"{path}:{line}: {name}(): {banned[name]}")
    csource.finish("banned functions", problems)


if __name__ == "__main__":
    main()
