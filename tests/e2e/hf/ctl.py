"""The control socket of a node."""

import json
import socket

from hf import env


class ControlError(AssertionError):
    """The node refused the command."""


class Control:
    """Asks one command per connection, as `hyperfaas ctl` does."""

    def __init__(self, path):
        self.path = str(path)

    def ask(self, *words):
        """The text of the answer to a command and its arguments."""
        line = " ".join(_quoted(str(word)) for word in words) + "\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(env.seconds(10))
            connection.connect(self.path)
            connection.sendall(line.encode())
            with connection.makefile("rb") as answer:
                return self._read(line, answer)

    def json(self, *words):
        return json.loads(self.ask("--json", *words))

    @staticmethod
    def _read(line, answer):
        head = answer.readline().decode().split()
        if not head:
            raise ControlError(f"no answer to: {line}")
        body = answer.read(int(head[-1])).decode()
        if head[0] != "ok":
            raise ControlError(f"{line.strip()}: {head[1]}: {body}")
        return body


def _quoted(word):
    if word and not any(c in word for c in ' "\\\t'):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
