"""A proxy that passes TLS through but does something to its records.

  records.py PORT MODE DIRECTION RECORD CONNECTIONS

MODE flip, cut, replay, swap, drop, or grow; DIRECTION up (to 127.0.0.1:PORT) or down; RECORD counts application
records of a connection from 1; the first CONNECTIONS connections are treated so, later ones are left in peace.
"""
import random
import socket
import sys
import threading

import tools


def records(sock):
    """Whole TLS records until the end."""
    buffer = b""
    while True:
        while len(buffer) >= 5 and len(buffer) >= 5 + int.from_bytes(buffer[3:5], "big"):
            size = 5 + int.from_bytes(buffer[3:5], "big")
            yield buffer[:size]
            buffer = buffer[size:]
        data = sock.recv(tools.CHUNK)
        if not data:
            return
        buffer += data


class Mischief:
    def __init__(self, mode, at):
        self.mode, self.at, self.count, self.held, self.done = mode, at, 0, b"", False

    def treat(self, record):
        """The bytes to send instead; None to end here."""
        if record[0] != 0x17 or self.done:
            return record
        self.count += 1
        if self.count < self.at:
            return record
        if self.mode == "swap":
            if not self.held:
                self.held = record
                return b""
            self.done = True
            return record + self.held
        self.done = True
        if self.mode == "flip":
            bit = random.randrange(8 * (len(record) - 5))
            changed = bytearray(record)
            changed[5 + bit // 8] ^= 1 << bit % 8
            return bytes(changed)
        if self.mode == "replay":
            return record + record
        if self.mode == "drop":
            return b""
        if self.mode == "grow":
            return record[:3] + (len(record) - 4).to_bytes(2, "big") + record[5:] + b"\0"
        assert self.mode == "cut"
        return record[:5 + (len(record) - 5) // 2]


def main():
    target, mode, direction = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    at, connections = int(sys.argv[4]), int(sys.argv[5])

    def carry(source, sink, mischief):
        try:
            for record in records(source):
                sink.sendall(mischief.treat(record) if mischief else record)
                if mischief and mischief.done and mischief.mode == "cut":
                    break
        except OSError:
            pass
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR if mischief and mischief.done else socket.SHUT_WR)
            except OSError:
                pass

    def handle(client, number):
        server = socket.create_connection(("127.0.0.1", target), 5)
        mischief = Mischief(mode, at) if number <= connections else None
        up, down = (mischief, None) if direction == "up" else (None, mischief)
        other = threading.Thread(target=carry, args=(server, client, down), daemon=True)
        other.start()
        carry(client, server, up)
        other.join()
        tools.say(connection=number, done=bool(mischief and mischief.done))
        client.close()
        server.close()

    tools.serve(handle)
    sys.stdin.read()


main()
