#!/usr/bin/env python3
"""`make images`: an image of each sample function, FROM scratch, in a real Docker engine."""

import json
import re

import hf
from hf.engines import Dockerd
from hf.make import make, must_make
from hf.samples import SAMPLES

KIBIBYTES_MAX = 4096


class Images(hf.TestCase):
    def setUp(self):
        super().setUp()
        self.dockerd = self.engine(Dockerd(self.folder))

    def test_images(self):
        printed = must_make("images", DOCKER_HOST=f"unix://{self.dockerd.socket}")
        sizes = dict(re.findall(r"(?m)^hyperfaas-(\S+):latest +(\d+)$", printed))
        self.assertEqual(sorted(sizes), sorted(SAMPLES))
        for name, (path, request, answer) in SAMPLES.items():
            with self.subTest(name):
                self.assertLess(int(sizes[name]), KIBIBYTES_MAX)
                self.check_image(f"hyperfaas-{name}:latest")
                self.check_answer(f"hyperfaas-{name}", path, request, answer)

    def check_image(self, tag):
        image, = json.loads(self.dockerd.docker("image", "inspect", tag))
        self.assertEqual(list(image["Config"]["ExposedPorts"]), ["50052/tcp"])
        self.assertNotIn(image["Config"]["User"], ("", "0", "root"))
        self.assertEqual(len(image["RootFS"]["Layers"]), 1)

    def check_answer(self, tag, path, request, answer):
        container = self.dockerd.docker("run", "-d", "--read-only", "--cap-drop", "ALL",
                                       "--security-opt", "no-new-privileges", tag)
        state, = json.loads(self.dockerd.docker("inspect", container))
        with hf.Client(f"{state['NetworkSettings']['Networks']['bridge']['IPAddress']}:50052") as c:
            found = c.call(path, request, wait_for_ready=True)
            self.assertEqual(found[:len(answer)], answer)
        self.dockerd.docker("stop", container)
        state, = json.loads(self.dockerd.docker("inspect", container))
        self.assertEqual(state["State"]["ExitCode"], 0)
        self.dockerd.docker("rm", container)

    def test_no_engine(self):
        done = make("images", DOCKER_HOST=f"unix://{self.folder}/nobody.sock")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Is the docker daemon running?", done.stderr)
        self.assertIn("no image of ", done.stderr)


if __name__ == "__main__":
    hf.main()
