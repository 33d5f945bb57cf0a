"""What comes from elsewhere must not act upon the terminal of the one who looks."""

import os
import pty
import subprocess

import hf
from hf import env

# Sets the title, moves the cursor, rings: in UTF-8's C1 form too.
WRITTEN = b"a\x1b]0;title\x07b\tc \xc2\x9b2J \xc3\xa4\xff\n"
SHOWN = b"a\\x1b]0;title\\x07b\tc \\xc2\\x9b2J \xc3\xa4\\xff\r\n"

TALKER = """#!/bin/sh
printf '%b' '{text}'
exec "$(dirname "$0")/echo" >/dev/null 2>&1
"""


def on_terminal(*words):
    """What the tool writes where its output is a terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen([env.program("hyperfaas"), *map(str, words)], stdout=theirs,
                              stderr=theirs, stdin=subprocess.DEVNULL) as process:
            os.close(theirs)
            written = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                written += piece
            process.wait(env.seconds(10))
    finally:
        os.close(ours)
    return written


class Terminal(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.p = self.platform()
        self.p.install_sample("echo")
        text = "".join(f"\\0{byte:03o}" for byte in WRITTEN)
        image = self.p.install_script("talker", TALKER.format(text=text))
        self.function = self.p.create(image, "talker", memory="1GiB")
        self.instance = self.p.tool.json("worker", "start", self.function)["id"]

    def test_logs(self):
        words = ["--config", self.p.leaf.config, "logs", self.function]
        self.assertEqual(on_terminal(*words), SHOWN)
        self.assertEqual(self.p.tool.run("logs", self.function).stdout, WRITTEN, "a pipe gets all")
        self.p.tool.json("worker", "start", self.function)
        lines = on_terminal(*words).splitlines(keepends=True)
        self.assertEqual({line.partition(b" | ")[2] for line in lines}, {SHOWN})

    def test_answers(self):
        words = ["--config", self.p.leaf.config, "call", self.function,
                 "examples.echo.v1.Echo/Echo", "--format", "raw", "--data"]
        self.assertEqual(on_terminal(*words, "\x0a\x02\x1bc"), b"\r\n\\x02\\x1bc")

    def test_errors(self):
        self.assertNotIn(b"\x1b", on_terminal("--config", self.p.leaf.config, "logs", "\x1b[2J"))


if __name__ == "__main__":
    hf.main()
