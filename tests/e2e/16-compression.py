"""Compressed messages cross unopened, in both directions."""

import gzip

import grpc
import hf
from hf import h2raw
from hf.rpc import instructions

TEXT = b"compressible " * 10000


class Compression(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe()

    def test_gzip_in_both_directions(self):
        client = self.p.client(self.function_id)
        reply = client.call("/hf.Probe/Unary", TEXT, compression=grpc.Compression.Gzip,
                            metadata=instructions(compress="gzip"))
        self.assertEqual(reply, TEXT)

    def test_gzip_on_a_stream(self):
        client = self.p.client(self.function_id)
        replies = client.converse("/hf.Probe/Converse", iter([TEXT] * 5),
                                  compression=grpc.Compression.Gzip,
                                  metadata=instructions(compress="gzip"))
        self.assertEqual(list(replies), [TEXT] * 5)

    def test_the_wire_carries_compressed_bytes(self):
        """Seen frame by frame: encodings and flags are those that caller and function sent."""
        extra = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip"),
                 *instructions(compress="gzip")]
        with h2raw.Connection(self.p.proxy) as connection:
            request = h2raw.grpc_request(self.function_id, "/hf.Probe/Unary", extra)
            stream = connection.request(request, h2raw.message(gzip.compress(TEXT), True))
            response = connection.response(stream)
        self.assertEqual(response.field("grpc-status"), "0")
        self.assertEqual(response.field("grpc-encoding"), "gzip")
        self.assertEqual(response.data[0], 1, "the message's compressed flag")
        self.assertLess(len(response.data), len(TEXT) // 10)
        self.assertEqual(gzip.decompress(response.data[5:]), TEXT)


if __name__ == "__main__":
    hf.main()
