#!/usr/bin/env python3
"""check-layers.py - includes point only upwards in the list of layers (docs/ARCHITECTURE.md)."""

import os
import re

import csource

# What each layer of core/ may include besides itself.
LAYERS = {
    "base": (),
    "loop": ("base",),
    "h2": ("base", "loop"),
    "grpc": ("base", "loop", "h2"),
    "http": ("base", "loop"),
    "plugin": ("base", "loop", "h2", "grpc", "http"),
    "verify": ("base", "plugin"),
    "engine": ("base",),
    "ctl": ("base", "loop"),
    "spop": ("base", "loop"),
    "node": ("base", "loop", "h2", "grpc", "http", "plugin", "engine", "ctl", "spop"),
}

# What stands outside the list of layers.
OTHERS = {
    "bench": tuple(LAYERS),
    "cli": ("base", "loop", "h2", "grpc", "http", "plugin", "verify", "ctl", "node"),
    "functions": ("base", "loop", "h2", "grpc"),
    "include": (),
    "plugins": (),
    "tests": tuple(LAYERS),
}

# Roles know nothing of each other: what the folders of core/node/ may include of one another.
# What they share lies in core/node/ itself, which knows none of them but through role.h.
ROLES = {
    "front": ("proxy",),
    "lb": ("front", "peer", "proxy"),
    "leaf": ("front", "peer", "proxy"),
    "peer": (),
    "proxy": (),
    "worker": (),
}

# Foreign headers that only some may include; a header not listed is free to all.
FOREIGN = {
    "event2/": ("loop", "h2", "http", "bench", "tests"),
    "nghttp2/": ("h2", "bench", "tests"),
    "curl/": ("http",),
    "ltdl.h": ("plugin",),
    "protobuf-c/": ("grpc", "node", "ctl", "cli", "functions", "tests"),
    "pthread.h": ("base", "loop", "h2", "grpc", "http", "plugin", "node", "ctl", "cli",
                  "functions", "bench", "tests", "plugins"),
}

# What several files of one folder need of a thing's inside is in <thing>_private.h: one suffix.
OTHER_SUFFIX = re.compile(r"[_-](impl|int|internal|priv)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def place(path):
    """The layer a file belongs to, or the folder that stands for it."""
    parts = path.split(os.sep)
    if parts[0] == "core":
        return parts[1] if len(parts) > 2 else "main"
    return parts[0]


def allowed_layers(where):
    return tuple(LAYERS) if where == "main" else LAYERS.get(where, OTHERS.get(where, ()))


def role_problem(path, header):
    """Says what is wrong with an include of a role's header, or None."""
    parts = header.split("/")
    if parts[0] != "node" or len(parts) != 3 or not path.startswith("core/node/"):
        return None
    own = os.path.basename(os.path.dirname(path))
    if own == parts[1] or parts[1] in ROLES.get(own, ()):
        return None
    return f"{os.path.dirname(path)} may not know of core/node/{parts[1]}"


def private_problem(path, header):
    """Says what is wrong with an include of a header that is private to a folder, or None."""
    if OTHER_SUFFIX.search(header):
        return "a private header is named <thing>_private.h"
    if not header.endswith("_private.h") or path.startswith("tests/unit/"):
        return None
    folder = os.path.dirname(header)
    if folder and os.path.dirname(path) != "core/" + folder:
        return f"private to {folder}"
    return None


def problem(path, where, header, quoted):
    """Says what is wrong with one include, or None."""
    folder = header.split("/")[0]
    wrong = role_problem(path, header) or (quoted and private_problem(path, header))
    if wrong:
        return wrong
    if folder == "hyperfaas" or folder == where:
        return None
    if quoted and folder in LAYERS and "/" in header:
        if folder not in allowed_layers(where):
            return f"{where} may not include {folder}"
    elif quoted and where == "plugins" and "/" in header and not header.startswith("../kit/"):
        return "a plugin may include only <hyperfaas/...>, the kit, and headers of its own folder"
    for foreign, users in FOREIGN.items():
        if header.startswith(foreign) and where != "main" and where not in users:
            return f"only {', '.join(users)} may include <{foreign}>"
    return None


def main():
    problems = []
    for path in csource.sources():
        where = place(path)
        text = csource.read(path)
        for match in INCLUDE.finditer(text):
            what = problem(path, where, match.group(2), match.group(1) == '"')
            if what:
                line = csource.line_of(text, match.start(2))
                problems.append(f"{path}:{line}: includes {match.group(2)}: {what}")
    csource.finish("includes between layers", problems)


if __name__ == "__main__":
    main()
