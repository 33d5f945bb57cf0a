"""The documents say what is so: examples are built and run, tables compared, links followed."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import hf
from hf import env, plugins

DOCS = env.SOURCE / "docs"


def blocks(path, language):
    """The fenced blocks of a language in a document."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", path.read_text())


def first_column(path, heading):
    """The words in backquotes in the first column of the table below a heading."""
    text = path.read_text().partition(heading)[2]
    table = re.search(r"(?m)(^\|.*\n)+", text)[0].splitlines()[2:]
    return [word for row in table for word in re.findall(r"`([^`]*)`", row.split("|")[1])]


class Texts(unittest.TestCase):
    def documents(self):
        found = [path for path in env.SOURCE.rglob("*.md") if "build" not in
                 path.relative_to(env.SOURCE).parts and "." not in
                 [part[0] for part in path.relative_to(env.SOURCE).parts]]
        self.assertGreater(len(found), 10)
        return found

    def test_links_lead_somewhere(self):
        for path in self.documents():
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
                if not re.match(r"[a-z]+:", target):
                    self.assertTrue((path.parent / target).exists(), f"{path}: {target}")

    def test_each_plugin_has_a_page(self):
        for folder in (env.SOURCE / "plugins").glob("*-*"):
            self.assertTrue((folder / "README.md").exists(), folder)

    def test_reasons(self):
        header = (env.SOURCE / "core" / "engine" / "failure.h").read_text()
        words = re.findall(r'FAILURE\(\w+, "([a-z-]+)", \d+,', header)
        self.assertGreater(len(words), 5)
        table = first_column(DOCS / "WIRE.md", "### When the platform itself fails a call")
        self.assertEqual(sorted(table), sorted(words))

    def test_manual_renders(self):
        made = [*(env.BUILD / "man").glob("hyperfaas-*.7"), env.BUILD / "man" / "hyperfaas.ini.5"]
        written = [env.SOURCE / "man" / name for name in
                   ("hyperfaas.1", "hyperfaas-plugin.7", "hyperfaasd.8")]
        pages = set(made + written)
        self.assertGreaterEqual(len(pages), 11)
        for page in pages:
            try:
                done = subprocess.run(["groff", "-t", "-man", "-ww", "-Tutf8", page], check=False,
                                      capture_output=True)
            except FileNotFoundError:
                self.skipTest("no groff here (Debian: groff-base)")
            self.assertEqual((done.returncode, done.stderr), (0, b""), page)


    def test_manual_of_the_interface(self):
        """Each operation of a header, and what is said of it, is in the page that is made of it."""
        for kind in ("lb", "scheduler", "scaler", "store", "runtime"):
            header = (env.SOURCE / "include" / "hyperfaas" / f"{kind}.h").read_text()
            page = (env.BUILD / "man" / f"hyperfaas-{kind}.7").read_text().replace("\\", "")
            table = re.search(rf"(?s)struct hf_{kind}_ops \{{(.*?)\n\}};", header)[1]
            operations = re.findall(r"\(\*(\w+)\)\(", table)
            self.assertGreater(len(operations), 5)
            for name in operations:
                self.assertRegex(page, rf"\(\*{name}\)\([^;]*;(fP)?\n\.fi\n\.RS 4\n\S"
                                 rf"|\(\*{name}\)\([^;]*;(fP)?\n[^.]", (kind, name))


class Running(hf.TestCase):
    def test_commands_and_counters(self):
        p = self.platform(runtime="fake", lb=True)
        page = DOCS / "OPERATIONS.md"
        documented = {words.split()[0] for words in
                      first_column(page, "## Asking a running node")}
        commands = {command["name"] for command in p.leaf.control.json("help")}
        self.assertEqual(documented, commands)
        counters = {name for name in p.leaf.control.json("counters")
                    if not re.match(r"(lb|scheduler|scaler|store|runtime)_", name)}
        self.assertEqual(set(first_column(page, "### Counters")), counters)

    def test_first_steps(self):
        """The tool's commands in README.md, as they stand there."""
        p = self.platform()
        p.install_sample("grpc-proxy-greeter")
        steps = next(b for b in blocks(env.SOURCE / "README.md", "sh") if "function create" in b)
        script = "set -e\n" + "".join(line + "\n" for line in steps.splitlines()
                                      if not line.startswith("export "))
        path = f"{env.program('hyperfaas').parent}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False,
                              cwd=env.SOURCE, env={**os.environ, "PATH": path,
                                                   "HYPERFAAS_CONFIG": str(p.leaf.config)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('{"message":"Hello, Ada!"}', done.stdout)
        self.assertRegex(done.stdout, r"(?m)^\w+ +greet +ready ")
        python, = blocks(env.SOURCE / "README.md", "python")
        said = []
        exec(python.replace("127.0.0.1:9999", p.proxy), {"print": said.append})  # noqa: S102
        self.assertEqual(said, [b"\n\x0bHello, Ada!"])


class FromOutside(hf.TestCase):
    """The examples of code, with only what `make install` left."""

    @classmethod
    def setUpClass(cls):
        cls.installed = Path(tempfile.mkdtemp(prefix="hf-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.installed)
        cls.environment = plugins.install(cls.installed)

    def test_policy(self):
        source = self.folder / "lb-choices.c"
        source.write_text("".join(blocks(DOCS / "PLUGINS.md", "c")))
        module = plugins.build(source, self.folder / "lb-choices.so", self.environment)
        p = self.platform(runtime="fake", options={
            "balance.leaf": {"plugin": "./lb-choices.so", "choices": 3}})
        info = p.tool.json("plugin", "info", str(module))
        self.assertEqual([option["key"] for option in info["options"]], ["choices"])
        client = p.client(p.create("echo", max_concurrency=1))
        calls = [client.begin("/examples.echo.v1.Echo/Echo", b"\n\1x") for _ in range(100)]
        self.assertEqual({call.result() for call in calls}, {b"\n\1x"})

    def test_function(self):
        source = self.folder / "upper.c"
        source.write_text(next(b for b in blocks(env.SOURCE / "functions" / "README.md", "c")
                               if "hf_function_main" in b))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hyperfaas-function"],
                               env=self.environment, check=True, capture_output=True, text=True)
        p = self.platform()
        sanitizers = [f"-fsanitize={env.SANITIZERS}"] if env.SANITIZED else []
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), *sanitizers, "-O2", "-Wall", "-Wextra", "-o",
                        p.functions / "upper", source, *shlex.split(flags.stdout)], check=True)
        needed = subprocess.run(["readelf", "-d", p.functions / "upper"], check=True,
                                capture_output=True, text=True).stdout
        self.assertNotIn("libhyperfaas-function", needed)
        client = p.client(p.create("hyperfaas-upper:latest"))
        self.assertEqual(client.call("/upper.v1.Upper/Upper", b"shout"), b"SHOUT")
        ticks = client.stream("/upper.v1.Upper/Ticks")
        self.assertEqual(next(ticks), b"tick")
        ticks.cancel()


if __name__ == "__main__":
    hf.main()
