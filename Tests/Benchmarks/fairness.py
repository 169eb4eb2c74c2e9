"""How evenly busy sessions of one listener share it: Jain's index of what each brought in the same time.

Usage: fairness.py FTSL [SESSIONS [SECONDS]]. Each session is fed as much as it takes; 1 is an even share, 1/SESSIONS
one session that has everything.
"""
import multiprocessing
import os
import pathlib
import resource
import selectors
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from idle import forwarder, start  # noqa: E402

PIECE = b"x" * 16384


def feed(ports, count, go):
    """Keeps `count` connections full, spread over the ports; each says its number first."""
    connections = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", ports[number % len(ports)]))
        connection.sendall(b"%08d" % number)
        connection.setblocking(False)
        connections.append(connection)
    go.wait()
    with selectors.DefaultSelector() as watch:
        for connection in connections:
            watch.register(connection, selectors.EVENT_WRITE)
        while True:
            for key, _ in watch.select():
                try:
                    key.fileobj.send(PIECE)
                except BlockingIOError:
                    pass


class Sink:
    """Takes what comes on each connection, and counts it."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.watch = selectors.DefaultSelector()
        self.watch.register(self.server, selectors.EVENT_READ)
        self.bytes = {}
        self.space = bytearray(1 << 18)

    @property
    def port(self):
        return self.server.getsockname()[1]

    def take(self, until):
        """Until a condition holds."""
        while not until():
            for key, _ in self.watch.select(0.1):
                if key.fileobj is self.server:
                    connection, _ = self.server.accept()
                    self.watch.register(connection, selectors.EVENT_READ)
                    continue
                count = key.fileobj.recv_into(self.space)
                if not count:
                    # Who only looked whether somebody listens has said nothing.
                    if key.fileobj in self.bytes:
                        sys.exit("a session ended")
                    self.watch.unregister(key.fileobj)
                    continue
                self.bytes[key.fileobj] = self.bytes.get(key.fileobj, 0) + count


def jain(shares):
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))


def measure(ftsl, count, seconds, dialers=4):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sink = Sink()
    listener, endpoint = start(
        ftsl, "listen", "-q", "127.0.0.1:0", "--forward", f"127.0.0.1:{sink.port}", "--max-sessions", str(count + 16),
        "--max-memory", "16G")
    clients = [forwarder(ftsl, endpoint) for _ in range(dialers)]
    go = multiprocessing.Event()
    feeder = multiprocessing.Process(target=feed, args=([port for _, port in clients], count, go), daemon=True)
    feeder.start()
    limit = time.monotonic() + 120
    sink.take(lambda: len(sink.bytes) == count or time.monotonic() > limit)
    if len(sink.bytes) < count:
        sys.exit(f"{len(sink.bytes)} of {count} sessions are there")
    go.set()
    # Windows open first.
    warm = time.monotonic() + 3
    sink.take(lambda: time.monotonic() > warm)
    before = dict(sink.bytes)
    end = time.monotonic() + seconds
    sink.take(lambda: time.monotonic() > end)
    shares = [sink.bytes[connection] - before[connection] for connection in before]
    for process in [listener, feeder] + [process for process, _ in clients]:
        process.kill()
    return {"sessions": count, "seconds": seconds, "mib_s": round(sum(shares) / seconds / 2**20, 1),
            "jain": round(jain(shares), 4), "least": min(shares), "most": max(shares)}


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[2:]]
    print(measure(os.path.abspath(sys.argv[1]), *(numbers + [1000, 10][len(numbers):])))
