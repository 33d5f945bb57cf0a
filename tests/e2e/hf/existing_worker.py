"""A worker that behaves as the existing implementation's does, for leaves of ours.

What it does not do matters as much: it has no hyperfaas.v1.Node, sends no response headers on
Status before the first event and no snapshot, and forgets a listener whose node id another
listener uses.  It goes on with a Start whose caller has given up, and believes an instance that
says it is ready.  Its instances are gRPC servers of this process that echo.
"""

import itertools
import queue
import threading
from concurrent import futures

import grpc

from hf import net, wire

_OPTIONS = [("grpc.so_reuseport", 0)]
_UNLIMITED_WAIT = 600


def _server(address, handlers, threads):
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=_OPTIONS)
    server.add_generic_rpc_handlers(handlers)
    assert server.add_insecure_port(address) != 0, f"cannot listen on {address}"
    server.start()
    return server


class _Echo(grpc.GenericRpcHandler):
    """Answers every method with the request."""

    def __init__(self, instance):
        self.instance = instance

    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(self._call)

    def _call(self, request, context):
        self.instance.calls += 1
        if request == b"hold":
            context.add_callback(self.instance.let_go.set)
            self.instance.held.set()
            self.instance.let_go.wait(_UNLIMITED_WAIT)
        return request


class Instance:
    """One running function, as a container would be."""

    _numbers = itertools.count(1)

    def __init__(self, host, function_id, listens=True):
        self.id = f"{next(self._numbers):012x}"
        self.function_id = function_id
        self.address = net.free_address(host)
        self.calls = 0
        self.held, self.let_go = threading.Event(), threading.Event()
        self.server = None
        if listens:
            self.listen()

    def listen(self):
        self.server = _server(self.address, (_Echo(self),), 8)

    def die(self):
        """Its port is closed and its calls are cut off."""
        self.let_go.set()
        if self.server:
            self.server.stop(None).wait()


class ExistingWorker:
    """Started and stopped by a test, which may change how it behaves at any time.

    internal, external   functions from an instance's true address to what Start tells of it
    before_start         called in each Start with its context; may wait, or abort the call
    before_ready         the same after the instance exists and EVENT_START was sent
    before_stop          the same for Stop
    listen_at_once       whether instances listen before they are said to be ready
    crash_events         whether an instance that dies is reported
    """

    def __init__(self, address, host):
        self.address, self.host = address, host
        self.internal = self.external = lambda true_address: true_address
        self.before_start = self.before_ready = self.before_stop = lambda context: None
        self.listen_at_once = True
        self.crash_events = True
        self.lock = threading.Lock()
        self.instances = {}
        self.listeners = {}  # by node id
        self.node_ids = []  # all that ever listened
        self.starts, self.stops = [], []  # function ids, instance ids
        self.metadata = []  # of each Start
        self.server = None

    # --- life -------------------------------------------------------------------------------

    def start(self):
        rpc = grpc.unary_unary_rpc_method_handler
        methods = {
            wire.START: rpc(self._start, wire.worker.StartRequest.FromString, _bytes),
            wire.STOP: rpc(self._stop, wire.worker.StopRequest.FromString, _bytes),
            wire.STATUS: grpc.unary_stream_rpc_method_handler(
                self._status, wire.worker.StatusRequest.FromString, _bytes),
            wire.HEALTH: rpc(self._health, wire.health.HealthCheckRequest.FromString, _bytes),
        }
        self.server = _server(self.address, (_Table(methods),), 32)
        return self

    def vanish(self):
        """The process is killed; its containers are orphaned, and run on."""
        self.end_streams()
        self.server.stop(None).wait()

    def discard(self):
        self.vanish()
        for instance in self.instances.values():
            instance.die()

    def end_streams(self):
        """Status streams end; everything else goes on."""
        with self.lock:
            for listener in self.listeners.values():
                listener.put(None)
            self.listeners.clear()

    # --- what a test does to it -------------------------------------------------------------

    def running(self):
        """The instances that run now, oldest first."""
        with self.lock:
            return list(self.instances.values())

    def crash(self, instance):
        """The container ends by itself, and is removed by the engine."""
        self._remove(instance.id)
        if self.crash_events:
            self.tell(instance, "EVENT_DOWN", failed=True)

    def tell(self, instance, event, failed=False, with_function=True):
        update = wire.worker.StatusUpdate(
            instance_id=instance.id,
            event=wire.worker.Event.Value(event),
            status=wire.worker.STATUS_FAILED if failed
            else wire.worker.STATUS_SUCCESS_UNSPECIFIED,
            function_id=instance.function_id if with_function else "")
        update.timestamp.GetCurrentTime()
        with self.lock:
            for listener in self.listeners.values():
                listener.put(update)

    def _remove(self, instance_id):
        with self.lock:
            instance = self.instances.pop(instance_id, None)
        if instance:
            instance.die()
        return instance

    # --- the service ------------------------------------------------------------------------

    def _start(self, request, context):
        self.starts.append(request.function_id)
        self.metadata.append(dict(context.invocation_metadata()))
        self.before_start(context)
        instance = Instance(self.host, request.function_id, self.listen_at_once)
        with self.lock:
            self.instances[instance.id] = instance
        self.tell(instance, "EVENT_START")
        self.before_ready(context)
        return wire.worker.StartResponse(
            instance_id=instance.id,
            instance_internal_ip=self.internal(instance.address),
            instance_external_ip=self.external(instance.address),
            instance_name=f"hyperfaas-echo-{instance.id[:8]}")

    def _stop(self, request, context):
        self.stops.append(request.instance_id)
        self.before_stop(context)
        instance = self._remove(request.instance_id)
        if instance is None:
            context.abort(grpc.StatusCode.UNKNOWN, f"No such container: {request.instance_id}")
        self.tell(instance, "EVENT_STOP", with_function=False)
        self.tell(instance, "EVENT_DOWN", failed=True)
        return wire.worker.StopResponse(instance_id=request.instance_id)

    def _status(self, request, context):
        events = queue.Queue()
        with self.lock:
            self.node_ids.append(request.node_id)
            self.listeners[request.node_id] = events
        context.add_callback(lambda: events.put(None))
        while True:
            update = events.get()
            if update is None:
                return
            yield update

    @staticmethod
    def _health(request, context):
        if request.service not in ("", "worker"):
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return wire.health.HealthCheckResponse(status=wire.health.HealthCheckResponse.SERVING)


class _Table(grpc.GenericRpcHandler):
    """Methods by their full path; all others are UNIMPLEMENTED."""

    def __init__(self, methods):
        self.methods = methods

    def service(self, details):
        return self.methods.get(details.method)


def _bytes(message):
    return message.SerializeToString()
