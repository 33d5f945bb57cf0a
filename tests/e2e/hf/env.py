"""Where things are, how patient to be, and how to skip."""

import os
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("HF_SRCDIR") or Path(__file__).parents[3]).resolve()
BUILD = Path(os.environ.get("HF_BUILDDIR") or os.getcwd()).resolve()
E2E = SOURCE / "tests" / "e2e"

SANITIZERS = os.environ.get("HF_SANITIZERS", "no")
SANITIZED = SANITIZERS != "no"

# Every limit is multiplied by this: generous, since a test that passes never waits for a limit.
PATIENCE = 6 if SANITIZED else 2

# Bytes that a process may keep of what it freed: sanitizers do, to see who uses it still.
KEPT_FREED = 256 << 20 if SANITIZED else 0

SKIPPED = 77  # what automake's test driver takes for "skipped"


def seconds(limit):
    """A time limit, adapted to how slow this build is."""
    return limit * PATIENCE


def in_ci():
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def skip_file(reason):
    """Ends the test file as skipped; in CI, where everything must be there, as failed."""
    print(f"SKIP: {reason}", file=sys.stderr)
    sys.exit(1 if in_ci() else SKIPPED)


def skip_if_sanitized(reason):
    """Ends a test file that means nothing in a build with sanitizers, also in CI."""
    if SANITIZED:
        print(f"SKIP: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)


def program(name):
    """A program of the build tree, or the end of the test file."""
    folder = {"hyperfaasd": "core", "hyperfaas": "cli", "line": "tests/e2e", "deny": "tests/e2e",
              "load": "tests/e2e"}[name]
    path = BUILD / folder / name
    if not os.access(path, os.X_OK):
        print(f"{path} is not there: build first, or set HF_BUILDDIR", file=sys.stderr)
        sys.exit(1)
    return path
