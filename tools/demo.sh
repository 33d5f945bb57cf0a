#!/bin/sh
# demo.sh - shows the platform at work; see demo.py.
# usage: demo.sh [--keep]    with HF_BUILDDIR naming the build folder (default: build)
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
HF_SRCDIR=$top
HF_BUILDDIR=${HF_BUILDDIR:-$top/build}
export HF_SRCDIR HF_BUILDDIR

# grpcio comes from Debian; a python3 earlier in PATH may be another one.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import grpc, google.protobuf' 2>/dev/null; then
        exec env PYTHONPATH="$top/tests/e2e" "$python" -B "$top/tools/demo.py" "$@"
    fi
done
echo "demo: no gRPC for Python here: install python3-grpcio and python3-protobuf" >&2
exit 1
