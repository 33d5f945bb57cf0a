"""mirror - a function that answers every HTTP/2 request with what it got.

The answer is 200 with the request's fields as JSON, [[name, value], ...]: exactly what came over
the wire, which no gRPC server shows.  Behind the proxy there is only one well-behaved client, so
this does no more than that one needs: it answers when a request is complete, and keeps the peer's
windows open (RFC 9113).

It answers after a pause, so that what a caller sends behind its request finds the stream half
closed, not closed: conformance tests tell the two apart, and must not depend on who is faster.
"""

import asyncio
import json
import os
import struct

from hf.h2raw import (ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, SETTINGS,
                      WINDOW_UPDATE, Inflater, frame, header_block)

PAUSE = 0.05  # seconds


class Peer:
    """One connection."""

    def __init__(self):
        self.inflater = Inflater()
        self.requests = {}

    def close(self):
        self.inflater.close()

    def replies_to(self, kind, flags, stream, payload):
        """The frames to send for one received frame."""
        if kind == SETTINGS and not flags & ACK:
            return frame(SETTINGS, ACK, 0)
        if kind == PING and not flags & ACK:
            return frame(PING, ACK, 0, payload)
        replies = b""
        if kind == HEADERS:
            # Trailers come this way too, and are fields of the same request.
            self.requests.setdefault(stream, []).extend(self.inflater.fields(payload))
        if kind == DATA and payload:
            increment = struct.pack(">I", len(payload))
            replies += frame(WINDOW_UPDATE, 0, 0, increment)
            if not flags & END_STREAM:
                replies += frame(WINDOW_UPDATE, 0, stream, increment)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            replies += self.answer(stream)
        return replies

    def answer(self, stream):
        fields = self.requests.pop(stream)
        body = json.dumps(fields).encode()
        head = header_block([(":status", "200"), ("content-length", str(len(body)))])
        if (":method", "HEAD") in fields:
            return frame(HEADERS, END_HEADERS | END_STREAM, stream, head)
        return frame(HEADERS, END_HEADERS, stream, head) + frame(DATA, END_STREAM, stream, body)


async def serve(reader, writer):
    peer = Peer()
    try:
        await reader.readexactly(len(PREFACE))
        writer.write(frame(SETTINGS, 0, 0))
        while True:
            head = await reader.readexactly(9)
            kind, flags, stream = struct.unpack_from(">BBI", head, 3)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            replies = peer.replies_to(kind, flags, stream & 0x7FFFFFFF, payload)
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                asyncio.get_running_loop().call_later(PAUSE, writer.write, replies)
            else:
                writer.write(replies)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        peer.close()
        writer.close()


async def main():
    host, port = os.environ.get("LISTEN_ADDRESS", "0.0.0.0"), int(os.environ.get("PORT", "50052"))
    server = await asyncio.start_server(serve, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
