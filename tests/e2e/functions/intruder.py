"""intruder - a function that calls what it should not.

/hf.Intruder/Environment answers with its environment, as JSON.  /hf.Intruder/Ask takes JSON {"calls":
what asker.py takes, "how": one of the below} and answers with what asker.py says:

    child   from a child of this process
    orphan  from a process whose parents have ended, in a session of its own

/hf.Intruder/Strike takes [host, port, hex]: connects, sends the bytes and has gone at once.
/hf.Intruder/Control takes [path, line]: says it at a control socket, and answers with what came.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc

ASKER = [sys.executable, "-B", os.path.join(os.environ["HF_FUNCTIONS"], "asker.py")]


def environment(request, context):
    return json.dumps(dict(os.environ)).encode()


def orphan(calls):
    """A grandchild that init, or whoever adopts orphans, has for a child when it calls."""
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        calls_file, answer = os.path.join(folder, "calls"), os.path.join(folder, "answer")
        with open(calls_file, "wb") as file:
            file.write(calls)
        script = f'(sleep 0.1; "$@" <{calls_file} >{answer}.new; mv {answer}.new {answer}) &'
        subprocess.run(["sh", "-c", script, "sh", *ASKER], start_new_session=True, check=True)
        while not os.path.exists(answer):
            time.sleep(0.01)
        with open(answer, "rb") as file:
            return file.read()


def ask(request, context):
    wanted = json.loads(request)
    calls = json.dumps(wanted["calls"]).encode()
    if wanted["how"] == "orphan":
        return orphan(calls)
    return subprocess.run(ASKER, input=calls, stdout=subprocess.PIPE, check=True).stdout


def strike(request, context):
    host, port, data = json.loads(request)
    with socket.create_connection((host, port)) as connection:
        connection.sendall(bytes.fromhex(data))
    return b""


def control(request, context):
    """Says a line at a control socket: what came back."""
    path, line = json.loads(request)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        try:
            connection.sendall(line.encode())
            return connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            return b""


def main():
    threading.stack_size(1 << 20)  # the address space is limited
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("hf.Intruder", {
        name: grpc.unary_unary_rpc_method_handler(method)
        for name, method in (
            ("Environment", environment), ("Ask", ask), ("Strike", strike), ("Control", control))
    }),))
    server.add_insecure_port(f"{os.environ['LISTEN_ADDRESS']}:{os.environ['PORT']}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
