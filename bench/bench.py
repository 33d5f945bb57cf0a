#!/usr/bin/env python3
"""Measures what a proxied call costs: ours against others, on the same backend, in one run.

For each shape of load (connections x streams, size of message) h2load calls an echo service
through every proxy in turn, several rounds over.  The figure is the proxy's own processor time,
from the kernel's accounting, divided by the calls; requests per second would measure the load
generator.  Everything runs on one processor under SCHED_BATCH: with two, h2load saturates first.
Every run is checked: all statuses 2xx, all bytes of all bodies back.

Programs that are missing are left out, with a reason.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("HF_BUILDDIR") or os.getcwd()
PATIENCE = 20  # seconds that a program may take to serve
REFERENCE = "nghttpx"
FUNCTION = "bench"

# name: connections, streams each, bytes of payload, calls in one measurement
SHAPES = {
    "1x1": (1, 1, 18, 4000),
    "100x1": (100, 1, 18, 20000),
    "10x10": (10, 10, 18, 40000),
    "100x10": (100, 10, 18, 40000),
    "64K 10x10": (10, 10, 65536, 2000),
}

# What a complete proxy may cost, compared with the reference.
GOALS = {"100x1": 0.72, "10x10": 0.65, "100x10": 0.65, "64K 10x10": 0.75}

HAPROXY_CONF = """\
global
    nbthread 1
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend calls
    bind 127.0.0.1:{port} proto h2
    default_backend echo
backend echo
    server echo 127.0.0.1:{backend} proto h2
"""

NGINX_CONF = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-1;
    proxy_temp_path {folder}/nginx-2;
    fastcgi_temp_path {folder}/nginx-3;
    uwsgi_temp_path {folder}/nginx-4;
    scgi_temp_path {folder}/nginx-5;
    client_max_body_size 0;
    client_body_buffer_size 128k;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1000;
    upstream echo {{
        server 127.0.0.1:{backend};
        keepalive 1000;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} http2;
        location / {{ grpc_pass grpc://echo; }}
    }}
}}
"""

LEAF_CONF = """\
[node]
roles = leaf, worker
threads = 1
state_dir = {folder}/state
[log]
level = warning
[leaf]
proxy = 127.0.0.1:{port}
api = 127.0.0.1:{leaf_api}
workers = 127.0.0.1:{worker_api}
max_instances_per_worker = 1
[worker]
api = 127.0.0.1:{worker_api}
[store]
plugin = file
path = {folder}/store
[runtime]
plugin = process
path = {folder}/functions
[balance.leaf]
plugin = leastload
[scheduler]
plugin = roundrobin
[scaler]
plugin = concurrency
"""


class Missing(Exception):
    """A program cannot take part; says why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{program} is not installed")
    return path


def built(path):
    path = os.path.join(BUILD, path)
    if not os.path.exists(path):
        raise Missing(f"{path} has not been built")
    return path


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


class Bench:
    """Where it all runs: a folder, a processor, a backend."""

    def __init__(self, core):
        self.folder = tempfile.mkdtemp(prefix="hyperfaas-bench-")
        self.processes = []
        self.pin = []
        if shutil.which("chrt") and shutil.which("taskset"):
            self.pin = ["chrt", "-b", "0", "taskset", "-c", str(core)]
        self.backend = free_port()
        self.start([built("bench/backend"), str(self.backend)], self.backend)

    def start(self, command, port):
        """Starts a program in a process group of its own; returns its pid once it accepts."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            process = subprocess.Popen(self.pin + command, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True)
        self.processes.append(process)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return process.pid
            time.sleep(0.02)
        raise Missing(f"{command[0]} does not serve")

    def stop(self):
        for process in reversed(self.processes):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(5)
            except ProcessLookupError:
                pass
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


# --- who takes part: each starts a proxy and returns pid and port ---------------------------


def start_leaf(bench):
    conf = os.path.join(bench.folder, "leaf.ini")
    ports = {name: free_port() for name in ("port", "leaf_api", "worker_api")}
    functions = os.path.join(bench.folder, "functions")
    os.mkdir(functions)
    shutil.copy(built("bench/backend"), os.path.join(functions, "bench"))
    write(conf, LEAF_CONF.format(folder=bench.folder, **ports))
    pid = bench.start([built("core/hyperfaasd"), "-c", conf], ports["port"])
    created = subprocess.run(
        [built("cli/hyperfaas"), "-c", conf, "function", "create", "--id", FUNCTION,
         "--image-tag", "hyperfaas-bench:latest", "--max-concurrency", "100000",
         "--function-timeout", "3600s"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )
    if created.returncode != 0:
        raise Missing(f"no function: {created.stderr.decode().strip()}")
    return pid, ports["port"]


def start_relay(program):
    def start(bench):
        port = free_port()
        return bench.start([built(program), str(port), str(bench.backend)], port), port

    return start


def start_nghttpx(bench):
    port = free_port()
    log = os.path.join(bench.folder, "nghttpx.log")
    command = [find("nghttpx"), "--conf=/dev/null", f"--frontend=127.0.0.1,{port};no-tls",
               f"--backend=127.0.0.1,{bench.backend};;proto=h2", "--workers=1",
               "--accesslog-file=/dev/null", f"--errorlog-file={log}"]
    return bench.start(command, port), port


def start_haproxy(bench):
    port = free_port()
    text = HAPROXY_CONF.format(port=port, backend=bench.backend)
    conf = write(os.path.join(bench.folder, "haproxy.cfg"), text)
    return bench.start([find("haproxy"), "-db", "-f", conf], port), port


def start_nginx(bench):
    port = free_port()
    text = NGINX_CONF.format(port=port, backend=bench.backend, folder=bench.folder)
    conf = write(os.path.join(bench.folder, "nginx.conf"), text)
    return bench.start([find("nginx"), "-c", conf, "-p", bench.folder], port), port


PROXIES = {
    "leaf": start_leaf,
    "h2 relay": start_relay("bench/h2relay"),
    "bare relay": start_relay("bench/relay"),
    "nghttpx": start_nghttpx,
    "haproxy": start_haproxy,
    "nginx": start_nginx,
}


# --- measuring ----------------------------------------------------------------------------


def tree(pid, skip):
    """A process and its descendants, without those whose program is `skip`."""
    pids = [pid]
    for path in (f"/proc/{pid}/task/{task}/children" for task in os.listdir(f"/proc/{pid}/task")):
        with open(path, encoding="ascii") as f:
            for child in f.read().split():
                if os.path.basename(os.readlink(f"/proc/{child}/exe")) != skip:
                    pids += tree(int(child), skip)
    return pids


def cpu_ns(pid):
    """Processor time of a proxy, its workers included, its functions not."""
    total = 0
    for p in tree(pid, FUNCTION):
        for task in os.listdir(f"/proc/{p}/task"):
            with open(f"/proc/{p}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total


def body_file(bench, size):
    """A gRPC message with its prefix, one protobuf field of bytes; and its length."""
    path = os.path.join(bench.folder, f"body-{size}")
    number, length = size, b""
    while number > 0x7F:
        length += bytes([number & 0x7F | 0x80])
        number >>= 7
    message = b"\x0a" + length + bytes([number]) + b"x" * size
    with open(path, "wb") as f:
        f.write(b"\0" + len(message).to_bytes(4, "big") + message)
    return path, 5 + len(message)


def load(bench, port, shape, calls):
    """Runs h2load; returns the latencies of all calls in microseconds, having checked them."""
    connections, streams, size, _ = SHAPES[shape]
    body, length = body_file(bench, size)
    log = os.path.join(bench.folder, "h2load.log")
    if os.path.exists(log):
        os.unlink(log)
    command = bench.pin + [
        find("h2load"), "-n", str(calls), "-c", str(connections), "-m", str(streams), "-d", body,
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        "-H", f":authority: {FUNCTION}", f"--log-file={log}",
        f"http://127.0.0.1:{port}/bench.Echo/Echo",
    ]
    out = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False, timeout=300).stdout.decode()
    succeeded = re.search(r"(\d+) succeeded", out)
    status = re.search(r"status codes: (\d+) 2xx", out)
    data = re.search(r"\((\d+)\) data", out)
    found = [int(m[1]) if m else 0 for m in (succeeded, status, data)]
    if found != [calls, calls, calls * length]:
        raise RuntimeError(f"{shape}: {found[0]} of {calls} calls succeeded, {found[1]} were 2xx, "
                           f"{found[2]} of {calls * length} bytes came back")
    with open(log, encoding="ascii") as f:
        return [int(line.split()[2]) for line in f]


def measure(bench, pid, port, shape, scale):
    calls = max(int(SHAPES[shape][3] * scale), SHAPES[shape][0] * SHAPES[shape][1])
    before = cpu_ns(pid)
    latencies = sorted(load(bench, port, shape, calls))
    after = cpu_ns(pid)
    return {
        "cpu_us": (after - before) / 1000 / calls,
        "mean_us": statistics.fmean(latencies),
        "p99_us": latencies[int(len(latencies) * 0.99)],
    }


def resident_kib(pid):
    total = 0
    for p in tree(pid, FUNCTION):
        with open(f"/proc/{p}/status", encoding="ascii") as f:
            match = re.search(r"VmRSS:\s+(\d+)", f.read())
            total += int(match[1]) if match else 0
    return total


def start_all(bench, names):
    """Starts the proxies; returns those that serve and why others do not."""
    running, skipped = {}, {}
    for name in names:
        try:
            pid, port = PROXIES[name](bench)
            start_kib = resident_kib(pid)
            for shape in ("1x1", "100x10"):
                load(bench, port, shape, 1000)  # warm, and a first check
            running[name] = (pid, port, start_kib)
        except (Missing, RuntimeError) as e:
            skipped[name] = str(e)
    return running, skipped


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:<60}\r", end="", file=sys.stderr)


def run(bench, args):
    running, skipped = start_all(bench, args.proxies)
    runs = {name: {shape: [] for shape in args.shapes} for name in running}
    failures = []
    for i in range(args.rounds):
        for shape in args.shapes:
            for name, (pid, port, _) in running.items():
                progress(f"round {i + 1} of {args.rounds}: {shape} {name}")
                try:
                    runs[name][shape].append(measure(bench, pid, port, shape, args.scale))
                except RuntimeError as e:
                    failures.append(f"{name}: {e}")
    progress("")
    medians = {
        name: {
            shape: {k: statistics.median(r[k] for r in results) for k in results[0]}
            for shape, results in shapes.items() if results
        }
        for name, shapes in runs.items()
    }
    memory = {name: {"start_kib": start, "end_kib": resident_kib(pid)}
              for name, (pid, _, start) in running.items()}
    return {"medians": medians, "memory": memory, "skipped": skipped, "failures": failures}


# --- showing ------------------------------------------------------------------------------


def table(title, rows, shapes, cell):
    print(title)
    print(" " * 12 + "".join(f"{shape:>12}" for shape in shapes))
    for name in rows:
        print(f"{name:<12}" + "".join(f"{cell(name, shape):>12}" for shape in shapes))
    print()


def show(result, shapes):
    medians = result["medians"]

    def cpu(name, shape):
        return f"{medians[name][shape]['cpu_us']:.2f}" if shape in medians[name] else "-"

    def ratio(name, shape):
        if shape not in medians[name] or shape not in medians.get(REFERENCE, {}):
            return "-"
        value = medians[name][shape]["cpu_us"] / medians[REFERENCE][shape]["cpu_us"]
        return f"{value:.2f}"

    table("processor time of the proxy per call, microseconds", medians, shapes, cpu)
    if REFERENCE in medians:
        table(f"the same, compared with {REFERENCE}", medians, shapes, ratio)
        print("goals       " + "".join(f"{GOALS.get(shape, '-'):>12}" for shape in shapes) + "\n")
    if "1x1" in shapes:
        print("latency at 1x1, microseconds: mean, 99 %")
        for name, by_shape in medians.items():
            if "1x1" in by_shape:
                one = by_shape["1x1"]
                print(f"{name:<12}{one['mean_us']:12.0f}{one['p99_us']:12.0f}")
        print()
    print("resident memory, KiB: at start, at the end")
    for name, kib in result["memory"].items():
        print(f"{name:<12}{kib['start_kib']:12}{kib['end_kib']:12}")
    for name, why in result["skipped"].items():
        print(f"\nnot measured: {name}: {why}")
    for failure in result["failures"]:
        print(f"\nFAILED: {failure}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--scale", type=float, default=1, help="calls, as a multiple of the usual")
    parser.add_argument("--core", type=int, default=0, help="processor to use")
    parser.add_argument("--proxies", type=lambda s: s.split(","), default=list(PROXIES),
                        help="some of: " + ",".join(PROXIES))
    parser.add_argument("--shapes", type=lambda s: s.split(","), default=list(SHAPES),
                        help="some of: " + ",".join(SHAPES))
    parser.add_argument("--json", action="store_true", help="print the medians as JSON")
    args = parser.parse_args()
    for given, known in ((args.proxies, PROXIES), (args.shapes, SHAPES)):
        for name in given:
            if name not in known:
                parser.error(f"'{name}' is none of: {', '.join(known)}")
    return args


def main():
    args = arguments()
    try:
        find("h2load")
        bench = Bench(args.core)
    except Missing as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    try:
        result = run(bench, args)
    finally:
        bench.stop()
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        show(result, args.shapes)
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
