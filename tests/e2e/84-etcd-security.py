"""etcd that asks who we are: users and tokens, TLS, certificates; and nodes without libcurl."""

import json
import shutil
import ssl
import subprocess
import unittest
import urllib.request

import hf
from hf.engines import Etcd
from hf.etcd import EtcdCase

USER, PASSWORD, ROOT_PASSWORD = "hf", 'se"cret 7531', "root's"


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


class Certificates:
    """An authority, and what it signs."""

    def __init__(self, folder):
        if shutil.which("openssl") is None:
            raise unittest.SkipTest("there is no openssl here (Debian: openssl)")
        self.folder = folder
        folder.mkdir()
        self.authority = folder / "ca.pem"
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")

    def make(self, name, subject, address):
        openssl(self.folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout",
                f"{name}.key", "-out", f"{name}.csr")
        (self.folder / "extensions").write_text(
            f"subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
                "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out",
                f"{name}.pem")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


class TlsEtcd(Etcd):
    """One that takes nobody without a certificate of the authority's."""

    def __init__(self, folder, certificates):
        super().__init__(folder)
        host = self.client.rpartition(":")[0]
        server, key = certificates.make("server", "/O=hyperfaas", host)
        # Without a CommonName: with one, the gateway would take it for a user's name.
        self.client_pem, self.client_key = certificates.make("client", "/O=hyperfaas", host)
        self.url = f"https://{self.client}"
        self.arguments = ["--cert-file", server, "--key-file", key, "--client-cert-auth",
                          "--trusted-ca-file", certificates.authority]
        self.context = ssl.create_default_context(cafile=certificates.authority)
        self.context.load_cert_chain(self.client_pem, self.client_key)

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2,
                                        context=self.context) as answer:
                return json.load(answer).get("health") == "true"
        except (OSError, ValueError):
            return False


class Users(EtcdCase):
    def setUp(self):
        super().setUp()
        ask = self.etcd.ask
        ask("auth/user/add", name="root", password=ROOT_PASSWORD)
        ask("auth/role/add", name="root")
        ask("auth/user/grant", user="root", role="root")
        ask("auth/user/add", name=USER, password=PASSWORD)
        ask("auth/role/add", name="functions")
        ask("auth/role/grant", name="functions",
            perm={"permType": "READWRITE", **self.etcd.range("hyperfaas")})
        ask("auth/user/grant", user=USER, role="functions")
        ask("auth/enable")
        self.p.leaf.sections["store"].update(user=USER, password=PASSWORD, dial_timeout="500ms")

    def test_a_user_who_may(self):
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.wait_functions(1)
        self.assertTrue(self.works("f"))
        self.p.tool.update("f", max_concurrency=3)
        self.p.tool.delete("f")
        self.wait_functions(0)
        self.assertNotIn("7531", self.p.leaf.ctl("store/show"))

    def test_tokens_die_with_the_server(self):
        self.p.start()
        self.p.create("hyperfaas-hello", function_id="f")
        self.p.leaf.log.tolerate("the store cannot be reached")
        for i in range(3):
            self.etcd.kill()
            self.etcd.start()
            self.p.create("hyperfaas-hello", function_id=f"g{i}")
            self.wait_functions(i + 2)

    def check_refused(self, reason):
        self.p.leaf.log.announce(f"the store cannot be reached.*{reason}")
        self.p.leaf.log.tolerate("can't be announced in the store")
        self.p.start()
        failed = self.p.tool.run("function", "create", "hyperfaas-hello", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn(reason, failed.stderr)
        hf.eventually(lambda: self.p.leaf.log.find(f"level=warning.*{reason}"), "it is logged")
        self.assertNotIn("7531", self.p.leaf.log.text() + failed.stderr)

    def test_a_wrong_password(self):
        self.p.leaf.sections["store"]["password"] = "another 7531"
        self.check_refused(f"user '{USER}' is refused")

    def test_nobody(self):
        del self.p.leaf.sections["store"]["user"], self.p.leaf.sections["store"]["password"]
        self.check_refused("set the options 'user'")

    def test_a_prefix_that_is_not_allowed(self):
        self.p.leaf.sections["store"]["prefix"] = "secret/functions"
        self.check_refused("permission denied")


class Tls(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.folder / "certificates")
        self.etcd = self.engine(TlsEtcd(self.folder, self.certificates))
        self.store = {"plugin": "etcd", "path": None, "endpoints": self.etcd.client,
                      "ca_file": self.certificates.authority, "cert_file": self.etcd.client_pem,
                      "key_file": self.etcd.client_key, "dial_timeout": "500ms"}

    def start(self, **changes):
        store = {key: value for key, value in {**self.store, **changes}.items()
                 if value or key == "path"}
        return self.platform(start=False, runtime="fake", options={"store": store})

    def test_with_certificates(self):
        p = self.start().start()
        p.create("hyperfaas-hello", function_id="f")
        with hf.Client(p.proxy, "f") as client:
            client.call("/examples.hello.v1.Hello/SayHello")

    def check_refused(self, p, reason):
        p.leaf.log.announce(f"the store cannot be reached.*{reason}")
        p.leaf.log.tolerate("can't be announced in the store")
        p.start()
        failed = p.tool.run("function", "list", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertRegex(failed.stderr, reason)
        hf.eventually(lambda: p.leaf.log.find("the store cannot be reached"), "it is logged")

    def test_of_another_authority(self):
        other = Certificates(self.folder / "other")
        self.check_refused(self.start(ca_file=other.authority), "certificate")

    def test_without_a_certificate(self):
        # Since TLS 1.3 a server may only find that out when the connection is in use already.
        self.check_refused(self.start(cert_file=None, key_file=None),
                           "certificate|Broken pipe|reset by peer|connection was lost")

    def test_files_that_are_not_there(self):
        p = self.start(ca_file=self.folder / "nowhere.pem")
        self.assertNotEqual(fails_to_start(p.leaf, "cannot read '.*nowhere.pem'"), 0)


def fails_to_start(node, pattern):
    """The status with which the node ends, having said why."""
    node.launch()
    node.expected_end = node.wait()
    node.log.announce(pattern)
    return node.expected_end


class Libcurl(EtcdCase):
    """It is opened when it is needed, and by nobody else."""

    def is_open(self, pid):
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
            return "libcurl" in maps.read()

    def test_only_when_needed(self):
        self.p.start()
        self.assertTrue(self.is_open(self.p.leaf.pid))
        with_files = hf.Daemon(self.folder, "files", hf.ini.merge(self.p.leaf.sections, {
            "node": {"id": "files", "roles": "leaf", "state_dir": self.folder / "files.state"},
            "leaf": {"proxy": f"{self.p.host}:0", "api": f"{self.p.host}:0"},
            "store": None, "worker": None, "runtime": None}))
        self.p.nodes.append(with_files)
        with_files.start()
        self.assertFalse(self.is_open(with_files.pid))

    def test_missing(self):
        (self.folder / "libcurl.so.4").write_text("not a library")
        self.p.leaf.variables["LD_LIBRARY_PATH"] = self.folder
        self.assertNotEqual(fails_to_start(self.p.leaf, "Debian package libcurl4"), 0)


if __name__ == "__main__":
    hf.main()
