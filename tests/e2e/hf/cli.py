"""Running `hyperfaas`, the command line tool."""

import json
import subprocess

from hf import env


class CommandFailed(AssertionError):
    """The tool ended with another status than 0."""

    def __init__(self, result):
        words = " ".join(str(word) for word in result.args)
        super().__init__(f"{words}: status {result.returncode}\n{result.stdout}{result.stderr}")
        self.status, self.stderr = result.returncode, result.stderr


class Tool:
    """The tool with one configuration."""

    def __init__(self, config=None):
        self.config = config

    def run(self, *words, data=None, timeout=30, check=True):
        """The finished process, its output as text."""
        command = [env.program("hyperfaas")]
        if self.config:
            command += ["--config", self.config]
        command += [str(word) for word in words]
        result = subprocess.run(command, input=data or b"", capture_output=True, check=False,
                                timeout=env.seconds(timeout))
        result.stderr = result.stderr.decode(errors="replace")
        if check and result.returncode != 0:
            result.stdout = result.stdout.decode(errors="replace")
            raise CommandFailed(result)
        return result

    def text(self, *words, **more):
        return self.run(*words, **more).stdout.decode()

    def json(self, *words, **more):
        return json.loads(self.text(*words, "--json", **more))

    def create(self, image, function_id=None, **options):
        """The id of a new function; option names as on the command line, _ for -."""
        words = ["function", "create", "--image-tag", image]
        if function_id:
            words += ["--id", function_id]
        return self.json(*words, *_flags(options))["id"]

    def update(self, function_id, **options):
        self.run("function", "update", function_id, *_flags(options))

    def delete(self, function_id):
        self.run("function", "delete", function_id)


def _flags(options):
    words = []
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return words
