"""Modules: one from outside the tree is used, and each way to be wrong is explained."""

import shutil
import subprocess
from pathlib import Path

import hf
from hf import env, plugins

ELF_WITHOUT_SYMBOL = "int nothing_of_interest(void) { return 0; }\n"


class FromOutside(hf.TestCase):
    """A policy written in a folder of its own, with only what `make install` left."""

    def test_policy_is_built_named_and_used(self):
        outside = self.folder / "outside"
        outside.mkdir()
        environment = plugins.install(self.folder / "installed")
        shutil.copy(env.E2E / "scaler-flap.c", outside)
        module = plugins.build(outside / "scaler-flap.c", outside / "scaler-flap.so", environment)
        p = self.platform(runtime="fake", options={
            "scaler": {"plugin": str(module), "low": 3, "high": 3}})
        client = p.client(p.create("hyperfaas-hello:latest"))
        client.call("/examples.hello.v1.Hello/SayHello")
        hf.eventually(lambda: len(p.instances()) == 3, "the policy's three instances run")

    def test_found_by_name_in_a_folder(self):
        folder = self.folder / "modules"
        folder.mkdir()
        plugins.build_from_source(env.E2E / "scaler-flap.c", folder / "scaler-flap.so")
        p = self.platform(start=False, runtime="fake")
        tool = hf.Tool(p.leaf.config)
        p.leaf.sections["node"]["plugin_path"] = str(folder)
        p.leaf.config.write_text(hf.ini.render(p.leaf.sections))
        self.assertIn("Up and down", tool.text("plugin", "info", "scaler-flap"))
        self.assertIn("flap", tool.text("plugin", "list"))


class Running(hf.TestCase):
    def test_modules_and_their_options(self):
        """A node says which modules it runs, from where, and with which options."""
        p = self.platform(runtime="fake", options={"scheduler": {"scope": "global"}})
        listed = {m["section"]: m for m in p.leaf.control.json("node/modules")}
        self.assertEqual(set(listed), {"store", "runtime", "balance.leaf", "scheduler", "scaler"})
        scheduler = listed["scheduler"]
        self.assertEqual((scheduler["kind"], scheduler["module"]), ("scheduler", "roundrobin"))
        self.assertEqual(scheduler["options"], {"scope": "global"})
        self.assertTrue(Path(scheduler["file"]).is_file())
        self.assertEqual(listed["store"]["options"]["path"], str(self.folder / "store"))
        text = p.leaf.ctl("node/modules")
        self.assertIn("section=scaler kind=scaler module=concurrency abi=", text)


class Wrong(hf.TestCase):
    def refused(self, *expected, **sections):
        """What hyperfaasd says to a configuration that names a module which cannot be used."""
        p = self.platform(start=False, runtime="fake", options=sections)
        path = self.folder / "wrong.ini"
        path.write_text(hf.ini.render(p.leaf.sections))
        done = subprocess.run([env.program("hyperfaasd"), "--check", "-c", path], check=False,
                              capture_output=True, text=True, timeout=env.seconds(10))
        self.assertGreater(done.returncode, 0, done.stderr)
        for text in expected:
            self.assertIn(text, done.stderr)
        return done.stderr

    def compiled(self, name, text):
        source, module = self.folder / f"{name}.c", self.folder / f"{name}.so"
        source.write_text(text)
        return plugins.build_from_source(source, module)

    def test_no_such_module(self):
        said = self.refused("scaler-absent", scaler={"plugin": "absent"})
        self.assertIn("concurrency", said, "what there is")

    def test_no_such_file(self):
        self.refused("/nowhere/module.so", scaler={"plugin": "/nowhere/module.so"})

    def test_wrong_kind(self):
        module = plugins.build_from_source(env.E2E / "scaler-flap.c", self.folder / "flap.so")
        self.refused("scaler", "scheduler", scheduler={"plugin": str(module)})

    def test_missing_symbol(self):
        module = self.compiled("plain", ELF_WITHOUT_SYMBOL)
        self.refused("hyperfaas_plugin", scaler={"plugin": str(module)})

    def test_no_module_at_all(self):
        path = self.folder / "text.so"
        path.write_text("certainly no shared object")
        self.refused(str(path), scaler={"plugin": str(path)})

    def test_other_abi(self):
        text = (env.E2E / "scaler-flap.c").read_text().replace(
            "#include <hyperfaas/scaler.h>",
            "#include <hyperfaas/scaler.h>\n#undef HF_PLUGIN_ABI_MAJOR\n"
            "#define HF_PLUGIN_ABI_MAJOR 77")
        self.refused("77", scaler={"plugin": str(self.compiled("future", text))})

    def test_other_magic(self):
        text = (env.E2E / "scaler-flap.c").read_text().replace(
            "#include <hyperfaas/scaler.h>",
            "#include <hyperfaas/scaler.h>\n#undef HF_PLUGIN_MAGIC\n#define HF_PLUGIN_MAGIC 1")
        self.refused("is no module", scaler={"plugin": str(self.compiled("alien", text))})

    def test_unresolved_symbol(self):
        text = (env.E2E / "scaler-flap.c").read_text().replace(
            "free(scaler);", "extern void nobody_has_this(void *); nobody_has_this(scaler);")
        self.refused("nobody_has_this", scaler={"plugin": str(self.compiled("broken", text))})

    def test_bad_option_of_an_outside_module(self):
        module = plugins.build_from_source(env.E2E / "scaler-flap.c", self.folder / "flap.so")
        self.refused("low", "0", scaler={"plugin": str(module), "low": "0"})
        self.refused("period", "soon", scaler={"plugin": str(module), "period": "soon"})


if __name__ == "__main__":
    hf.main()
