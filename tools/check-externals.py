#!/usr/bin/env python3
"""check-externals.py - what a file exports is used by another file of the product.

A function or a variable that only its own file uses is static; one that nobody uses goes.  Tests do
not count, but for what stands in FOR_TESTS: the ways to look at something or to drive it from outside.
Runs after the build, on its object files.
"""

import collections
import os

import csource
from objects import BUILD, PRODUCT, objects, symbols

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
