"""A proxy that changes the handshake of a plaintext connection.

  rewriting.py PORT MODE    says its port, and for each connection whether it found what it was to change
"""
import socket
import sys

import tools

wire = tools.wire


def more_versions(fields):
    fields["versions"] = fields["versions"] + [0]


def other_version(fields):
    fields["version"] = 2


def other_limits(fields):
    fields["limits"]["heartbeat"] //= 2


def other_service(fields):
    fields["service"] = "another"


def other_flags(fields):
    fields["flags"] ^= wire.REPEATABLE


def other_number(fields):
    fields["n"] += 1


def item(fields):
    fields["ext"] = [{"type": 999, "bytes": b"x"}]


MODES = {
    "versions": ("OPEN", more_versions), "limits-up": ("OPEN", other_limits), "service": ("OPEN", other_service),
    "item-up": ("OPEN", item), "version": ("OPENED", other_version), "limits-down": ("OPENED", other_limits),
    "flags": ("OPENED", other_flags), "item-down": ("OPENED", item),
}


class Rewriter:
    """Changes one handshake frame in the bytes of one direction."""

    def __init__(self, mode):
        self.wanted, self.change = MODES[mode]
        self.buffer, self.done = b"", False

    def __call__(self, data):
        if self.done:
            return data
        self.buffer += data
        start = len(wire.PREFACE)
        if len(self.buffer) < start + 4:
            return b""
        size = 4 + int.from_bytes(self.buffer[start:start + 4], "big")
        if len(self.buffer) < start + size:
            return b""
        self.done = True
        name, fields = wire.decode(self.buffer[start:start + size])
        if name != self.wanted:
            return self.buffer
        self.change(fields)
        tools.say(changed=name)
        return self.buffer[:start] + wire.encode(name, **fields) + self.buffer[start + size:]


def main():
    target, mode = int(sys.argv[1]), sys.argv[2]
    up = MODES[mode][0] == "OPEN"

    def handle(client, number):
        server = socket.create_connection(("127.0.0.1", target), 5)
        rewriter = Rewriter(mode)
        same = lambda data: data
        tools.both(client, server, rewriter if up else same, same if up else rewriter)

    tools.serve(handle)
    sys.stdin.read()


main()
