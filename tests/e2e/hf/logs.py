"""Reading a daemon's log: lines of logfmt, and nothing that the test did not announce."""

import re

_PAIR = re.compile(r'([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_LOUD = ("warning", "warn", "error", "critical", "alert", "emergency", "fatal")


def parse(line):
    """The fields of a line, or None if it is not logfmt (a sanitizer's report, say)."""
    fields = {}
    for key, value in _PAIR.findall(line):
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        fields[key] = value
    return fields if "level" in fields else None


class Log:
    """The log file of one daemon, read as it grows."""

    def __init__(self, path):
        self.path = path
        self.announced, self.tolerated = [], []

    def announce(self, pattern):
        """A warning or error that must come: `pattern` is a regular expression."""
        self.announced.append(re.compile(pattern))

    def tolerate(self, pattern):
        """One that may come, depending on who is faster."""
        self.tolerated.append(re.compile(pattern))

    def text(self):
        try:
            return self.path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def lines(self):
        return [line for line in self.text().splitlines() if line.strip()]

    def find(self, pattern):
        """The first line that matches the regular expression, or None."""
        return next((line for line in self.lines() if re.search(pattern, line)), None)

    def all(self, pattern):
        """All lines that match."""
        return [line for line in self.lines() if re.search(pattern, line)]

    def surprises(self):
        """Lines that a quiet daemon would not have written."""
        found = []
        for line in self.lines():
            fields = parse(line)
            loud = fields is None or fields["level"] in _LOUD
            allowed = self.announced + self.tolerated
            if loud and not any(pattern.search(line) for pattern in allowed):
                found.append(line)
        return found

    def missing(self):
        """Announced patterns that never came."""
        return [p.pattern for p in self.announced if not self.find(p.pattern)]
