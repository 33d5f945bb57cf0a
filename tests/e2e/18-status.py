"""How calls end: the function's status, its text and details reach the caller as they are."""

import base64

import grpc
import hf
from hf import h2raw
from hf.rpc import instructions, trailer

DETAILS = b"\x08\x05\x12\x02no\xff\x00"


class Status(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.function_id = self.p.probe()
        self.client = self.p.client(self.function_id)

    def test_every_code(self):
        for code in grpc.StatusCode:
            if code is grpc.StatusCode.OK:
                continue
            wanted = instructions(status=code.value[0], message=f"because {code.name}")
            error = hf.failure(self.client.call, "/hf.Probe/Unary", metadata=wanted)
            self.assertEqual((error.code(), error.details()), (code, f"because {code.name}"))
            self.assertIsNone(trailer(error, "hyperfaas-reason"))

    def test_text_with_everything(self):
        for text in ("%", "100 % of 50%25", "grüße\t\n☺", "", " blanks "):
            wanted = instructions(status=9, message=text)
            error = hf.failure(self.client.call, "/hf.Probe/Unary", metadata=wanted)
            self.assertEqual(error.details(), text)

    def test_details(self):
        encoded = base64.b64encode(DETAILS).decode()
        wanted = instructions(status=5, message="no",
                              trailing=[["grpc-status-details-bin", encoded]])
        error = hf.failure(self.client.call, "/hf.Probe/Unary", metadata=wanted)
        self.assertEqual(trailer(error, "grpc-status-details-bin"), DETAILS)

    def test_failure_after_some_messages(self):
        wanted = instructions(replies=10, after=3, status=10, message="enough")
        replies = self.client.stream("/hf.Probe/Download", b"m", metadata=wanted)
        received = []
        with self.assertRaises(grpc.RpcError) as caught:
            for reply in replies:
                received.append(reply)
        self.assertEqual(received, [b"m"] * 3)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ABORTED)

    def test_answer_before_the_upload_has_ended(self):
        """The function ends the call while the caller still sends: the answer counts."""
        def endless():
            while True:
                yield b"x" * 65536
        wanted = instructions(status=8, message="too much")
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.client.converse("/hf.Probe/Converse", endless(), metadata=wanted))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_trailers_only_stays_one_header_frame(self):
        with h2raw.Connection(self.p.proxy) as connection:
            request = h2raw.grpc_request(self.function_id, "/hf.Probe/Nope")
            stream = connection.request(request, h2raw.message(b""))
            response = connection.response(stream)
        self.assertEqual(response.field("grpc-status"), "12")
        self.assertEqual((response.header_frames, response.data), (1, b""))


if __name__ == "__main__":
    hf.main()
