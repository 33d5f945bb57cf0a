"""Building a plugin as a stranger would: one command, the installed headers, nothing else."""

import os
import shlex
import subprocess

from hf import env


def install(folder):
    """`make install` into `folder`; returns the environment for pkg-config to find it."""
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-C", env.BUILD, "install", f"DESTDIR={folder}"], env=clean,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"make install failed:\n{done.stdout[-2000:]}{done.stderr}")
    return _pkg_config(clean, next(folder.rglob("hyperfaas-plugin.pc")).parent, folder)


def _pkg_config(environment, where, sysroot):
    return {**environment, "PKG_CONFIG_PATH": str(where), "PKG_CONFIG_SYSROOT_DIR": str(sysroot)}


def build(source, target, environment):
    """Compiles one file into a module."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hyperfaas-plugin"], check=True,
                           env=environment, capture_output=True, text=True).stdout
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
