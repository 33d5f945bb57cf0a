"""The messages that existing peers exchange, written down a second time.

The .proto files in wire/ repeat the wire contract by hand and are not those that the platform is
built with, so that a mistake there meets an independent opinion here.  A test uses either this
module or hf.pb: one Python process cannot hold two definitions of a message.
"""

from hf import env
from hf.protos import generate, load

generate(env.E2E / "wire")

common = load("common/common.proto")
worker = load("worker/worker.proto")
health = load("grpc/health/v1/health.proto")

START = "/worker.Worker/Start"
STOP = "/worker.Worker/Stop"
STATUS = "/worker.Worker/Status"
METRICS = "/worker.Worker/Metrics"
SIGNAL_READY = "/worker.Worker/SignalReady"
STATE = "/leaf.Leaf/State"
HEALTH = "/grpc.health.v1.Health/Check"
