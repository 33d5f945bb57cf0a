"""All four kinds of RPC, message by message in both directions."""

import queue

import hf
from hf.rpc import instructions


class Kinds(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.client = self.p.client(self.p.probe())

    def test_unary(self):
        self.assertEqual(self.client.call("/hf.Probe/Unary", b"one"), b"one")

    def test_server_streaming(self):
        replies = self.client.stream("/hf.Probe/Download", b"r", metadata=instructions(replies=100))
        self.assertEqual(list(replies), [b"r"] * 100)

    def test_client_streaming(self):
        parts = [b"%d," % i for i in range(100)]
        self.assertEqual(self.client.upload("/hf.Probe/Upload", parts), b"".join(parts))

    def test_bidirectional(self):
        parts = [b"%d," % i for i in range(100)]
        self.assertEqual(list(self.client.converse("/hf.Probe/Converse", iter(parts))), parts)

    def test_streams_without_messages(self):
        self.assertEqual(self.client.upload("/hf.Probe/Upload", []), b"")
        self.assertEqual(list(self.client.converse("/hf.Probe/Converse", iter([]))), [])
        replies = self.client.stream("/hf.Probe/Download", metadata=instructions(replies=0))
        self.assertEqual(list(replies), [])

    def test_empty_messages(self):
        self.assertEqual(self.client.call("/hf.Probe/Unary", b""), b"")
        self.assertEqual(list(self.client.converse("/hf.Probe/Converse", iter([b""] * 5))),
                         [b""] * 5)

    def test_conversation_is_not_held_back(self):
        """Each message must pass before the next is written: no waiting for END_STREAM."""
        outgoing = queue.Queue()
        replies = self.client.converse("/hf.Probe/Converse", iter(outgoing.get, None))
        for i in range(20):
            outgoing.put(b"turn %d" % i)
            self.assertEqual(next(replies), b"turn %d" % i)
        outgoing.put(None)
        self.assertEqual(list(replies), [])

    def test_headers_come_before_the_first_message(self):
        wanted = instructions(hold="first", initial=[["x-early", "yes"]])
        replies = self.client.stream("/hf.Probe/Download", b"r", metadata=wanted)
        self.assertEqual(dict(replies.initial_metadata())["x-early"], "yes")
        self.p.release("first")
        self.assertEqual(list(replies), [b"r"])

    def test_half_close_travels_alone(self):
        """The caller has finished; the answer comes whenever the function is ready."""
        call = self.client.method("/hf.Probe/Upload", "stream_unary").future(
            iter([b"a", b"b"]), timeout=hf.env.seconds(20), metadata=instructions(id="up",
                                                                                   hold="answer"))
        self.p.wait_note("call", id="up")
        self.assertFalse(call.done())
        self.p.release("answer")
        self.assertEqual(call.result(), b"ab")

    def test_many_streams_on_one_connection(self):
        self.client.call("/hf.Probe/Unary")
        calls = [self.client.begin("/hf.Probe/Unary", b"%d" % i) for i in range(300)]
        self.assertEqual([call.result() for call in calls], [b"%d" % i for i in range(300)])


if __name__ == "__main__":
    hf.main()
