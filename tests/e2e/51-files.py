"""What a node keeps on disk: readable by its owner and group alone, never written through a link,
and not in a folder in which others may put files."""

import os
import stat

import hf
from hf import eventually


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class Files(hf.TestCase):
    def refused(self, node):
        """What a node says that must not start."""
        node.log.announce("the node cannot start")
        start = len(node.log.text()) if node.log.path.exists() else 0
        node.launch()
        node.expected_end = 1
        node.wait()
        return node.log.text()[start:]

    def test_nobody_else_may_read(self):
        p = self.platform(options={"runtime": {"log_path": self.folder / "logs"}}, start=False)
        (self.folder / "standalone.state").mkdir(mode=0o700)
        before = os.umask(0o000)  # the least careful there is
        try:
            p.start()
            p.install_probe()
            talks = p.install_script("talks", f"#!/bin/sh\necho hello\nexec {p.functions}/probe\n")
            p.client(p.create(talks)).call("/hf.Probe/Unary")
        finally:
            os.umask(before)
        logs = eventually(lambda: list((self.folder / "logs").glob("*.log")), "an instance has a log")
        for folder in (self.folder / "logs", self.folder / "store", self.folder / "store/functions"):
            self.assertEqual(mode(folder), 0o750, folder)
        for file in logs + list((self.folder / "store/functions").glob("*.json")):
            self.assertEqual(mode(file), 0o640, file)
        for file in (self.folder / "standalone.state").rglob("*"):
            self.assertEqual(mode(file) & 0o027, 0, file)

    def test_links_are_not_followed(self):
        victim = self.folder / "victim"
        victim.write_text("precious")
        p = self.platform(start=False)
        state, functions = self.folder / "standalone.state", self.folder / "store/functions"
        for folder in (state, functions):
            folder.mkdir(mode=0o700, parents=True)
        (functions / ".writing").symlink_to(victim)
        p.start()
        p.create(p.install_probe(), "f")
        self.assertEqual(victim.read_text(), "precious")
        p.stop()
        (state / "leaf.id").unlink()
        (state / "leaf.id").symlink_to(victim)
        self.assertIn("leaf.id", self.refused(p.leaf))
        self.assertEqual(victim.read_text(), "precious")

    def test_a_state_folder_that_others_may_write(self):
        p = self.platform(start=False)
        state = self.folder / "standalone.state"
        state.mkdir()
        for wrong in (0o777, 0o1777, 0o770):
            state.chmod(wrong)
            why = self.refused(p.leaf)
            self.assertIn(f"chmod go-w {state}", why)
            self.assertIn("[node] state_dir", why)
        state.chmod(0o755)
        p.leaf.restart()


if __name__ == "__main__":
    hf.main()
