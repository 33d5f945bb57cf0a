"""HAProxy's part of the offload protocol (SPOP 2.0), written from its document alone."""

import socket
import struct

from hf import env

HELLO, DISCONNECT, NOTIFY = 1, 2, 3
AGENT_HELLO, AGENT_DISCONNECT, ACK = 101, 102, 103
FIN = 1
TRANSACTION = 2

_NULL, _BOOL, _UINT32, _STRING = 0, 1, 3, 8
_TRUE = 0x10
_SET_VAR = 1


# --- bytes ----------------------------------------------------------------------------------

def number(value):
    if value < 240:
        return bytes([value])
    out = [(value & 0xFF) | 240]
    value = (value - 240) >> 4
    while value >= 128:
        out.append((value & 0xFF) | 128)
        value = (value - 128) >> 7
    return bytes([*out, value])


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return number(len(raw)) + raw


def typed(value):
    """A value of Python's as one of the protocol's."""
    if value is None:
        return bytes([_NULL])
    if isinstance(value, bool):
        return bytes([_BOOL | (_TRUE if value else 0)])
    if isinstance(value, int):
        return bytes([_UINT32]) + number(value)
    return bytes([_STRING]) + string(value)


def pairs(values):
    return b"".join(string(name) + typed(value) for name, value in values.items())


def frame(kind, payload, stream=0, frame_id=0, flags=FIN):
    body = bytes([kind]) + struct.pack("!I", flags) + number(stream) + number(frame_id) + payload
    return struct.pack("!I", len(body)) + body


def hello(healthcheck=None, **changes):
    """HAPROXY-HELLO as HAProxy 2.6 says it; a change to None leaves an item out."""
    values = {"supported-versions": "2.0", "max-frame-size": 16380,
              "capabilities": "pipelining,async"}
    if healthcheck is not None:
        values["healthcheck"] = healthcheck
    values.update({name.replace("_", "-"): value for name, value in changes.items()})
    return frame(HELLO, pairs({k: v for k, v in values.items() if v is not None}))


def message(name, args):
    return string(name) + bytes([len(args)]) + pairs(args)


def notify(name, args, stream=1, frame_id=1):
    return frame(NOTIFY, message(name, args), stream, frame_id)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        assert count <= self.left(), f"the frame ends too early: {self.data!r}"
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        value = self.byte()
        if value >= 240:
            shift = 4
            while True:
                byte = self.byte()
                value += byte << shift
                shift += 7
                if byte < 128:
                    break
        return value

    def string(self):
        return self.take(self.number()).decode()

    def typed(self):
        head = self.byte()
        kind = head & 0x0F
        if kind == _BOOL:
            return bool(head & _TRUE)
        if kind == _STRING:
            return self.string()
        assert kind == _UINT32, f"an agent of ours never sends values of type {kind}"
        return self.number()


class Frame:
    """A frame as it came."""

    def __init__(self, data):
        reader = _Reader(data)
        self.kind = reader.byte()
        self.flags = struct.unpack("!I", reader.take(4))[0]
        self.stream, self.frame_id = reader.number(), reader.number()
        self.payload = reader.data[reader.at:]

    def items(self):
        """The names and values of a HELLO or a DISCONNECT."""
        reader, found = _Reader(self.payload), {}
        while reader.left():
            name = reader.string()
            found[name] = reader.typed()
        return found

    def variables(self):
        """What an ACK sets: {(scope, name): value}."""
        reader, found = _Reader(self.payload), {}
        while reader.left():
            action, count, scope = reader.byte(), reader.byte(), reader.byte()
            assert (action, count) == (_SET_VAR, 3), "an agent of ours only sets variables"
            name = reader.string()
            found[scope, name] = reader.typed()
        return found


# --- a connection ---------------------------------------------------------------------------

class Spop:
    """One connection to an agent, "HOST:PORT" or "unix:PATH"."""

    def __init__(self, address):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            where = address[len("unix:"):]
        else:
            self.socket = socket.socket()
            host, _, port = address.rpartition(":")
            where = (host, int(port))
        self.socket.settimeout(env.seconds(10))
        self.socket.connect(where)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next frame, or None at the end."""
        head = self._read(4)
        return Frame(self._read(struct.unpack("!I", head)[0])) if head else None

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                assert not data, f"the connection ended in the midst of a frame: {data!r}"
                return b""
            data += more
        return data

    def meet(self, **changes):
        """Says HELLO; the items of the answer."""
        self.send(hello(**changes))
        answer = self.receive()
        assert answer and answer.kind == AGENT_HELLO, f"no AGENT-HELLO but {answer}"
        return answer.items()

    def ask(self, name, args, stream=1, frame_id=1):
        """Asks, and returns what the agent sets."""
        self.send(notify(name, args, stream, frame_id))
        answer = self.receive()
        assert answer and answer.kind == ACK, f"no ACK but {answer and answer.items()}"
        assert (answer.stream, answer.frame_id, answer.flags) == (stream, frame_id, FIN)
        return answer.variables()
