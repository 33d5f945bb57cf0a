"""`hyperfaas call` and `proxy call`: JSON by definitions from protoc or from server reflection.

Messages are compared with what protobuf's own library for Python makes of the same JSON.
"""

import importlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import json_format

import hf
from hf import env, net, pb

DONE, FAILED, USAGE, CALL = range(4)  # exit codes
PROTO = env.SOURCE / "tests" / "unit" / "cli-json.proto"
ECHO, COLLECT = "test.Everything/Echo", "test.Everything/Collect"
REFLECTION = "/grpc.reflection.{}.ServerReflection/ServerReflectionInfo"

reflection = pb.load("grpc/reflection/v1/reflection.proto")


def compiled():
    """The messages of cli-json.proto."""
    folder = tempfile.mkdtemp(prefix="hf-cli-")
    try:
        subprocess.run([os.environ.get("PROTOC", "protoc"), "-I", PROTO.parent,
                        f"--python_out={folder}", PROTO.name], check=True)
        sys.path.insert(0, folder)
        return importlib.import_module("cli_json_pb2")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


everything = compiled()


class Server(grpc.GenericRpcHandler):
    """Any method: notes what comes, and answers with that or with what the test says."""

    def __init__(self):
        self.requests = []
        self.calls = []
        self.answers = None
        self.reflection = {}  # version: function from a request to a response
        self.server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[self])
        self.address = net.free_address(net.own_host())
        self.server.add_insecure_port(self.address)
        self.server.start()

    def service(self, handler_call_details):
        for version, answer in self.reflection.items():
            if handler_call_details.method == REFLECTION.format(version):
                return grpc.stream_stream_rpc_method_handler(
                    lambda requests, _, answer=answer: map(answer, requests),
                    reflection.ServerReflectionRequest.FromString,
                    lambda answer: answer.SerializeToString())
        if "reflection" in handler_call_details.method:
            return None
        self.calls.append(handler_call_details)
        return grpc.stream_stream_rpc_method_handler(self.converse)

    def converse(self, requests, _context):
        self.requests = list(requests)
        yield from self.requests if self.answers is None else self.answers

    def stop(self):
        self.server.stop(None).wait()


def file_of(descriptor):
    """A file's bytes as reflection has them, and its imports."""
    return descriptor.serialized_pb


class Definitions:
    """What a function answers that tells its definitions."""

    def __init__(self, with_imports):
        self.with_imports = with_imports
        self.asked = []

    def all_files(self, descriptor):
        found = {descriptor.name: descriptor}
        for dependency in descriptor.dependencies:
            found.update(self.all_files(dependency))
        return found

    def __call__(self, request):
        files = self.all_files(everything.DESCRIPTOR)
        response = reflection.ServerReflectionResponse(original_request=request)
        asked = request.file_containing_symbol or request.file_by_filename
        self.asked.append(asked)
        if asked == "test.Everything":
            name = everything.DESCRIPTOR.name
        elif asked in files:
            name = asked
        else:
            response.error_response.error_code = 5
            response.error_response.error_message = f"no {asked} here"
            return response
        chosen = files.values() if self.with_imports else [files[name]]
        response.file_descriptor_response.file_descriptor_proto.extend(map(file_of, chosen))
        return response


class TestCall(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)

    def call(self, *words, method=ECHO, data=None, proto=PROTO):
        words = ["call", "fn", method, "-a", self.server.address, *map(str, words)]
        words += ["--proto", proto] if proto else []
        return subprocess.run([env.program("hyperfaas"), *words], input=data or b"", check=False,
                              capture_output=True, timeout=env.seconds(30))

    def answer(self, *words, **more):
        """The JSON documents that a good call prints, one a line."""
        done = self.call(*words, **more)
        self.assertEqual((done.returncode, done.stderr), (DONE, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, status, done, *parts):
        self.assertEqual((done.returncode, done.stdout), (status, b""), done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr.decode())


# One of each kind of thing that JSON can say.
SAMPLES = [
    {},
    {"aDouble": 0.1, "aFloat": 0.1, "doubles": [1e300, -0.0, 5e-324, "NaN", "-Infinity"]},
    {"aFloat": 3.4028234e38, "aDouble": 1.7976931348623157e308},
    {"anInt32": -2**31, "anInt64": str(-2**63), "aUint32": 2**32 - 1, "aUint64": str(2**64 - 1)},
    {"aSint32": -2**31, "aSint64": str(-2**63), "aFixed32": 2**32 - 1, "aFixed64": str(2**64 - 1),
     "aSfixed32": -1, "aSfixed64": "-1"},
    {"aBool": True, "aString": "\u0000\"\\/\n\u00e4\u20ac\U0001f600", "someBytes": "AAECAw=="},
    {"colour": "COLOUR_BLUE", "inner": {"inner": {"aBool": True}}, "perhaps": 0, "otherName": "x"},
    {"numbers": [0, 1, -1, 300], "unpacked": [0, -7], "strings": ["", "a"], "longs": ["-5", "5"],
     "inners": [{}, {"colours": ["COLOUR_RED", "COLOUR_BLUE"]}], "bools": [True, False]},
    {"names": {"": "", "b": "\u00e4", "a": "x"}, "byNumber": {"-3": {}, "7": {"word": ""}},
     "byTruth": {"true": "1", "false": "0"}, "bySize": {"18446744073709551615": "COLOUR_RED"}},
    {"word": ""}, {"number": 0}, {"message": {}}, {"nothing": None},
    {"time": "1969-12-31T23:59:59.999999999Z", "duration": "-0.5s", "empty": {}},
    {"time": "2024-02-29T12:00:00.120Z", "duration": "3600s"},
    {"structure": {"a": [1.5, None, "x", {"b": False}], "c": {}}, "value": "v", "list": [[], {}]},
    {"wrappedLong": "0", "wrappedString": "", "wrappedBool": False, "wrappedDouble": 2.5,
     "wrappedBytes": ""},
    {"any": {"@type": "type.googleapis.com/test.Nested", "deeper": {"kind": "KIND_SOME"}}},
    {"any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s"}},
]


class AgainstPython(TestCall):
    """The same JSON, the same bytes as protobuf's own library."""

    def test_samples(self):
        documents = "\n".join(map(json.dumps, SAMPLES)).encode()
        answers = self.answer(method=COLLECT, data=documents)
        self.assertEqual(len(answers), len(SAMPLES))
        for sample, sent, answer in zip(SAMPLES, self.server.requests, answers):
            with self.subTest(sample=sample):
                expected = json_format.ParseDict(sample, everything.All())
                self.assertEqual(everything.All.FromString(sent).SerializeToString(True),
                                 expected.SerializeToString(True))
                self.assertEqual(json.dumps(answer, sort_keys=True), json.dumps(
                    json_format.MessageToDict(expected), sort_keys=True))

    def test_other_spellings(self):
        document = {"an_int32": "5", "renamed": "x", "someBytes": "_-8", "colour": -2,
                    "an_int64": 7, "time": "2024-02-29T13:00:00+01:00", "aUint32": 1e3}
        self.answer("--data", json.dumps(document))
        self.assertEqual(everything.All.FromString(self.server.requests[0]),
                         json_format.ParseDict(document, everything.All()))

    def test_what_other_programs_send(self):
        message = json_format.ParseDict(SAMPLES[7], everything.All())
        rest = everything.All(an_int32=1, inner={"a_string": "joined"}, word="gone")
        self.server.answers = [message.SerializeToString() + rest.SerializeToString()
                               + everything.All(number=4).SerializeToString()]
        expected = everything.All.FromString(self.server.answers[0])
        self.assertEqual(self.answer("-d", "{}"), [json_format.MessageToDict(expected)])

    def test_broken_answers(self):
        whole = json_format.ParseDict(SAMPLES[7], everything.All()).SerializeToString()
        for answer in (whole[:-1], b"\xff" * 20, b"\x0b", b"\x8a\x01\x05\x08"):
            with self.subTest(answer=answer):
                self.server.answers = [answer]
                with self.assertRaises(Exception):
                    everything.All.FromString(answer)
                self.refused(FAILED, self.call("-d", "{}"), "the answer: ")


class Forms(TestCall):
    """JSON, text and raw bytes, chosen or told by how the request begins."""

    def test_choice(self):
        raw = everything.All(an_int32=5).SerializeToString()
        for data, words, expected in ((b' {"anInt32": 5}', [], b'{"anInt32":5}\n'),
                                      (b"an_int32: 5", [], b"an_int32: 5\n"),
                                      (b"", [], b"{}\n"),
                                      (b"", ["--format", "text"], b""),
                                      (raw, ["--format", "raw"], raw)):
            with self.subTest(data=data, words=words):
                done = self.call(*words, data=data)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (DONE, expected, b""))
        self.assertEqual(self.call(data=raw, proto=None).stdout, raw)

    def test_messages_of_a_stream(self):
        """They can be told apart in each form."""
        self.server.answers = [everything.All(an_int32=n).SerializeToString() for n in (5, 6)]
        first, second = self.server.answers
        for form, expected in (("raw", first + b"\n" + second),
                               ("json", b'{"anInt32":5}\n{"anInt32":6}\n'),
                               ("text", b"an_int32: 5\n---\nan_int32: 6\n")):
            with self.subTest(form=form):
                done = self.call("--format", form, data=b"{}" if form == "json" else b"",
                                 method=COLLECT)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (DONE, expected, b""))

    def test_envelope(self):
        done = self.call("--json", data=b'{"anInt32":1} {"anInt32":2}', method=COLLECT)
        self.assertEqual(json.loads(done.stdout), {
            "messages": [{"anInt32": 1}, {"anInt32": 2}], "encoding": "json", "status": "OK",
            "code": 0, "message": "", "reason": None})

    def test_proxy_call(self):
        words = ["proxy", "call", "--address", self.server.address, "--function-id", "fn",
                 "--method", ECHO, "--proto", PROTO.name, "--proto-path", PROTO.parent]
        for more, expected in (([], b"{}\n"), (["--data", '{"aBool":true}'], b'{"aBool":true}\n')):
            done = subprocess.run([env.program("hyperfaas"), *words, *more], check=False,
                                  capture_output=True, stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (DONE, expected, b""))
        self.assertEqual(self.server.calls[0].method, "/" + ECHO)
        done = subprocess.run([env.program("hyperfaas"), *words[:-6]], check=False,
                              capture_output=True)
        self.refused(USAGE, done, "--function-id and --method")

    def test_what_is_wrong_with_a_request(self):
        for data, part in (('{"inner":{"aStrin":"x"}}', "'inner.aStrin': test.All has no such "
                                                        "field: did you mean 'aString'?"),
                           ('{"numbers":[1,"x"]}', "field 'numbers[1]': expected an integer"),
                           ('{"anInt32":1', "not JSON: unexpected end at byte 12"),
                           ("{} {}", "2 JSON documents, but the method takes one")):
            with self.subTest(data=data):
                self.refused(USAGE, self.call("-d", data), part)
        self.refused(USAGE, self.call("-d", '{} {"x":1}', method=COLLECT), "message 2: field 'x'")
        self.refused(USAGE, self.call("--format", "xml", "-d", ""), "json, text or raw")
        self.refused(USAGE, self.call(method="test.Everything/Eco", data=b"{}"), "Echo, Collect")
        self.refused(USAGE, self.call(data=b"{}", proto="/no/such.proto"), "/no/such.proto")
        self.assertEqual(self.server.calls, [])

    def test_empty_stream(self):
        self.assertEqual(self.answer("-d", "", method=COLLECT), [])
        self.assertEqual(self.server.requests, [])

    def test_protoc_that_hangs(self):
        folder = Path(tempfile.mkdtemp(prefix="hf-cli-"))
        self.addCleanup(shutil.rmtree, folder)
        slow = folder / "protoc"
        slow.write_text("#!/bin/sh\nexec sleep 600\n")
        slow.chmod(0o755)
        done = subprocess.run([env.program("hyperfaas"), "call", "fn", ECHO, "-d", "{}", "--proto",
                               PROTO, "-t", "100ms"], check=False, capture_output=True,
                              env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
        self.refused(FAILED, done, "protoc did not end in time")


class Reflection(TestCall):
    """Without a .proto file, the function is asked."""

    def test_versions_and_imports(self):
        for version in ("v1", "v1alpha"):
            for with_imports in (True, False):
                with self.subTest(version=version, with_imports=with_imports):
                    definitions = Definitions(with_imports)
                    self.server.reflection = {version: definitions}
                    self.assertEqual(self.answer("-d", '{"duration":"1s"}', proto=None),
                                     [{"duration": "1s"}])
                    self.assertEqual(len(definitions.asked), 1 if with_imports else 8)
                    done = self.call("-d", "an_int32: 1", "--format", "text", proto=None)
                    self.assertEqual(done.stdout, b"an_int32: 1\n", done.stderr)

    def test_without(self):
        self.refused(FAILED, self.call("-d", "{}", proto=None), "--proto FILE", "--format raw")
        self.server.reflection = {"v1": Definitions(True)}
        self.refused(USAGE, self.call("-d", "{}", proto=None, method="x.Y/Z"), "no x.Y here")

    def test_silent(self):
        """The time limit is for all that a call takes."""
        end = threading.Event()
        self.addCleanup(end.set)
        self.server.reflection = {"v1": lambda _: end.wait(env.seconds(30))}
        done = self.call("-d", "{}", "-t", "200ms", proto=None)
        self.assertIn(done.returncode, (FAILED, CALL))  # our clock says so, or the function's
        self.assertIn(b"asking the function for its definitions: ", done.stderr)
        self.assertIn(b"DEADLINE_EXCEEDED", done.stderr)

    def test_hostile(self):
        def answering(*files):
            def answer(request):
                response = reflection.ServerReflectionResponse(original_request=request)
                response.file_descriptor_response.file_descriptor_proto.extend(files)
                return response
            return answer

        def endless(request):
            number = int(request.file_by_filename or 0)
            return answering(field(1, b"%d" % number) + field(3, b"%d" % (number + 1)))(request)

        def field(number, data):
            return struct.pack("B", number << 3 | 2) + varint(len(data)) + data

        def varint(value):
            low = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
            return low + (varint(value >> 7) if value > 0x7F else b"")

        deep = b""
        for _ in range(20000):
            deep = field(3, deep)
        for answer, part in ((answering(b"\xff"), "there is none"),
                             (answering(field(1, b"f")), "no service 'test.Everything'"),
                             (answering(field(1, b"f") + field(4, deep)), "FileDescriptorSet"),
                             (endless, "1024 files"),
                             (lambda _: reflection.ServerReflectionResponse(), "definitions")):
            with self.subTest(part=part):
                self.server.reflection = {"v1": answer}
                done = self.call("-d", "{}", proto=None)
                self.assertIn(done.returncode, (FAILED, USAGE), done.stderr)
                self.assertIn(part, done.stderr.decode())
        self.assertEqual(self.server.calls, [])


class ThroughThePlatform(hf.TestCase):
    """The function is started by being asked for its definitions."""

    def test_reflection(self):
        p = self.platform()
        image = p.install_script("reflecting", f"#!{sys.executable}\n" + _FUNCTION)
        function_id = p.create(image)
        answers = p.tool.text("call", function_id, "grpc.health.v1.Health/Check", "-d",
                              '{"service":"x"}')
        self.assertEqual(json.loads(answers), {"status": "SERVING"})
        done = p.tool.run("call", "absent", "grpc.health.v1.Health/Check", "-d", "{}", check=False)
        self.assertEqual(done.returncode, CALL)
        self.assertIn("unknown-function", done.stderr)


_FUNCTION = f'''
import os
from concurrent import futures
import grpc

def field(number, data):
    return bytes([number << 3 | 2, len(data) & 0x7F | 0x80, len(data) >> 7]) + data

ANSWERS = {{
    "{REFLECTION.format('v1')}": field(4, field(1, {pb.health.DESCRIPTOR.serialized_pb!r})),
    "/grpc.health.v1.Health/Check": b"\\x08\\x01",
}}

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        answer = ANSWERS.get(details.method)
        return answer and grpc.stream_stream_rpc_method_handler(
            lambda requests, _: (answer for _ in requests))

server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
server.add_insecure_port(os.environ["LISTEN_ADDRESS"] + ":" + os.environ["PORT"])
server.start()
server.wait_for_termination()
'''


if __name__ == "__main__":
    hf.main()
