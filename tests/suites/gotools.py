"""Building the public suites and clients by their Go module paths; run by itself, all of them."""

import fcntl
import os
import shutil
import subprocess

from hf import env

BIN = env.BUILD / "tests" / "suites" / "bin"
GRPC = "google.golang.org/grpc/interop"
GRPC_VERSION = "v1.83.1"
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl"
GRPCURL_VERSION = "v1.9.3"
H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec"
H2SPEC_VERSION = "v2.2.1+incompatible"

# How `go install` fails where the fault is the surroundings', not ours.
_NO_NETWORK = ("dial tcp", "no such host", "i/o timeout", "connection refused", "proxyconnect",
               "module lookup disabled", "TLS handshake")
_OLD_GO = ("requires go >=", "go.mod requires", "invalid go version", "toolchain not available")


def tool(path, version):
    """The program built from PATH@VERSION; ends the test file as skipped where that cannot be."""
    program = BIN / path.rpartition("/")[2]
    BIN.mkdir(parents=True, exist_ok=True)
    with open(BIN / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _install(f"{path}@{version}")
    return program


def _install(what):
    if not shutil.which("go"):
        env.skip_file("no Go here to build the suite with (Debian: golang-go, or go.dev/dl)")
    environment = {**os.environ, "GOBIN": str(BIN), "GOFLAGS": "-mod=mod"}
    done = subprocess.run(["go", "install", what], env=environment, capture_output=True, text=True,
                          cwd=BIN, check=False)
    if done.returncode == 0:
        return
    if any(sign in done.stderr for sign in _NO_NETWORK):
        env.skip_file(f"no network to fetch {what}: {done.stderr[-300:]}")
    if any(sign in done.stderr for sign in _OLD_GO):
        env.skip_file(f"this Go is too old for {what}: {done.stderr[-300:]}")
    raise AssertionError(f"go install {what}:\n{done.stderr}")


if __name__ == "__main__":
    for each in ((f"{GRPC}/client", GRPC_VERSION), (f"{GRPC}/server", GRPC_VERSION),
                 (GRPCURL, GRPCURL_VERSION), (H2SPEC, H2SPEC_VERSION)):
        tool(*each)
