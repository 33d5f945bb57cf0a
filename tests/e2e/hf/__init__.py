"""Helpers of the end-to-end tests: real daemons, an independent gRPC client.

A test file imports what it needs from here and ends with `hf.main()`:

    import hf

    class Unary(hf.TestCase):
        def test_hello(self):
            platform = self.platform()
            ...

    if __name__ == "__main__":
        hf.main()
"""

import os
import sys

from hf import env

# grpcio comes from Debian; a python3 earlier in PATH may be another one.
_DEBIAN_PYTHON = "/usr/bin/python3"

try:
    import grpc  # noqa: F401
    import google.protobuf  # noqa: F401
except ImportError:
    if sys.executable != _DEBIAN_PYTHON and os.access(_DEBIAN_PYTHON, os.X_OK):
        os.execv(_DEBIAN_PYTHON, [_DEBIAN_PYTHON, "-B", *sys.argv])
    env.skip_file("no gRPC for Python here (Debian: python3-grpcio python3-protobuf)")

from hf import h2raw, ini, net, processes, rpc
from hf.case import TestCase, main
from hf.cli import Tool
from hf.daemon import Daemon
from hf.platform import Platform
from hf.rpc import Client, failure
from hf.wait import eventually

__all__ = ["Client", "Daemon", "Platform", "TestCase", "Tool", "env", "eventually", "failure",
           "h2raw", "ini", "main", "net", "processes", "rpc"]
