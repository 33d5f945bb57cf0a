"""An unmodified gRPC client that needs no schema: messages are bytes."""

import json

import grpc

from hf import env

_UNLIMITED = -1
_KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def open_channel(address, authority=None, options=()):
    """A connection of its own (grpcio shares them by default) with no limit on message sizes."""
    settings = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_send_message_length", _UNLIMITED),
        ("grpc.max_receive_message_length", _UNLIMITED),
        *options,
    ]
    if authority is not None:
        settings.append(("grpc.default_authority", authority))
    return grpc.insecure_channel(address, options=settings)


class Client:
    """Calls one function (or one node's API) with bytes, or with protobuf messages."""

    def __init__(self, address, authority=None, options=()):
        self.address = address
        self.channel = open_channel(address, authority, options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.channel.close()

    def method(self, path, kind="unary_unary", reply=None):
        """The callable for `path`; `reply` is the protobuf class of the answer, or None."""
        assert kind in _KINDS
        return getattr(self.channel, kind)(
            path,
            request_serializer=_serialize,
            response_deserializer=reply.FromString if reply else None,
        )

    def call(self, path, request=b"", reply=None, timeout=20, **more):
        """A unary call, to its end."""
        return self.method(path, reply=reply)(request, timeout=env.seconds(timeout), **more)

    def call_full(self, path, request=b"", reply=None, timeout=20, **more):
        """A unary call: the answer, and the call with its metadata."""
        method = self.method(path, reply=reply)
        return method.with_call(request, timeout=env.seconds(timeout), **more)

    def begin(self, path, request=b"", reply=None, timeout=20, **more):
        """A unary call in the background."""
        return self.method(path, reply=reply).future(
            request, timeout=env.seconds(timeout), **more
        )

    def stream(self, path, request=b"", reply=None, timeout=20, **more):
        """A server-streaming call."""
        method = self.method(path, "unary_stream", reply)
        return method(request, timeout=env.seconds(timeout), **more)

    def upload(self, path, requests, reply=None, timeout=20, **more):
        """A client-streaming call, to its end."""
        method = self.method(path, "stream_unary", reply)
        return method(iter(requests), timeout=env.seconds(timeout), **more)

    def converse(self, path, requests, reply=None, timeout=20, **more):
        """A bidirectional call."""
        method = self.method(path, "stream_stream", reply)
        return method(requests, timeout=env.seconds(timeout), **more)


def _serialize(message):
    return message if isinstance(message, bytes) else message.SerializeToString()


def instructions(**wanted):
    """Metadata that tells the probe what to do, see functions/probe."""
    return [("probe", json.dumps(wanted))]


def failure(function, *args, **kwargs):
    """The RpcError that a call ends with; its absence fails the test."""
    try:
        answer = function(*args, **kwargs)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"the call succeeded, with {answer!r}")


def outcome(future):
    """The status code of a call begun in the background, waiting for its end."""
    try:
        future.result()
    except (grpc.RpcError, grpc.FutureCancelledError):
        pass
    return future.code()


def trailer(call, key):
    """The value of a trailer, or None."""
    return dict(call.trailing_metadata() or ()).get(key)
