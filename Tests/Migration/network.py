"""Hosts as network namespaces on one bridge, each with an address of its own."""
import os
import subprocess


def ip(*arguments, check=True):
    subprocess.run(["ip", *arguments], check=check, stderr=subprocess.DEVNULL if not check else None)


class Network:
    """Namespaces by name, 10.77.0.N each in the order given; gone with `close`."""

    def __init__(self, names):
        self.prefix = f"ftsl{os.getpid()}"
        self.names = list(names)
        self.bridge = f"{self.prefix}-r"
        self.addresses = {name: f"10.77.0.{number + 1}" for number, name in enumerate(self.names)}
        try:
            self.make()
        except subprocess.CalledProcessError:
            self.close()
            raise

    def space(self, name):
        return f"{self.prefix}-{name}"

    def make(self):
        ip("netns", "add", self.bridge)
        ip("-n", self.bridge, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.bridge, "link", "set", "bridge", "up")
        for name in self.names:
            space = self.space(name)
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "add", "net", "type", "veth", "peer", "name", f"to-{name}", "netns", self.bridge)
            ip("-n", space, "address", "add", f"{self.addresses[name]}/24", "dev", "net")
            ip("-n", space, "link", "set", "net", "up")
            ip("-n", self.bridge, "link", "set", f"to-{name}", "master", "bridge", "up")

    def at(self, name):
        """What a command line begins with that is to run there."""
        return ["ip", "netns", "exec", self.space(name)]

    def cut(self, name):
        """Nothing gets from there to the others, or back; nobody is told."""
        ip("-n", self.bridge, "link", "set", f"to-{name}", "nomaster")

    def heal(self, name):
        ip("-n", self.bridge, "link", "set", f"to-{name}", "master", "bridge")

    def close(self):
        for space in [self.bridge, *map(self.space, self.names)]:
            ip("netns", "delete", space, check=False)
