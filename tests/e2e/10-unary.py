"""A function is created, called at once, and answers: the platform's main job."""

import grpc
import hf
from hf import pb
from hf.rpc import trailer


class SampleFunctions(hf.TestCase):
    """Each sample function, called from zero right after `function create` returned."""

    split = False

    def function(self, name, **options):
        platform = self.platform(split=self.split)
        function_id = platform.create(platform.install_sample(name), **options)
        return platform.client(function_id)

    def test_hello(self):
        client = self.function("hello")
        reply = client.call("/examples.hello.v1.Hello/SayHello", reply=pb.hello.HelloReply)
        self.assertEqual(reply.message, "Hello, World!")

    def test_greeter(self):
        client = self.function("grpc-proxy-greeter")
        for name, greeting in (("Ada", "Hello, Ada!"), ("", "Hello, world!")):
            reply = client.call("/examples.greeter.v1.Greeter/SayHello",
                                pb.greeter.HelloRequest(name=name), pb.greeter.HelloReply)
            self.assertEqual(reply.message, greeting)

    def test_echo(self):
        client = self.function("echo")
        data = bytes(range(256)) * 1000
        reply = client.call("/examples.echo.v1.Echo/Echo", pb.echo.EchoRequest(data=data),
                            pb.echo.EchoReply)
        self.assertEqual(reply.data, data)

    def test_sleep(self):
        client = self.function("sleep")
        reply = client.call("/examples.sleep.v1.Sleep/Sleep",
                            pb.sleep.SleepRequest(duration_nanos=20_000_000), pb.sleep.SleepReply)
        self.assertEqual(reply.message, "Finished Sleeping")

    def test_unknown_method(self):
        client = self.function("hello")
        error = hf.failure(client.call, "/examples.hello.v1.Hello/Nope")
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIsNone(trailer(error, "hyperfaas-reason"), "the function's own answer")


class SampleFunctionsInTwoProcesses(SampleFunctions):
    """The same with a leaf and a worker in processes of their own."""

    split = True


class ShippedConfigurations(hf.TestCase):
    """The files in conf/ as they are, but for addresses and folders."""

    def run_with(self, split, runtime, lb=False, **files):
        p = self.platform(start=False, split=split, lb=lb, runtime=runtime)
        for name, file in files.items():
            node = getattr(p, name)
            node.include = hf.env.SOURCE / "conf" / file
            # Lists grow, other values are replaced: these must not grow.
            node.sections["node"].pop("roles")
            for section, key in (("leaf", "workers"), ("lb", "children")):
                value = node.sections.get(section, {}).pop(key, None)
                if value:
                    node.arguments += ["--set", f"{section}.{key}={value}"]
        p.start()
        image = "hyperfaas-hello" if runtime == "fake" else p.install_sample("hello")
        with hf.Client(p.proxy, p.create(image)) as client:
            reply = client.call("/examples.hello.v1.Hello/SayHello", reply=pb.hello.HelloReply)
        self.assertEqual(reply.message, "Hello, World!")

    def test_standalone(self):
        self.run_with(False, "process", lb=True, leaf="standalone.ini")

    def test_leaf_and_worker(self):
        self.run_with(True, "process", leaf="leaf.ini", worker="worker.ini")

    def test_fake(self):
        self.run_with(False, "fake", leaf="fake.ini")


class Identity(hf.TestCase):
    """The authority names the function, and nothing else does."""

    def test_port_in_authority_is_cut_off(self):
        platform = self.platform(runtime="fake")
        function_id = platform.create("hyperfaas-hello:latest")
        client = platform.client(f"{function_id}:443")
        self.assertEqual(
            client.call("/examples.hello.v1.Hello/SayHello", reply=pb.hello.HelloReply).message,
            "Hello, World!")

    def test_address_as_id_needs_no_authority(self):
        platform = self.platform(runtime="fake")
        platform.create("hyperfaas-hello:latest", function_id=platform.host)
        client = platform.client(None)
        self.assertEqual(
            client.call("/examples.hello.v1.Hello/SayHello", reply=pb.hello.HelloReply).message,
            "Hello, World!")

    def test_functions_do_not_mix(self):
        platform = self.platform()
        probe = platform.install_probe()
        ids = [platform.create(probe, function_id=name) for name in ("a", "b", "c.d_e-F")]
        for function_id in ids:
            platform.client(function_id).call("/hf.Probe/Unary")
        starts = [note["environment"]["FUNCTION_ID"] for note in platform.notes("start")]
        self.assertEqual(sorted(starts), sorted(ids))


class Environment(hf.TestCase):
    """What a function sees of the platform."""

    def test_environment_and_ready_signal(self):
        platform = self.platform()
        function_id = platform.probe("probe-signals")
        self.assertEqual(platform.client(function_id).call("/hf.Probe/Unary", b"x"), b"x")
        environment = platform.notes("start")[0]["environment"]
        self.assertEqual(environment["FUNCTION_ID"], function_id)
        self.assertNotEqual(environment["CONTROLLER_ADDRESS"], platform.worker_api)  # see 51-access
        self.assertTrue(environment["INSTANCE_ID"])
        self.assertTrue(environment["PORT"].isdigit())

    def test_caller_appears_as_itself(self):
        platform = self.platform()
        client = platform.client(platform.probe(), [("grpc.primary_user_agent", "mine/1")])
        client.call("/hf.Probe/Unary")
        metadata = dict(platform.wait_note("call")["metadata"])
        self.assertTrue(metadata["user-agent"].startswith("mine/1 "))


if __name__ == "__main__":
    hf.main()
