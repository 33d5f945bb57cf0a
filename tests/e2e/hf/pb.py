"""The platform's messages, from the .proto files that the platform itself is built with."""

from hf import env
from hf.protos import generate, load

generate(env.SOURCE / "proto")

common = load("common/common.proto")
worker = load("worker/worker.proto")
leaf = load("leaf/leaf.proto")
node = load("hyperfaas/v1/node.proto")
health = load("grpc/health/v1/health.proto")
hello = load("examples/hello/v1/hello.proto")
greeter = load("examples/greeter/v1/greeter.proto")
echo = load("examples/echo/v1/echo.proto")
sleep = load("examples/sleep/v1/sleep.proto")
crash = load("examples/crash/v1/crash.proto")
