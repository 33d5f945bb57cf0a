"""Another etcd is behind the address: what it has counts, and what it does not have is gone."""

import socket
import threading

import hf
from hf.engines import Etcd
from hf.etcd import PREFIX, VALUE, EtcdCase


class Relay:
    """An address behind which one server can take the place of another."""

    def __init__(self, target):
        self.target = target
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                host, port = self.target.split(":")
                far = socket.create_connection((host, int(port)))
            except OSError:
                return
            self.sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def move(self, target):
        """To another server; the connections to the first one break off."""
        self.target = target
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.move(self.target)
        for end in self.sockets:
            end.close()


class Other(EtcdCase):
    def test_at_a_higher_revision(self):
        other = self.engine(Etcd(self.folder, "other"))
        relay = Relay(self.etcd.client)
        self.addCleanup(relay.close)
        self.p.leaf.sections["store"]["endpoints"] = relay.address
        self.p.start()
        for name in ("old", "both"):
            self.etcd.put(f"{PREFIX}/{name}", VALUE)
        self.wait_functions(2)
        self.assertTrue(self.works("old"))
        for i in range(30):
            other.put("elsewhere", str(i))
        for name in ("both", "new", "newer"):
            other.put(f"{PREFIX}/{name}", VALUE)
        self.p.leaf.log.announce("is another cluster than before")
        self.p.leaf.log.tolerate("the store cannot be reached")
        relay.move(other.client)
        self.wait_functions(3, limit=20)
        hf.eventually(lambda: not self.works("old"), "what it does not have is gone")
        self.assertTrue(self.works("new") and self.works("both"))


if __name__ == "__main__":
    hf.main()
