"""A run of random events over a grove under load; what happens follows from the seed alone."""

import collections
import itertools
import random
import signal
import threading
import time

import grpc

from hf import env, net
from hf.rpc import Client, trailer
from hf.wait import eventually

ECHO = "/examples.echo.v1.Echo/Echo"
DEADLINE = 2       # of each call
OVERTIME = 2       # a call that ends so long after its deadline hangs
RECOVERY = 10      # after the last fault, until calls succeed and all nodes are used

_ROUND_ROBIN = ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')
_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


class Caller(threading.Thread):
    """Calls one function over and over, each time with another message, and judges each end."""

    def __init__(self, client, name, load):
        super().__init__(daemon=True)
        self.client, self.name, self.load = client, name, load
        self.good_in_a_row = 0

    def run(self):
        for i in itertools.count():
            if self.load.over.wait(self.load.pace):
                return
            text = f"{self.name} {i}".encode()
            self._call(bytes([10, len(text)]) + text)

    def _call(self, message):
        begun = time.monotonic()
        try:
            answer = self.client.call(ECHO, message, timeout=DEADLINE)
            outcome = "OK"
            wrong = answer != message and f"{answer!r} instead of {message!r}"
        except grpc.RpcError as error:
            outcome, wrong = self._judge(error, time.monotonic() - begun)
        took = time.monotonic() - begun
        if took > env.seconds(DEADLINE + OVERTIME):
            wrong = f"a call took {took:.1f} s"
        self.good_in_a_row = self.good_in_a_row + 1 if outcome == "OK" else 0
        self.load.note(outcome, wrong)

    def _judge(self, error, took):
        """A failure in a few words, and what is wrong with it if anything is."""
        code, reason = error.code(), trailer(error, "hyperfaas-reason")
        outcome = f"{code.name} {reason or 'of the client'}"
        told = f"{outcome} after {took:.2f} s: {error.details()}"
        if code is grpc.StatusCode.UNAVAILABLE and (reason or self.load.roots_suffer):
            return outcome, None
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and took > 0.95 * env.seconds(DEADLINE):
            return outcome, None
        return outcome, told


class Load:
    """Callers that know both roots, and what became of all their calls."""

    def __init__(self, grove, functions=8, pace=0.01):
        self.grove = grove
        self.over = threading.Event()
        self.pace, self.roots_suffer = pace, False
        self.outcomes, self.wrong = collections.Counter(), []
        self.lock = threading.Lock()
        self.callers = [Caller(grove.client(grove.create("hyperfaas-echo:latest"),
                                            (_ROUND_ROBIN, *_RECONNECT)), f"caller-{i}", self)
                        for i in range(functions)]
        for caller in self.callers:
            caller.start()
        self.wait_well()
        self.wait_connected()

    def note(self, outcome, wrong):
        with self.lock:
            self.outcomes[outcome] += 1
            if wrong:
                self.wrong.append(wrong)

    def failed(self):
        """How many calls have failed so far."""
        with self.lock:
            return sum(self.outcomes.values()) - self.outcomes["OK"]

    def wait_well(self, limit=RECOVERY):
        """Until the next calls of each caller succeed."""
        for caller in self.callers:
            caller.good_in_a_row = 0
        eventually(lambda: all(c.good_in_a_row >= 5 for c in self.callers), "all calls succeed",
                   limit)

    def wait_connected(self):
        """Until each caller has found both roots: then one may end without harm."""
        eventually(lambda: all(net.connections_to(root.near["proxy"]) >= len(self.callers)
                               for root in self.grove.roots), "callers know both roots", RECOVERY)

    def finish(self):
        """Ends it; every call must end."""
        self.over.set()
        for caller in self.callers:
            caller.join(env.seconds(DEADLINE + OVERTIME))
            assert not caller.is_alive(), f"a call of {caller.name} does not end"


class Chaos:
    """Rounds of events.  In an orderly one no call may fail; after each one the tree recovers."""

    ORDERLY = ("restart", "drain", "leave", "warp", "fresh")
    FAULTS = ("kill", "freeze", "cut", "partition", "store", "two", "step", "step")
    # Steps that fail one time in ten, see fault/list.
    STEPS = ("accept", "dial", "http", "log.write", "spawn", "store.read", "stream", "worker.start",
             "worker.stop", "write")

    def __init__(self, grove, load, seed):
        self.grove, self.load = grove, load
        self.random = random.Random(seed)
        self.begun = time.monotonic()
        self.rounds = collections.Counter()

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kinds = self.random.choice((self.ORDERLY, self.FAULTS))
            kind, node = self.random.choice(kinds), self.random.choice(self.grove.nodes)
            self.play(kind, node, self.random.uniform(0.05, 4), kinds is self.ORDERLY)

    def play(self, kind, node, pause, orderly=False):
        """One round: the event, `pause` seconds in its state, its end, and the recovery."""
        print(f"chaos: {time.monotonic() - self.begun:.1f} s: {kind} {node.name}, {pause:.2f} s",
              flush=True)
        self.rounds[kind] += 1
        failed, before = self.load.failed(), dict(self.load.outcomes)
        self.load.roots_suffer = kind == "two" or not orderly and node.tier == "root"
        getattr(self, f"_{kind}")(node, pause)
        self.recover()
        self.load.roots_suffer = False
        assert not self.load.wrong, f"{kind} {node.name}: {self.load.wrong[:5]}"
        if orderly:
            assert self.load.failed() == failed, \
                f"{kind} {node.name} cost calls: {self.load.outcomes} after {before}"

    def churn(self, seconds):
        """Each second a node leaves, or one that has left comes back; its twin stays."""
        guests = [node for node in self.grove.nodes if node.name.endswith("1")]
        for i in range(int(seconds)):
            node = self.random.choice(guests)
            if node.running():
                node.terminate()
                assert node.wait() == 0, f"{node.name} did not end in order"
            else:
                node.restart()
            self.rounds["join or leave"] += 1
            time.sleep(max(0, self.begun + i + 1 - time.monotonic()))
        for node in guests:
            if not node.running():
                node.restart()
        self.recover()

    def recover(self):
        self.grove.wait_whole(RECOVERY)
        self.load.wait_connected()
        self.load.wait_well()
        self.grove.wait_agreed(RECOVERY)

    # --- orderly events -----------------------------------------------------------------------

    def _restart(self, node, _):
        node.terminate()
        assert node.wait() == 0, f"{node.name} did not end in order"
        node.restart()

    def _leave(self, node, pause):
        node.terminate()
        assert node.wait() == 0, f"{node.name} did not end in order"
        time.sleep(pause)
        node.restart()

    def _drain(self, node, pause):
        self.grove.tool.run("drain", node.name)
        time.sleep(pause)
        self.grove.tool.run("undrain", node.name)

    def _warp(self, node, pause):
        """The clock of idle times, scaling and backoff steps forward."""
        node.warp(f"{int(pause * 1000)}s")

    def _fresh(self, *_):
        """A function that nobody has called yet."""
        function_id = self.grove.create("hyperfaas-echo:latest")
        with Client(self.grove.proxy, function_id) as client:
            assert client.call(ECHO, b"\n\1x") == b"\n\1x"

    # --- faults ---------------------------------------------------------------------------------

    def _kill(self, node, pause):
        node.kill()
        time.sleep(pause)
        node.restart()

    def _freeze(self, node, pause):
        node.process.send_signal(signal.SIGSTOP)
        time.sleep(pause)
        node.process.send_signal(signal.SIGCONT)

    def _cut(self, node, pause):
        node.line.cut()
        time.sleep(pause)
        node.line.mend()

    def _partition(self, node, pause):
        """The store can't be reached from this node."""
        node.store_line.cut()
        time.sleep(pause)
        node.store_line.mend()

    def _store(self, _, pause):
        self.grove.etcd.kill()
        time.sleep(pause)
        self.grove.etcd.start()

    def _step(self, node, pause):
        """One of the node's steps fails now and then."""
        step = self.random.choice(self.STEPS)
        print(f"chaos: {step} fails", flush=True)
        node.ctl("fault/set", step, "probability", "0.1")
        time.sleep(pause)
        node.ctl("fault/clear")

    def _two(self, node, pause):
        """One node is cut off while another one dies."""
        other = self.random.choice([n for n in self.grove.nodes if n is not node])
        node.line.cut()
        self._kill(other, pause)
        node.line.mend()
