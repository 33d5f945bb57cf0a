"""HTTP/2 by hand, for what no gRPC client can be made to send.

Frames are written and read here; header blocks are sent as literals without compression and
decoded by libnghttp2's own inflater, reached through ctypes (RFC 9113, RFC 7541).
"""

import ctypes
import ctypes.util
import socket
import struct

from hf import env

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS_INITIAL_WINDOW_SIZE = 4
SETTINGS_MAX_HEADER_LIST_SIZE = 6
_INFLATE_EMIT, _INFLATE_FINAL = 2, 1


class _Field(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("value", ctypes.c_void_p),
        ("namelen", ctypes.c_size_t),
        ("valuelen", ctypes.c_size_t),
        ("flags", ctypes.c_uint8),
    ]


class Inflater:
    """Decodes the header blocks of one connection, in order."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
        self.lib.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.state = ctypes.c_void_p()
        assert self.lib.nghttp2_hd_inflate_new(ctypes.byref(self.state)) == 0

    def fields(self, block):
        found = []
        data = ctypes.create_string_buffer(block, len(block))
        offset = 0
        while True:
            field, flags = _Field(), ctypes.c_int()
            used = self.lib.nghttp2_hd_inflate_hd2(
                self.state, ctypes.byref(field), ctypes.byref(flags),
                ctypes.c_void_p(ctypes.addressof(data) + offset),
                ctypes.c_size_t(len(block) - offset), 1)
            assert used >= 0, f"the peer's header block does not decode ({used})"
            offset += used
            if flags.value & _INFLATE_EMIT:
                found.append((ctypes.string_at(field.name, field.namelen).decode("latin-1"),
                              ctypes.string_at(field.value, field.valuelen).decode("latin-1")))
            if flags.value & _INFLATE_FINAL:
                self.lib.nghttp2_hd_inflate_end_headers(self.state)
                return found

    def close(self):
        self.lib.nghttp2_hd_inflate_del(self.state)


def _integer(value, prefix_bits):
    """RFC 7541, section 5.1, with zero pattern bits."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([value])
    out, value = bytearray([limit]), value - limit
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes(out) + bytes([value])


def header_block(fields):
    """Literals without indexing (section 6.2.2)."""
    block = b""
    for name, value in fields:
        name, value = name.encode("latin-1"), value.encode("latin-1")
        block += b"\0" + _integer(len(name), 7) + name + _integer(len(value), 7) + value
    return block


def grpc_request(authority, path, extra=()):
    """The header fields of a gRPC request."""
    authority_field = [] if authority is None else [(":authority", authority)]
    return [
        (":method", "POST"), (":scheme", "http"), (":path", path), *authority_field,
        ("te", "trailers"), ("content-type", "application/grpc"), *extra,
    ]


def message(payload, compressed=False):
    """A message with gRPC's prefix of five bytes."""
    return struct.pack(">BI", compressed, len(payload)) + payload


def frame(kind, flags, stream, payload=b""):
    """The bytes of a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_frames(stream, fields, flags=0):
    """A block in as many frames as it needs."""
    block, kind, frames = header_block(fields), HEADERS, b""
    while True:
        piece, block = block[:16384], block[16384:]
        frames += frame(kind, flags | (0 if block else END_HEADERS), stream, piece)
        if not block:
            return frames
        kind, flags = CONTINUATION, 0


class Frame:
    """A frame that was received."""

    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def error_code(self):
        """Of RST_STREAM and GOAWAY."""
        offset = 4 if self.kind == GOAWAY else 0
        return struct.unpack_from(">I", self.payload, offset)[0]


class Response:
    """What came back on one stream."""

    def __init__(self):
        self.headers, self.trailers = None, None
        self.data = b""
        self.ended = False
        self.reset = None
        self.header_frames = 0
        self.informational = 0

    def field(self, name):
        for fields in (self.trailers, self.headers):
            if fields and name in dict(fields):
                return dict(fields)[name]
        return None

    def over(self):
        return self.ended or self.reset is not None


class Connection:
    """A client connection that reads only when told to."""

    def __init__(self, address, window=1 << 20, limit=10, settings=b""):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=env.seconds(limit))
        self.inflater = Inflater()
        self.buffer = b""
        self.responses = {}
        self.goaway = None
        self.next_stream = 1
        self.block, self.block_ends = b"", False
        settings += struct.pack(">HI", SETTINGS_INITIAL_WINDOW_SIZE, window)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 24))
        # A peer may close a connection on which its SETTINGS stay without an answer.
        while self.read_frame().kind != SETTINGS:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.inflater.close()

    def send(self, kind, flags=0, stream=0, payload=b""):
        self.socket.sendall(frame(kind, flags, stream, payload))

    def request(self, fields, body=b"", end=True):
        """Begins a stream and returns its id."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.responses[stream] = Response()
        last = END_STREAM if end and not body else 0
        self.socket.sendall(header_frames(stream, fields, last))
        for offset in range(0, len(body), 16384):
            piece = body[offset:offset + 16384]
            last = END_STREAM if end and offset + len(piece) == len(body) else 0
            self.send(DATA, last, stream, piece)
        return stream

    def reset(self, stream, code=8):
        self.send(RST_STREAM, 0, stream, struct.pack(">I", code))

    def read_frame(self):
        """The next frame, or None when the peer has closed."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + self._length():
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self.buffer += piece
        length = self._length()
        kind, flags, stream = struct.unpack_from(">BBI", self.buffer, 3)
        received = Frame(kind, flags, stream & 0x7FFFFFFF, self.buffer[9:9 + length])
        self.buffer = self.buffer[9 + length:]
        self._act_on(received)
        return received

    def _length(self):
        return int.from_bytes(self.buffer[:3], "big")

    def _act_on(self, received):
        response = self.responses.get(received.stream)
        if received.kind == SETTINGS and not received.flags & ACK:
            self.send(SETTINGS, ACK)
        elif received.kind == PING and not received.flags & ACK:
            self.send(PING, ACK, 0, received.payload)
        elif received.kind == GOAWAY:
            self.goaway = received
        elif received.kind in (HEADERS, CONTINUATION):
            self._on_headers(received, response)
        elif received.kind == DATA:
            response.data += received.payload
        elif received.kind == RST_STREAM and response:
            response.reset = received.error_code()
        if response and received.kind == DATA and received.flags & END_STREAM:
            response.ended = True

    def _on_headers(self, received, response):
        if received.kind == HEADERS:
            self.block, self.block_ends = b"", bool(received.flags & END_STREAM)
        self.block += received.payload
        if not received.flags & END_HEADERS:
            return
        fields = self.inflater.fields(self.block)
        response.ended = self.block_ends
        response.header_frames += 1
        if dict(fields).get(":status", "").startswith("1"):
            response.informational += 1
        elif response.headers is None:
            response.headers = fields
        else:
            response.trailers = fields

    def response(self, stream):
        """Reads until the stream is over, or the connection is."""
        response = self.responses[stream]
        while not response.over():
            if self.read_frame() is None:
                break
        return response

    def read_to_end(self):
        """Reads until the peer closes; what it had to say is in `goaway`."""
        try:
            while self.read_frame() is not None:
                pass
        except ConnectionResetError:
            pass
