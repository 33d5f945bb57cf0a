"""gRPC's own interop suite: its client calls its server, which is a function of ours, at a leaf
and through a tree."""

import subprocess

import hf
from hf import env

import gotools

CASES = (
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
    "empty_stream", "timeout_on_sleeping_server", "cancel_after_begin",
    "cancel_after_first_response", "status_code_and_message", "special_status_message",
    "custom_metadata", "unimplemented_method", "unimplemented_service", "orca_per_rpc", "orca_oob",
)
# Not among them: the cases about credentials need TLS and accounts of Google's, and
# pick_first_unary asks for the server's id, which this server does not tell.

SOAKS = {
    "rpc_soak": ("-soak_iterations=1000", "-soak_num_threads=4"),
    "channel_soak": ("-soak_iterations=200", "-soak_num_threads=4"),
}
SOAK_LIMITS = ("-soak_overall_timeout_seconds=120",
               "-soak_per_iteration_max_acceptable_latency_ms=5000")

# Without it the client has no policy that reads the metrics of the two ORCA cases.
METRICS = '-service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'

FUNCTION = """#!/bin/sh
exec {server} --port "$PORT"
"""


class Interop(hf.TestCase):
    def setUp(self):
        super().setUp()
        server = gotools.tool(gotools.GRPC + "/server", gotools.GRPC_VERSION)
        self.program = gotools.tool(gotools.GRPC + "/client", gotools.GRPC_VERSION)
        self.p = self.made()
        image = self.p.install_script("interop", FUNCTION.format(server=server))
        # The client cannot be told an authority without TLS: the function is named like its host.
        self.p.create(image, function_id=self.p.host, memory="3GiB")

    def made(self):
        return self.platform()

    def run_case(self, case, *more):
        host, _, port = self.p.proxy.rpartition(":")
        command = [self.program, f"-server_host={host}", f"-server_port={port}",
                   f"-test_case={case}", METRICS, *more]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  timeout=env.seconds(120))
        except subprocess.TimeoutExpired:
            self.fail(f"{case} did not end")
        self.assertEqual(done.returncode, 0, f"{case}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def test_cases(self):
        for case in CASES:
            with self.subTest(case=case):
                self.run_case(case)

    def test_soak(self):
        for case, options in SOAKS.items():
            with self.subTest(case=case):
                self.run_case(case, *options, *SOAK_LIMITS)


class Tree(Interop):
    """The same through three levels: a load balancer, one below it, a leaf."""

    def made(self):
        return self.tree(2, 2, runtime="process")


if __name__ == "__main__":
    for program in ("/server", "/client"):  # what can't be built skips the file, not a test
        gotools.tool(gotools.GRPC + program, gotools.GRPC_VERSION)
    hf.main()
