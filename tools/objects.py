"""Reading the object files of a build, for the checks in this folder."""

import os
import subprocess

import csource

BUILD = os.environ.get("HF_BUILDDIR") or os.path.join(csource.ROOT, "build")
PRODUCT = ("cli", "core", "functions", "plugins")


def thing(path):
    """The source file of an object file, relative to the root and without its ending."""
    folder, name = os.path.split(os.path.relpath(path, BUILD))
    name = name[:-len(".o")].split("_la-")[-1]
    return os.path.join(folder[:-len("/.libs")] if folder.endswith("/.libs") else folder, name)


def has_source(path):
    """Whether an object file is not one of an earlier build, whose source has gone."""
    return os.path.exists(os.path.join(csource.ROOT, thing(path) + ".c"))


def objects():
    """Yields the object files of the product and what it is linked with."""
    for folder in PRODUCT + ("proto",):
        for where, _, files in os.walk(os.path.join(BUILD, folder)):
            for name in files:
                path = os.path.join(where, name)
                if name.endswith(".o") and (folder == "proto" or has_source(path)):
                    yield folder, path


def symbols(path):
    """Yields the external symbols of an object file, and whether it defines them; without those that
    compilers and sanitizers add, whose names begin with two underscores."""
    listing = subprocess.run(["nm", "-g", path], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        words = line.split()
        if len(words) in (2, 3) and words[-2] in "UTDBRC" and not words[-1].startswith("__"):
            yield words[-1], words[-2] != "U"
