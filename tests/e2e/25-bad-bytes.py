#!/usr/bin/python3
"""What one caller sends, or a function answers, wrongly costs that call and no other."""

import struct

import hf
from hf import h2raw

LONG = "v" * 70000


class BadBytes(hf.TestCase):
    def begin(self, **options):
        """A platform with a rude function, one instance, one connection of each kind."""
        self.p = self.platform(options={"node": {"threads": 1}})
        self.function = self.p.create(self.p.install_rude(**options))

    def request(self, connection, method, extra=(), end=True):
        fields = h2raw.grpc_request(self.function, f"/hf.Rude/{method}", extra)
        return connection.request(fields, end=end)

    def hold(self, connection):
        """A call that has begun and goes on."""
        stream = self.request(connection, "Hold", end=False)
        while not connection.responses[stream].data:
            self.assertIsNotNone(connection.read_frame())
        return stream

    def assert_lives(self, connection, stream):
        """The call that was begun by hold() ends well."""
        self.assertFalse(connection.responses[stream].over())
        connection.send(h2raw.DATA, h2raw.END_STREAM, stream)
        response = connection.response(stream)
        self.assertEqual(response.field("grpc-status"), "0")

    def assert_failed(self, response, status, reason, dispatched):
        got = [response.field(name) for name in
               ("grpc-status", "hyperfaas-reason", "hyperfaas-dispatched")]
        self.assertEqual(got, [str(status), reason, dispatched], response.field("grpc-message"))

    # --- callers ----------------------------------------------------------------------------

    def test_request_that_http_forbids(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            other = self.hold(connection)
            for extra in (("connection", "keep-alive"), ("Upper", "x"), ("te", "gzip")):
                stream = self.request(connection, "Echo", [extra])
                self.assertEqual(connection.response(stream).reset, 1, extra)
            self.assert_lives(connection, other)

    def test_request_with_a_long_value(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            other = self.hold(connection)
            for extra in ([("x-long", LONG)], [(LONG, "x")], [("x-long", LONG * 10)],
                          [("a", "b"), ("x-long", LONG), ("c", LONG)]):
                stream = self.request(connection, "Echo", extra)
                self.assert_failed(connection.response(stream), 8, "headers-too-large", "0")
            self.assert_lives(connection, other)

    def test_request_with_many_fields(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            other = self.hold(connection)
            stream = self.request(connection, "Echo", [(f"x-{i}", "v") for i in range(2000)])
            self.assert_failed(connection.response(stream), 8, "headers-too-large", "0")
            self.assert_lives(connection, other)

    def test_trailers_of_a_request(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            other = self.hold(connection)
            stream = self.request(connection, "Hold", end=False)
            trailers = h2raw.header_frames(stream, [("x-long", LONG)], h2raw.END_STREAM)
            connection.socket.sendall(trailers)
            response = connection.response(stream)
            self.assertEqual(response.field("grpc-status"), "8")
            self.assert_lives(connection, other)

    # --- functions --------------------------------------------------------------------------

    def test_response_that_http_forbids(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as one, h2raw.Connection(self.p.proxy) as two:
            other = self.hold(one)
            stream = self.request(two, "Forbidden")
            response = two.response(stream)
            self.assert_failed(response, 14, "endpoint-lost", "1")
            self.assertIn("broke the rules", response.field("grpc-message"))
            self.assert_lives(one, other)

    def test_response_beyond_the_limits(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as one, h2raw.Connection(self.p.proxy) as two:
            other = self.hold(one)
            for method in ("Trailers-70000", "Message-70000", "Message-65500", "Trailers-1000000",
                           "HeadFields-150", "TrailerFields-150", "TrailerFields-5000"):
                with self.subTest(method=method):
                    response = two.response(self.request(two, method))
                    self.assert_failed(response, 8, "headers-too-large", "1")
                    self.assertIn("response's metadata", response.field("grpc-message"))
            self.assert_lives(one, other)

    def test_response_within_the_limits(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            response = connection.response(self.request(connection, "Trailers-60000"))
            self.assertEqual(response.field("grpc-status"), "0")
            self.assertEqual(len(response.field("x-large")), 60000)
            response = connection.response(self.request(connection, "TrailerFields-90"))
            self.assertEqual(len(response.trailers), 91)

    def test_limit_of_a_function(self):
        self.begin(header_limit=8192)
        with h2raw.Connection(self.p.proxy) as one, h2raw.Connection(self.p.proxy) as two:
            other = self.hold(one)
            response = two.response(self.request(two, "Echo", [("x-large", "v" * 8000)]))
            self.assert_failed(response, 8, "headers-too-large", "0")
            self.assertIn("8192 bytes", response.field("grpc-message"))
            response = two.response(self.request(two, "Echo", [("x-large", "v" * 7000)]))
            self.assertEqual(response.field("grpc-status"), "0")
            self.assert_lives(one, other)

    def test_limit_of_a_caller(self):
        self.begin()
        limit = struct.pack(">HI", h2raw.SETTINGS_MAX_HEADER_LIST_SIZE, 4096)
        with h2raw.Connection(self.p.proxy, settings=limit) as connection:
            response = connection.response(self.request(connection, "Trailers-5000"))
            self.assert_failed(response, 8, "headers-too-large", "1")
            response = connection.response(self.request(connection, "Trailers-3000"))
            self.assertEqual(response.field("grpc-status"), "0")

    # --- 1xx --------------------------------------------------------------------------------

    def test_few_informational_blocks_cross(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as connection:
            response = connection.response(self.request(connection, "Inform-90"))
            self.assertEqual(response.field("grpc-status"), "0")
            self.assertTrue(1 <= response.informational <= 8, response.informational)

    def test_informational_blocks_without_end(self):
        self.begin()
        with h2raw.Connection(self.p.proxy) as one, h2raw.Connection(self.p.proxy) as two:
            other = self.hold(one)
            response = two.response(self.request(two, "Inform-20000"))
            self.assert_failed(response, 14, "endpoint-lost", "1")
            self.assert_lives(one, other)


if __name__ == "__main__":
    hf.main()
