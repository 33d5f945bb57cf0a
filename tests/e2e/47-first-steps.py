"""The commands of the documents, word by word, by an ordinary user: from the source folder, and from a
prefix that is nobody else's."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import hf
from hf import env
from hf.make import must_make

USER = 65534  # no user's

# Waits until the tool gets an answer from the node.
READY = "for i in $(seq 200); do hyperfaas instances >/dev/null 2>&1 && break; sleep 0.05; done\n"


def blocks(path, language="sh"):
    """The fenced blocks of a language in a document."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", path.read_text())


def block(path, words, language="sh"):
    """The one that has the words."""
    return next(found for found in blocks(path, language) if words in found)


@unittest.skipUnless(os.geteuid() == 0, "a network of its own needs root")
class FirstSteps(hf.TestCase):
    """Each script runs in a network of its own, for the documents' ports are everybody's."""

    def setUp(self):
        super().setUp()
        self.home = Path(tempfile.mkdtemp(prefix="hf-e2e-"))
        self.addCleanup(shutil.rmtree, self.home)
        os.chown(self.home, USER, USER)

    def run_as_user(self, script, folder):
        """What the script printed."""
        words = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "env", "-i",
                 f"HOME={self.home}", f"PATH={os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE=1",
                 "sh", "-e", "-c", script]
        done = subprocess.run(["unshare", "--net", "sh", "-e", "-c",
                               f"ip link set lo up; exec {shlex.join(words)}"],
                              cwd=folder, capture_output=True, text=True, check=False,
                              timeout=env.seconds(60))
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        return done.stdout

    def steps(self, start):
        """A node in the background, then the README's calls with the tool and from Python."""
        readme = env.SOURCE / "README.md"
        tool = block(readme, "function create hyperfaas-grpc-proxy-greeter")
        calls = "".join(line + "\n" for line in tool.splitlines()
                        if not line.startswith("export "))
        python = block(readme, "import grpc", "python")
        return (f"{start} >$HOME/log 2>&1 &\nnode=$!\n{READY}{calls}"
                f"/usr/bin/python3 - <<'END'\n{python}END\n",
                "kill $node\nwait $node || { cat $HOME/log; exit 1; }\n")

    def assert_greeted(self, printed):
        self.assertIn('{"message":"Hello, Ada!"}', printed)
        self.assertRegex(printed, r"(?m)^\S+ +greet +ready ")
        self.assertIn(repr(b"\n\x0bHello, Ada!"), printed)

    def test_source_folder(self):
        by_hand = block(env.SOURCE / "README.md", "./bootstrap.sh deps\n")
        start, = (line for line in by_hand.splitlines() if "hyperfaasd" in line)
        tool = block(env.SOURCE / "README.md", "function create hyperfaas-grpc-proxy-greeter")
        exports = "".join(line + "\n" for line in tool.splitlines() if line.startswith("export "))
        folder = self.folder / "clone"
        folder.mkdir()
        self.folder.chmod(0o755)
        for name in ("conf", "proto"):
            (folder / name).symlink_to(env.SOURCE / name)
        (folder / "build").symlink_to(env.BUILD)
        run, end = self.steps(start)
        self.assert_greeted(self.run_as_user(exports + run + end, folder))

    def test_prefix(self):
        """Installed below HOME; a function and a policy are built by their pages' commands."""
        installed = block(env.SOURCE / "README.md", "make -C build install prefix=")
        must_make("install", f"prefix={self.home}/hyperfaas")
        lines = [line for line in installed.splitlines() if not line.startswith("make ")]
        run, end = self.steps(lines.pop())
        function = env.SOURCE / "functions" / "README.md"
        policy = env.SOURCE / "docs" / "PLUGINS.md"
        (self.home / "upper.c").write_text(block(function, "hf_function_main", "c"))
        (self.home / "lb-choices.c").write_text("".join(blocks(policy, "c")))
        cc, = (line for line in block(function, "pkg-config").splitlines() if line.startswith("cc"))
        build = (f"cd $HOME\n{cc}\n{block(policy, 'lb-choices.so lb-choices.c')}"
                 f"{block(policy, 'plugin info ./lb-choices.so')}"
                 "PORT=50099 ./upper & upper=$!\n"
                 "/usr/bin/python3 - <<'END'\n"
                 "import grpc\n"
                 "channel = grpc.insecure_channel('127.0.0.1:50099')\n"
                 "call = channel.unary_unary('/upper.v1.Upper/Upper')\n"
                 "print(call(b'shout', wait_for_ready=True, timeout=20))\n"
                 "END\n"
                 "kill $upper; wait $upper\n")
        printed = self.run_as_user("\n".join(lines) + "\n" + run + build + end, self.home)
        self.assert_greeted(printed)
        self.assertIn("b'SHOUT'", printed)
        self.assertIn("choices", printed)
        found = self.run_as_user("hyperfaas/bin/hyperfaas plugin list --json", self.home)
        self.assertIn(f"{self.home}/hyperfaas/", found)
        self.assertNotIn(str(env.BUILD), found)

    def test_moved(self):
        """What was installed finds its parts wherever the tree lies."""
        must_make("install", f"DESTDIR={self.home}/elsewhere")
        tool, = self.home.glob("elsewhere/**/bin/hyperfaas")
        found = self.run_as_user(f"{tool} plugin list --json", self.home)
        self.assertIn(f"{self.home}/elsewhere/", found)


if __name__ == "__main__":
    env.skip_if_sanitized("the documents' compilers know no sanitizers")
    hf.main()
