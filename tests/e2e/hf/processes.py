"""No process outlives a test: orphans come to us, and are counted."""

import ctypes
import os
import signal
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on, a descendant whose parent has died becomes our child (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def _stat(pid):
    """The fields after the name of /proc/PID/stat, or None if it has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def children(parent=None):
    """Process ids whose parent is `parent` (by default ourselves), zombies included."""
    parent = parent or os.getpid()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(entry)
            if fields and int(fields[1]) == parent:
                found.append(int(entry))
    return found


def is_alive(pid):
    fields = _stat(pid)
    return fields is not None and fields[0] not in ("Z", "X")


def is_stopped(pid):
    """Whether SIGSTOP has taken effect, which it does some time after kill(2) has returned."""
    fields = _stat(pid)
    return fields is not None and fields[0] == "T"


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return "?"


def orphans(known):
    """Live processes that were left to us; `known` are those that the test started itself."""
    left = []
    for pid in children():
        if pid in known:
            continue
        if is_alive(pid):
            left.append(pid)
        else:
            reap(pid)
    return left


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reap(pid):
    """Takes the end of a process that may have become our child."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def resident_bytes(pid):
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
