"""The sample functions of the wire contract: how each is called, and what it answers."""

from hf import jpeg
from hf.function import field

_IMAGE = jpeg.write(16, 16, lambda x, y: (200, 100, 50))

# Method, request, and what the answer begins with; crash is only asked whether it serves.
SAMPLES = {
    "bfs": ("/examples.bfs.v1.BFS/ComputeBFS", field(1, 3), field(1, b"\0\1\2")),
    "crash": ("/grpc.health.v1.Health/Check", b"", field(1, 1)),
    "echo": ("/examples.echo.v1.Echo/Echo", field(1, b"x"), field(1, b"x")),
    "grpc-proxy-greeter": ("/examples.greeter.v1.Greeter/SayHello", field(1, b"Ada"),
                           field(1, b"Hello, Ada!")),
    "hello": ("/examples.hello.v1.Hello/SayHello", b"", field(1, b"Hello, World!")),
    "sleep": ("/examples.sleep.v1.Sleep/Sleep", b"", field(1, b"Finished Sleeping")),
    "thumbnailer": ("/examples.thumbnailer.v1.Thumbnailer/Thumbnail",
                    field(1, _IMAGE) + field(2, 8) + field(3, 8), b"\x0a"),
}
