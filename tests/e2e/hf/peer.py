"""A child as the existing implementation has it: State without a snapshot, no Info, no health.

Or, told what to answer to Info, one of ours whose every word a test decides.
"""

import queue
from concurrent import futures

import grpc

from hf import net, pb


class Peer:
    """Two gRPC servers: the API, where it tells what it has warm, and the proxy, which answers
    every unary call by `answer(context, request)` and keeps the metadata it saw in `calls`.
    With `snapshot` it says at once that it has nothing warm, as ours do."""

    def __init__(self, host, service="leaf.Leaf", info=None, snapshot=False):
        self.snapshot = snapshot
        self.api, self.proxy = net.free_address(host), net.free_address(host)
        self.answer = lambda context, request: request
        self.calls, self.listeners = [], []
        methods = {f"/{service}/State": grpc.unary_stream_rpc_method_handler(
            self._state, pb.common.StateRequest.FromString,
            pb.common.StateResponse.SerializeToString)}
        if info is not None:
            methods |= _words_of_ours(info)
        self.servers = [
            _serve(self.api, methods),
            _serve(self.proxy, None, grpc.unary_unary_rpc_method_handler(self._call)),
        ]

    @property
    def address(self):
        """As a load balancer's configuration names it."""
        return f"{self.api}/{self.proxy}"

    def _state(self, _, context):
        told = queue.Queue()
        if self.snapshot:
            told.put(pb.common.StateResponse())
        context.add_callback(lambda: told.put(None))
        self.listeners.append(told)
        yield from iter(told.get, None)

    def _call(self, request, context):
        self.calls.append({item.key: item.value for item in context.invocation_metadata()})
        return self.answer(context, request)

    def tell(self, function_id, have):
        """Says that it has a function warm, or no longer; there must be a listener."""
        for told in self.listeners:
            told.put(pb.common.StateResponse(function_id=function_id, have=have))

    def break_off(self):
        """Ends the streams that there are, as if by a fault."""
        while self.listeners:
            self.listeners.pop().put(None)

    def stop(self):
        self.break_off()
        for server in self.servers:
            server.stop(None).wait()


def refuse(reason="no-worker", **trailers):
    """An `answer` as a leaf of ours gives it when it fails a call that no function has seen."""
    def answer(context, _):
        fields = {"hyperfaas-reason": reason, "hyperfaas-dispatched": "0", **trailers}
        context.set_trailing_metadata([(k.replace("_", "-"), v) for k, v in fields.items()])
        context.abort(grpc.StatusCode.UNAVAILABLE, "the peer refuses")
    return answer


def _words_of_ours(info):
    """Info as given, and a health service that is content."""
    serving = pb.health.HealthCheckResponse(status=pb.health.HealthCheckResponse.SERVING)
    return {
        "/hyperfaas.v1.Node/Info": grpc.unary_unary_rpc_method_handler(
            lambda *_: info, None, pb.node.InfoResponse.SerializeToString),
        "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(
            lambda *_: serving, None, pb.health.HealthCheckResponse.SerializeToString),
    }


class _Handler(grpc.GenericRpcHandler):
    """Known methods, and perhaps one for all others."""

    def __init__(self, methods, otherwise):
        self.methods, self.otherwise = methods or {}, otherwise

    def service(self, details):
        return self.methods.get(details.method, self.otherwise)


def _serve(address, methods, otherwise=None):
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([_Handler(methods, otherwise)])
    assert server.add_insecure_port(address)
    server.start()
    return server
