#!/usr/bin/python3
"""upper - a function in Python: takes a name and answers in capitals.

It needs grpcio (Debian: python3-grpcio) and nothing of the platform's.
"""

import os
import signal
import socket
import sys
import threading
import time
from concurrent import futures

import grpc


def upper(request, context):
    """Bytes in, bytes out: without a .proto file."""
    return request.upper()


def ticks(request, context):
    """A stream: a message every second until the caller has enough."""
    while context.is_active():
        yield b"tick"
        time.sleep(1)


METHODS = {
    "Upper": grpc.unary_unary_rpc_method_handler(upper),
    "Ticks": grpc.unary_stream_rpc_method_handler(ticks),
}


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("upper.v1.Upper", METHODS),))
    host, port = os.environ.get("LISTEN_ADDRESS", "0.0.0.0"), os.environ.get("PORT", "50052")
    server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server


def tell_worker():
    """We serve.  Said again for some seconds, one at a time: an existing worker answers, but forgets
    it, while it does not know us yet.  Our own worker also finds out by itself."""
    name = os.environ.get("INSTANCE_ID") or socket.gethostname()
    request = b"\x0a" + bytes([len(name)]) + name.encode()  # SignalReadyRequest, field 1
    end, wait = time.monotonic() + 10, 0.05
    with grpc.insecure_channel(os.environ["CONTROLLER_ADDRESS"]) as channel:
        signal_ready = channel.unary_unary("/worker.Worker/SignalReady")
        while time.monotonic() < end:
            try:
                signal_ready(request, timeout=5)
            except grpc.RpcError as error:
                print(f"the worker was not told that we are ready: {error}", file=sys.stderr)
            time.sleep(wait)
            wait = min(2 * wait, 2)


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in all threads to come
    server = serve()
    if os.environ.get("CONTROLLER_ADDRESS"):
        threading.Thread(target=tell_worker, daemon=True).start()
    signal.sigwait([signal.SIGTERM])
    server.stop(grace=30).wait()  # calls under way may finish


if __name__ == "__main__":
    main()
