#!/usr/bin/env python3
"""The sample functions that compute: bfs and thumbnailer, called directly."""

import random
import unittest

import hf
from hf import env, jpeg
from hf.function import Function, field

import grpc

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MASK = (1 << 64) - 1


def sample(name):
    return Function(env.BUILD / "functions" / name / name)


class Refusals(unittest.TestCase):
    def assert_refused(self, text, function, path, request):
        error = hf.failure(function.call, path, request)
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT, error.details())
        self.assertIn(text, error.details())


# --- bfs ----------------------------------------------------------------------------------------

def reply_type():
    """BFSReply of the wire contract, written down once more."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="bfs.proto", package="t", syntax="proto3")
    measurement = file.message_type.add(name="Measurement")
    for number, name in enumerate(("generating", "computing"), 1):
        measurement.field.add(name=name, number=number, type=kinds.TYPE_INT64, label=1)
    reply = file.message_type.add(name="Reply")
    reply.field.add(name="result", number=1, type=kinds.TYPE_INT64, label=3)
    reply.field.add(name="measurement", number=2, type=kinds.TYPE_MESSAGE, label=1,
                    type_name=".t.Measurement")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("t.Reply"))


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        yield z ^ z >> 31


def order_by_the_book(size, seed):
    """The same walk through the same graph, without any of the tricks."""
    numbers, ends = splitmix64(seed & MASK), []
    neighbours = {node: [] for node in range(size)}
    for node in range(size):
        others = list(range(node)) if node <= 10 else []
        while len(others) < min(node, 10):
            other = ends[next(numbers) % len(ends)]
            if other not in others:
                others.append(other)
        for other in others:
            ends += [node, other]
            neighbours[node].append(other)
            neighbours[other].append(node)
    order = [0]
    for node in order:
        order += [other for other in dict.fromkeys(neighbours[node]) if other not in order]
    return order


class BFS(Refusals):
    PATH = "/examples.bfs.v1.BFS/ComputeBFS"
    Reply = reply_type()

    def order(self, function, request):
        reply = self.Reply.FromString(function.call(self.PATH, request))
        self.assertGreaterEqual(reply.measurement.generating, 0)
        self.assertLess(reply.measurement.generating, 60_000_000)
        self.assertLess(reply.measurement.computing, 60_000_000)
        return list(reply.result)

    def test_order(self):
        with sample("bfs") as bfs:
            for size in (1, 2, 10, 11, 12, 13, 100, 1000):
                for seed in (0, 7, -1, 2**31 - 1):
                    found = self.order(bfs, field(1, size) + field(2, seed))
                    self.assertEqual(found, order_by_the_book(size, seed))
            self.assertEqual(bfs.stop(), 0)

    def test_sizes(self):
        with sample("bfs") as bfs:
            self.assertEqual(sorted(self.order(bfs, b"")), list(range(100)))
            largest = self.order(bfs, field(1, 100_000) + field(2, 1))
            self.assertEqual(sorted(largest), list(range(100_000)))
            for size in (-1, -2**31, 100_001, 2**31 - 1):
                self.assert_refused(f"size is {size}", bfs, self.PATH, field(1, size))
            self.assertEqual(bfs.stop(), 0)

    def test_measurement(self):
        with sample("bfs") as bfs:
            reply = self.Reply.FromString(bfs.call(self.PATH, field(1, 100_000)))
            self.assertGreater(reply.measurement.generating, 0)
            self.assertGreater(reply.measurement.computing, 0)

    def test_seeds(self):
        with sample("bfs") as bfs:
            orders = [self.order(bfs, field(1, 200) + seed)
                      for seed in (field(2, 5), field(2, 5), field(2, 6), b"", b"")]
            self.assertEqual(orders[0], orders[1])
            self.assertEqual(len({tuple(order) for order in orders}), 4)


# --- thumbnailer --------------------------------------------------------------------------------

RED, GREEN, BLUE, GREY = (220, 30, 40), (30, 200, 60), (40, 50, 210), (128, 128, 128)


def quarters(width, height):
    """Block (x, y) of an image with a colour in each quarter."""
    return lambda x, y: ((RED, GREEN), (BLUE, GREY))[16 * y >= height][16 * x >= width]


def request(image, width, height):
    return field(1, image) + field(2, width) + field(3, height)


class Thumbnailer(Refusals):
    PATH = "/examples.thumbnailer.v1.Thumbnailer/Thumbnail"

    def setUp(self):
        self.thumbnailer = sample("thumbnailer")
        self.addCleanup(self.thumbnailer.__exit__)

    def tearDown(self):
        self.thumbnailer.channel.close()  # it would wait for us
        self.assertEqual(self.thumbnailer.stop(), 0)

    def thumbnail(self, image, width, height):
        reply = self.thumbnailer.call(self.PATH, request(image, width, height))
        found = jpeg.Image(reply[reply.index(b"\xff\xd8"):])
        self.assertEqual((found.width, found.height), (width, height))
        return found

    def assert_colour(self, found, wanted):
        for is_, should in zip(found, wanted):
            self.assertAlmostEqual(is_, should, delta=6, msg=f"{found}, not {wanted}")

    def assert_quarters(self, image):
        right, bottom = image.width - 1, image.height - 1
        self.assert_colour(image.colour(0, 0), RED)
        self.assert_colour(image.colour(right, 0), GREEN)
        self.assert_colour(image.colour(0, bottom), BLUE)
        self.assert_colour(image.colour(right, bottom), GREY)

    def test_scales(self):
        image = jpeg.write(640, 480, quarters(640, 480))
        for width, height in ((320, 240), (64, 48), (100, 64), (64, 192), (640, 480), (1280, 960)):
            self.assert_quarters(self.thumbnail(image, width, height))

    def test_odd_sizes(self):
        for width, height in ((1, 1), (3, 5), (65, 33), (1001, 7)):
            image = jpeg.write(width, height, lambda x, y: BLUE)
            for side in (1, 9, 17):
                self.assert_colour(self.thumbnail(image, side, 18 - side).colour(0, 0), BLUE)

    def test_means(self):
        stripes = jpeg.write(512, 512, lambda x, y: (200, 200, 200) if x % 2 else (50, 50, 50))
        self.assert_colour(self.thumbnail(stripes, 16, 16).colour(8, 8), (125, 125, 125))

    def test_kinds_of_images(self):
        for more in ({"grey": True}, {"scans": 20}):
            image = jpeg.write(256, 256, lambda x, y: GREY, **more)
            self.assert_colour(self.thumbnail(image, 32, 32).colour(9, 9), GREY)

    def test_sides(self):
        image = jpeg.write(16, 16, quarters(16, 16))
        for side in (0, -1, 2049, 2**31 - 1, -2**31):
            for width, height in ((side, 8), (8, side)):
                self.assert_refused(f"are {width} and {height}, expected 1 to 2048",
                                    self.thumbnailer, self.PATH, request(image, width, height))
        self.thumbnail(image, 2048, 2048)

    def test_too_much(self):
        for image, text in ((jpeg.write(65500, 1, lambda x, y: RED).replace(
                                 b"\x08\x00\x01\xff\xdc", b"\x08\xff\xdc\xff\xdc"), "too large"),
                            (jpeg.write(64, 64, lambda x, y: RED, scans=150), "too many scans")):
            self.assert_refused(text, self.thumbnailer, self.PATH, request(image, 8, 8))

    def test_what_is_no_image(self):
        image = jpeg.write(64, 64, quarters(64, 64))
        for broken in (b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n",
                       b"x" * 100_000, b"\xff\xd8" * 1000):
            self.assert_refused("", self.thumbnailer, self.PATH, request(broken, 8, 8))
        self.assert_quarters(self.thumbnail(image, 32, 32))

    def test_truncated(self):
        image = jpeg.write(64, 64, quarters(64, 64))
        for length in range(0, len(image) - 2, 7):
            self.assert_refused("", self.thumbnailer, self.PATH, request(image[:length], 8, 8))

    def test_damaged(self):
        """Any damage gives a picture or a refusal, and harms nobody else."""
        random.seed(4)
        image = jpeg.write(64, 64, quarters(64, 64), scans=6)
        codes = set()
        for _ in range(1500):
            damaged = bytearray(image)
            for _ in range(random.choice((1, 2, 10))):
                damaged[random.randrange(2, len(image))] = random.randrange(256)
            call = self.thumbnailer.method(self.PATH).future(request(damaged, 8, 8), timeout=60)
            codes.add(call.code())
        self.assertEqual(codes, {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT})


if __name__ == "__main__":
    hf.main()
