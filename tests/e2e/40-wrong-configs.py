"""What is wrong with a configuration is said in one line: where it stands, what it is, what would be right.

Each file in wrong-configs/ begins with a comment that says what is expected: the beginning of the
line, in which HERE is the file's own name, and behind " ... " what must follow somewhere.  Further
comments are arguments for the command line.
"""

import re
import subprocess

import hf
from hf import env

FOLDER = env.SOURCE / "tests" / "e2e" / "wrong-configs"


def comments(path, word):
    """What the comments of that word at the file's top say."""
    return re.findall(rf"(?m)^; {word}: (.*)$", path.read_text())


class Wrong(hf.TestCase):
    def check(self, path):
        done = subprocess.run([env.program("hyperfaasd"), "--check", "-c", path.name,
                               *comments(path, "argument")], capture_output=True, text=True,
                              check=False, cwd=FOLDER, timeout=env.seconds(10))
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        line, = done.stderr.splitlines()
        expected, = comments(path, "expect")
        first, *others = expected.replace("HERE", path.name).split(" ... ")
        self.assertTrue(line.startswith(f"hyperfaasd: {first}"), f"{line}\nexpected: {first}")
        for other in others:
            self.assertIn(other, line)

    def test_each(self):
        files = sorted(FOLDER.glob("*.ini"))
        self.assertGreaterEqual(len(files), 80)
        for path in files:
            with self.subTest(path.name):
                self.check(path)

    def test_each_kind_is_there(self):
        """Every section, and every type of option, is wrong in one of them."""
        texts = [path.read_text() for path in FOLDER.glob("*.ini")]
        said = " ".join(re.match("; expect: (.*)", text)[1] for text in texts)
        for section in ("node", "log", "lb", "leaf", "worker", "store", "runtime", "scheduler",
                        "scaler", "balance.leaf", "balance.lb"):
            self.assertIn(f"[{section}]", said)
        for type_ in ("not a number", "not a duration", "not a size", "neither yes nor no",
                      "is not allowed", "not an address", "the path is empty", "too small",
                      "too large"):
            self.assertIn(type_, said)


if __name__ == "__main__":
    hf.main()
