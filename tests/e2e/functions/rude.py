"""rude - a function over raw frames, which answers as no gRPC server would.

The last part of the path says what it does:

    Hold                 answers headers and a message, and ends when the caller does
    Forbidden            a field in the response that HTTP/2 forbids
    Trailers-SIZE        a status 0 and a value of SIZE bytes in the trailers
    Message-SIZE         a status 13 with a grpc-message of SIZE bytes
    HeadFields-COUNT     so many fields in the headers, and status 0
    TrailerFields-COUNT  the same in the trailers
    Inform-COUNT         so many 1xx blocks before the response
    else                 a message and status 0

HEADER_LIMIT, if it is set, is announced as SETTINGS_MAX_HEADER_LIST_SIZE, and the connection ends
when a request is larger.  It keeps the peer's windows open and does no more than it needs.
"""

import asyncio
import os
import struct

from hf.h2raw import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING,
                      PREFACE, SETTINGS, SETTINGS_MAX_HEADER_LIST_SIZE, WINDOW_UPDATE, Inflater,
                      frame, header_block, header_frames, message)

HEAD = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]
HEADER_LIMIT = int(os.environ.get("HEADER_LIMIT", "0"))


def size_of(fields):
    return sum(len(name) + len(value) + 32 for name, value in fields)


def many(count):
    return [(f"x-n{i}", "v") for i in range(count)]


class Peer:
    """One connection."""

    def __init__(self):
        self.inflater = Inflater()
        self.block, self.block_flags = b"", 0
        self.held = set()
        self.paths = {}

    def replies_to(self, kind, flags, stream, payload):
        """The frames to send for one received frame; None: end the connection."""
        if kind == SETTINGS and not flags & ACK:
            return frame(SETTINGS, ACK, 0)
        if kind == PING and not flags & ACK:
            return frame(PING, ACK, 0, payload)
        if kind in (HEADERS, CONTINUATION):
            return self.on_headers(kind, flags, stream, payload)
        replies = b""
        if kind == DATA and payload:
            replies = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload)))
        if kind == DATA and flags & END_STREAM:
            replies += self.on_end(stream)
        return replies

    def on_headers(self, kind, flags, stream, payload):
        if kind == HEADERS:
            self.block, self.block_flags = b"", flags
        self.block += payload
        if not flags & END_HEADERS:
            return b""
        fields = self.inflater.fields(self.block)
        if HEADER_LIMIT and size_of(fields) > HEADER_LIMIT:
            return None
        self.paths[stream] = dict(fields)[":path"].rpartition("/")[2]
        replies = b""
        if self.paths[stream] == "Hold":
            self.held.add(stream)
            replies = header_frames(stream, HEAD) + frame(DATA, 0, stream, message(b"held"))
        return replies + (self.on_end(stream) if self.block_flags & END_STREAM else b"")

    def on_end(self, stream):
        if stream in self.held:
            return header_frames(stream, OK, END_STREAM)
        what, _, number = self.paths[stream].partition("-")
        count = int(number or 0)
        head, tail, before = HEAD, OK, b""
        if what == "Forbidden":
            head = HEAD + [("connection", "keep-alive")]
        elif what == "Trailers":
            tail = OK + [("x-large", "v" * count)]
        elif what == "Message":
            tail = [("grpc-status", "13"), ("grpc-message", "m" * count)]
        elif what == "HeadFields":
            head = HEAD + many(count)
        elif what == "TrailerFields":
            tail = OK + many(count)
        elif what == "Inform":
            block = header_block([(":status", "102")])
            before = frame(HEADERS, END_HEADERS, stream, block) * count
        return (before + header_frames(stream, head) + frame(DATA, 0, stream, message(b"done")) +
                header_frames(stream, tail, END_STREAM))


async def serve(reader, writer):
    peer = Peer()
    settings = b""
    if HEADER_LIMIT:
        settings = struct.pack(">HI", SETTINGS_MAX_HEADER_LIST_SIZE, HEADER_LIMIT)
    try:
        await reader.readexactly(len(PREFACE))
        writer.write(frame(SETTINGS, 0, 0, settings))
        while True:
            head = await reader.readexactly(9)
            kind, flags, stream = struct.unpack_from(">BBI", head, 3)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            replies = peer.replies_to(kind, flags, stream & 0x7FFFFFFF, payload)
            if replies is None:
                writer.write(frame(GOAWAY, 0, 0, struct.pack(">II", stream, 11)))
                break
            writer.write(replies)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        peer.inflater.close()
        writer.close()


async def main():
    host, port = os.environ.get("LISTEN_ADDRESS", "0.0.0.0"), int(os.environ.get("PORT", "50052"))
    server = await asyncio.start_server(serve, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
