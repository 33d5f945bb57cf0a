"""Running make in the build folder, as a user would."""

import fcntl
import os
import subprocess

from hf import env


def environment():
    """Ours without what belongs to `make check`: a make of a test's own shares no job slots."""
    return {key: value for key, value in os.environ.items()
            if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def make(*words, **more):
    """The finished process; `more` is added to its environment.  One at a time: all tests have
    the same folder."""
    folder = os.open(env.BUILD, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        return subprocess.run(["make", "-C", env.BUILD, *words], env={**environment(), **more},
                              capture_output=True, text=True, check=False)
    finally:
        os.close(folder)


def must_make(*words, **more):
    """What it printed; a failure fails the test."""
    done = make(*words, **more)
    if done.returncode != 0:
        raise AssertionError(f"make {' '.join(words)} failed:\n"
                             f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
