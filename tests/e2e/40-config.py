"""Configurations: the shipped ones are right, and what is wrong is named precisely."""

import shutil
import signal
import subprocess

import hf
from hf import env

SHIPPED = ("standalone.ini", "lb.ini", "lb-haproxy.ini", "leaf.ini", "worker.ini", "fake.ini",
           "leaf-etcd.ini", "worker-etcd.ini", "worker-docker.ini", "worker-docker-etcd.ini")


class Check(hf.TestCase):
    """`hyperfaasd --check` says what is wrong and where, and opens nothing."""

    def check(self, path, *more):
        return subprocess.run([env.program("hyperfaasd"), "--check", "-c", path, *more],
                              capture_output=True, text=True, check=False, cwd=self.folder,
                              timeout=env.seconds(10))

    def written(self, **changes):
        """The configuration of a test's platform with changed sections, checked."""
        p = self.platform(start=False, runtime="fake")
        path = self.folder / "tried.ini"
        sections = hf.ini.merge(p.leaf.sections, {"node": {"state_dir": self.folder / "s"}},
                                {k.replace("_", "."): v for k, v in changes.items()})
        path.write_text(hf.ini.render(sections))
        self.sections = sections
        return path

    def line_of(self, path, text):
        """The number of the line that begins with the text."""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith(text):
                return number
        raise AssertionError(f"no line '{text}' in {path}")

    def assert_refused(self, path, *expected):
        done = self.check(path)
        self.assertNotEqual(done.returncode, 0)
        self.assertGreater(done.returncode, 0, "it crashed")
        for text in expected:
            self.assertIn(text, done.stderr)
        return done.stderr

    def test_good_one(self):
        done = self.check(self.written())
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_shipped_ones(self):
        for name in SHIPPED:
            with self.subTest(name=name):
                done = self.check(env.SOURCE / "conf" / name, "--set",
                                  f"node.state_dir={self.folder}/state")
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_children(self):
        good = "127.0.0.1:1/127.0.0.1:2"
        for children, wanted in (("127.0.0.1:1", "API-ADDRESS/PROXY-ADDRESS"),
                                 ("127.0.0.1/127.0.0.1:1", "HOST:PORT"),
                                 (f"{good}, {good}", "are the same")):
            with self.subTest(children=children):
                path = self.written(node={"roles": "lb"}, lb={"children": children})
                line = self.line_of(path, "children")
                self.assert_refused(path, f"tried.ini:{line}", "[lb] children", wanted)
        self.assert_refused(self.written(node={"roles": "lb"}), "[lb] children", "at least one")

    def test_unknown_key(self):
        path = self.written(leaf={"proxxy": "127.0.0.1:1"})
        line = self.line_of(path, "proxxy")
        self.assert_refused(path, f"tried.ini:{line}", "proxxy", "proxy")

    def test_unknown_section(self):
        path = self.written(leef={"proxy": "127.0.0.1:1"})
        self.assert_refused(path, f"tried.ini:{self.line_of(path, '[leef]')}", "leef")

    def test_bad_value(self):
        for section, key, value in (("node", "threads", "many"), ("node", "threads", "-1"),
                                    ("leaf", "proxy", "nonsense"), ("node", "roles", "king")):
            with self.subTest(key=key, value=value):
                path = self.written(**{section: {key: value}})
                line = self.line_of(path, f"{key} = {value}")
                self.assert_refused(path, f"tried.ini:{line}", key, value)

    def test_option_of_a_plugin(self):
        path = self.written(runtime={"colour": "blue"})
        line = self.line_of(path, "colour")
        self.assert_refused(path, f"tried.ini:{line}", "colour", "runtime")

    def test_missing_file(self):
        self.assert_refused(self.folder / "absent.ini", "absent.ini")

    def test_broken_syntax(self):
        path = self.folder / "tried.ini"
        path.write_text("[node]\nroles = leaf\nthis is no assignment\n")
        self.assert_refused(path, "tried.ini:3")

    def test_unset_environment_variable(self):
        path = self.written(node={"id": "${HF_SURELY_NOT_SET}"})
        self.assert_refused(path, "HF_SURELY_NOT_SET")

    def test_override(self):
        path = self.written()
        self.assertEqual(self.check(path, "--set", "leaf.proxy=127.0.0.1:1").returncode, 0)
        done = self.check(path, "--set", "leaf.proxxy=127.0.0.1:1")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("proxxy", done.stderr)

    def test_modules_of_a_kind_by_one_override(self):
        """Options of both stand in the file; the command line says whose count."""
        path = self.written(**{"store": {"path": None},
                               "store.etcd": {"endpoints": "127.0.0.1:1"},
                               "store.file": {"path": self.folder / "st", "fsync": "no"}})
        for store in ("file", "etcd"):
            done = self.check(path, "--set", f"store.plugin={store}")
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.check(path, "--set", "store.plugin=etcd", "--set", "store.fsync=yes")
        self.assertIn("[store] fsync is an option of the module 'file'", done.stderr)

    def test_plugin_path_adds(self):
        """The installed modules are there too, after those of the folders."""
        mine = self.folder / "my modules, here"
        mine.mkdir()
        shutil.copy(next(env.BUILD.glob("plugins/lb-roundrobin/.libs/lb-roundrobin.so")),
                    mine / "lb-roundrobin.so")
        path = self.written(node={"plugin_path": f'"{mine}"'},
                            balance_leaf={"plugin": "roundrobin"})
        done = self.check(path)
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = hf.Tool(path).json("plugin", "list")
        found = {(m["kind"], m["name"]): m["file"] for m in listed}
        self.assertEqual(found["lb", "roundrobin"], f"{mine}/lb-roundrobin.so")
        self.assertIn(("lb", "leastload"), found)

    def test_tool_checks_too(self):
        good = hf.Tool(self.written()).run("config", "check")
        self.assertEqual(good.returncode, 0)
        bad = hf.Tool(self.written(leaf={"proxxy": "x"})).run("config", "check", check=False)
        self.assertNotEqual(bad.returncode, 0)
        self.assertIn("proxxy", bad.stderr)


class Start(hf.TestCase):
    def test_address_in_use(self):
        """A second process must not share a port silently."""
        p = self.platform(runtime="fake")
        other = subprocess.run(
            [env.program("hyperfaasd"), "-c", p.leaf.config, "--set",
             f"node.state_dir={self.folder}/other"],
            capture_output=True, text=True, check=False, timeout=env.seconds(10))
        self.assertGreater(other.returncode, 0)
        self.assertTrue(p.worker_api in other.stderr or p.leaf_api in other.stderr
                        or p.proxy in other.stderr, other.stderr)

    def test_state_folder_in_use(self):
        p = self.platform(runtime="fake")
        other = subprocess.run([env.program("hyperfaasd"), "-c", p.leaf.config],
                               capture_output=True, text=True, check=False,
                               timeout=env.seconds(10))
        self.assertGreater(other.returncode, 0)
        self.assertIn(str(p.leaf.state), other.stderr)

    def test_log_level_is_read_again_on_hangup(self):
        p = self.platform(runtime="fake", options={"log": {"level": "notice"}})
        text = p.leaf.config.read_text().replace("level = notice", "level = debug")
        p.leaf.config.write_text(text)
        p.leaf.process.send_signal(signal.SIGHUP)
        hf.eventually(lambda: p.leaf.log.find("level of the log was read anew"), "it is read")
        self.assertEqual(set(p.leaf.control.json("log/show").values()), {"debug"})


if __name__ == "__main__":
    hf.main()
