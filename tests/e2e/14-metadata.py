"""Metadata of every kind crosses in both directions, and bad metadata does no harm."""

import base64
import json
import socket

import hf
from hf import h2raw
from hf.rpc import instructions, trailer

BINARY = bytes(range(256))


def pairs(metadata, prefix):
    return [(m.key, m.value) for m in metadata if m.key.startswith(prefix)]


class Metadata(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe()
        self.client = self.p.client(self.function_id)

    def seen(self, **more):
        """What the function saw of a call with the given metadata."""
        self.client.call("/hf.Probe/Unary", **more)
        return [tuple(pair) for pair in self.p.notes("call")[-1]["metadata"]]

    def test_text_and_repeated_names_keep_their_order(self):
        sent = [("x-a", "1"), ("x-b", "blank inside, comma"), ("x-a", "2"), ("x-a", "3")]
        seen = self.seen(metadata=sent)
        self.assertEqual([v for k, v in seen if k == "x-a"], ["1", "2", "3"])
        self.assertIn(("x-b", "blank inside, comma"), seen)

    def test_binary_to_the_function(self):
        seen = self.seen(metadata=[("x-data-bin", BINARY), ("x-empty-bin", b"")])
        self.assertIn(("x-data-bin", base64.b64encode(BINARY).decode()), seen)
        self.assertIn(("x-empty-bin", ""), seen)

    def test_initial_and_trailing_to_the_caller(self):
        encoded = base64.b64encode(BINARY).decode()
        wanted = instructions(
            initial=[["x-i", "one"], ["x-i", "two"], ["x-i-bin", encoded]],
            trailing=[["x-t", "last"], ["x-t-bin", encoded]])
        _, call = self.client.call_full("/hf.Probe/Unary", metadata=wanted)
        self.assertEqual(pairs(call.initial_metadata(), "x-i"),
                         [("x-i", "one"), ("x-i", "two"), ("x-i-bin", BINARY)])
        self.assertEqual(pairs(call.trailing_metadata(), "x-t"),
                         [("x-t", "last"), ("x-t-bin", BINARY)])

    def test_trailers_after_a_stream(self):
        wanted = instructions(replies=3, trailing=[["x-t", "end"]])
        replies = self.client.stream("/hf.Probe/Download", b"m", metadata=wanted)
        self.assertEqual(list(replies), [b"m"] * 3)
        self.assertEqual(trailer(replies, "x-t"), "end")

    def test_large_metadata_both_ways(self):
        value = "v" * 6000
        wanted = instructions(trailing=[["x-large", value]])
        client = self.p.client(self.function_id, [("grpc.max_metadata_size", 1 << 20)])
        _, call = client.call_full("/hf.Probe/Unary", metadata=[*wanted, ("x-big", value)])
        self.assertEqual(trailer(call, "x-large"), value)
        seen = dict(self.p.notes("call")[-1]["metadata"])
        self.assertEqual(seen["x-big"], value)


class Unchanged(hf.TestCase):
    """Seen at the wire: the function gets the very fields that the caller sent."""

    def test_fields(self):
        p = self.platform()
        function_id = p.create(p.install_mirror(), function_id="looking-glass")
        extra = [
            *(("x-raw-bin", value) for value in ("AAEC", "AAE", "AAE=", "AAEC,AAE=", "%%%")),
            ("x-empty", ""), ("x-order", "2"), ("grpc-unknown", "kept"), ("x-order", "1"),
            ("grpc-encoding", "snappy"), ("user-agent", "by hand"),
        ]
        authority = function_id + ":443"
        with h2raw.Connection(p.proxy) as connection:
            stream = connection.request(h2raw.grpc_request(authority, "/any.Thing/At-all", extra))
            response = connection.response(stream)
        self.assertEqual(response.field(":status"), "200")
        seen = [tuple(pair) for pair in json.loads(response.data)]
        for pair in ((":authority", authority), (":path", "/any.Thing/At-all"),
                     (":method", "POST"), ("te", "trailers"),
                     ("content-type", "application/grpc")):
            self.assertEqual(seen.count(pair), 1, pair)
        self.assertEqual([pair for pair in seen if pair in extra], extra)


class BadMetadata(hf.TestCase):
    """A peer that breaks the rules hurts only itself."""

    def setUp(self):
        super().setUp()
        self.p = self.platform(runtime="fake")
        self.function_id = self.p.create("hyperfaas-echo:latest")
        self.path = "/examples.echo.v1.Echo/Echo"

    def tearDown(self):
        """Whatever came before, the platform serves."""
        self.p.client(self.function_id).call(self.path, b"\n\1x")

    def request_with(self, *extra, path=None):
        with h2raw.Connection(self.p.proxy) as connection:
            request = h2raw.grpc_request(self.function_id, path or self.path, extra)
            stream = connection.request(request, h2raw.message(b"\n\1x"))
            response = connection.response(stream)
            if connection.goaway and not response.over():
                response.reset = connection.goaway.error_code()
            return response

    def assert_refused(self, response):
        """Refused by a reset, by the connection's end, or by an answer that is no success."""
        self.assertTrue(response.over(), "the request was neither answered nor refused")
        self.assertNotEqual(response.reset, 0, "a refusal says why")
        self.assertNotEqual(response.field("grpc-status"), "0")

    def test_connection_specific_fields(self):
        for field in ("connection", "keep-alive", "proxy-connection", "upgrade",
                      "transfer-encoding"):
            with self.subTest(field=field):
                self.assert_refused(self.request_with((field, "x")))

    def test_te_other_than_trailers(self):
        self.assert_refused(self.request_with(("te", "gzip")))

    def test_upper_case_name(self):
        self.assert_refused(self.request_with(("X-Upper", "x")))

    def test_line_break_in_value(self):
        self.assert_refused(self.request_with(("x-break", "a\r\nb")))

    def test_pseudo_header_after_others(self):
        self.assert_refused(self.request_with((":status", "200")))

    def test_host_that_contradicts_authority(self):
        self.assert_refused(self.request_with(("host", "another-function")))

    def test_wrong_content_length(self):
        self.assert_refused(self.request_with(("content-length", "3")))

    def test_bad_timeouts(self):
        for text in ("", "1", "S", "123456789S", "-1S", "1x", "1.5S", " 1S"):
            with self.subTest(timeout=text):
                self.assert_refused(self.request_with(("grpc-timeout", text)))

    def test_huge_timeout_is_no_timeout(self):
        response = self.request_with(("grpc-timeout", "99999999H"))
        self.assertEqual(response.field("grpc-status"), "0")

    def test_too_many_header_bytes(self):
        extra = [(f"x-{i}", "v" * 4000) for i in range(40)]
        self.assert_refused(self.request_with(*extra))

    def test_too_many_header_fields(self):
        extra = [(f"x-{i}", "v") for i in range(5000)]
        self.assert_refused(self.request_with(*extra))

    def test_http1_on_the_port(self):
        host, _, port = self.p.proxy.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=hf.env.seconds(10)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while peer.recv(4096):
                pass

    def test_connecting_and_leaving_without_a_byte(self):
        for address in (self.p.proxy, self.p.leaf_api, self.p.worker_api):
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port))).close()


if __name__ == "__main__":
    hf.main()
