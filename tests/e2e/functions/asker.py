"""asker - makes calls that others asked for, from a process of its own.

Reads a JSON list of calls from stdin, each {"address", "path", "message": hex, "metadata": [[key,
value], ...]}, and writes a list of [status, details]: what came first of an answer, a message (OK) or
a status.
"""

import json
import sys

import grpc

LIMIT = 10


def ask(address, path, message="", metadata=()):
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        answer = channel.unary_stream(path)(bytes.fromhex(message), timeout=LIMIT,
                                            metadata=[tuple(pair) for pair in metadata])
        try:
            next(answer, None)
            answer.cancel()
            return ["OK", ""]
        except grpc.RpcError as error:
            return [error.code().name, error.details()]


if __name__ == "__main__":
    json.dump([ask(**call) for call in json.load(sys.stdin)], sys.stdout)
