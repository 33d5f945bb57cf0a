#!/usr/bin/env python3
"""check-externals.py - what a file exports is used by another file of the product.

A function or a variable that only its own file uses is static; one that nobody uses goes.  Tests do
not count, but for what stands in FOR_TESTS: the ways to look at something or to drive it from outside.
Runs after the build, on its object files.
"""

import collections
import os
import subprocess

import csource

BUILD = os.environ.get("HF_BUILDDIR") or os.path.join(csource.ROOT, "build")
PRODUCT = ("cli", "core", "functions", "plugins")

# Read by programs that are none of ours.
PUBLIC = {
    "hyperfaas_plugin": "the symbol of a plugin",
    "main": "",
}
PUBLIC_HEADERS = ("functions/hyperfaas-function.h",)

FOR_TESTS = {
    "base64_decode": "what a fake etcd is asked with",
    "codec_read": "a message by itself",
    "hf_config_parse": "a configuration without a file",
    "hf_counter_value": "what was counted",
    "hf_fleet_invalid_picks": "what a policy did wrong",
    "hf_grpc_call_reply_bytes": "answers that are no message of ours",
    "hf_grpc_call_unsent": "backpressure",
    "hf_grpc_server_calls": "what a server has open",
    "hf_grpc_server_connections": "what a server has open",
    "hf_h2_channel_connections": "what a channel has open",
    "hf_h2_channel_streams": "what a channel has open",
    "hf_h2_channel_waiting": "what a channel has open",
    "hf_h2_stream_id": "which stream it is on the wire",
    "hf_h2_stream_room": "the relay of the benchmarks",
    "hf_listener_port": "the port that the system chose",
    "hf_log_set_sink": "what was logged",
    "hf_catalog_count": "what a catalogue holds",
    "hf_budget_used": "what a budget holds",
}


def has_source(path):
    """Whether an object file is not one of an earlier build, whose source has gone."""
    folder, name = os.path.split(os.path.relpath(path, BUILD))
    name = name[:-len(".o")].split("_la-")[-1]
    folder = folder[:-len("/.libs")] if folder.endswith("/.libs") else folder
    return os.path.exists(os.path.join(csource.ROOT, folder, name + ".c"))


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


def main():
    defined = collections.defaultdict(set)
    used = set()
    for folder, path in objects():
        for name, is_defined in symbols(path):
            if not is_defined:
                used.add(name)
            elif folder in PRODUCT:
                defined[name].add(os.path.relpath(path, BUILD).replace("/.libs/", "/"))
    public = "".join(csource.read(path) for path in PUBLIC_HEADERS)
    problems = []
    for name, paths in sorted(defined.items(), key=lambda item: sorted(item[1])):
        if name in used:
            if name in FOR_TESTS:
                problems.append(f"{name} is used now: take it off the list of check-externals.py")
        elif name not in PUBLIC and name not in FOR_TESTS and f"{name}(" not in public:
            problems.append(f"{', '.join(sorted(paths))}: no other file uses {name}")
    problems += [f"{name} is gone: take it off the list of check-externals.py"
                 for name in FOR_TESTS if name not in defined]
    csource.finish(f"{len(defined)} externals", problems)


if __name__ == "__main__":
    main()
