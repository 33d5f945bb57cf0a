"""Building a plugin as a stranger would: one command, the installed headers, nothing else."""

import os
import shlex
import subprocess

from hf import env
from hf.make import environment, must_make


def install(folder):
    """`make install` into `folder`; returns the environment for pkg-config to find it."""
    must_make("install", f"DESTDIR={folder}")
    return _pkg_config(environment(), next(folder.rglob("hyperfaas-plugin.pc")).parent, folder)


def _pkg_config(variables, where, sysroot):
    return {**variables, "PKG_CONFIG_PATH": str(where), "PKG_CONFIG_SYSROOT_DIR": str(sysroot)}


def build(source, target, variables):
    """Compiles one file into a module."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hyperfaas-plugin"], check=True,
                           env=variables, capture_output=True, text=True).stdout
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", "-o", str(target),
               str(source), *shlex.split(flags)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}\n{done.stderr}")
    return target


def build_from_source(source, target):
    """The same with the headers of the source tree, for tests of other things."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, "-std=c17", "-fPIC", "-fvisibility=hidden", "-shared",
                    f"-I{env.SOURCE}/include", "-o", str(target), str(source)], check=True)
    return target
