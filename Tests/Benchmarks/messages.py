"""One-way messages: ftsl send into an inbox, against NATS JetStream and mosquitto, in pairs."""
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_it_answers(port, process):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.005)
    sys.exit(f"{process.args[0]} does not listen on {port}")


class Receiver:
    """A server with an empty store of its own, and how one sends to it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()

    def __enter__(self):
        self.server = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        until_it_answers(self.port, self.server)
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()


class Ftsl(Receiver):
    name = "ftsl"
    binary = "ftsl"

    def command(self):
        return [self.binary, "listen", "-q", f"127.0.0.1:{self.port}", "--inbox", str(self.folder / "inbox.db")]

    def many(self):
        return [self.binary, "send", "-q", "-l", "--outbox", str(self.folder / "outbox.db"), f"127.0.0.1:{self.port}"]

    def one(self):
        return [self.binary, "send", "-q", "--wait", "accepted", "--outbox", str(self.folder / "outbox.db"),
                f"127.0.0.1:{self.port}", "x" * 100]


class JetStream(Receiver):
    name = "NATS JetStream"

    def command(self):
        return ["nats-server", "-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self.folder / "js")]

    def many(self):
        return [str(self.folder.parent / "nats_publish"), f"nats://127.0.0.1:{self.port}", "bench", "bench.messages"]


class Mosquitto(Receiver):
    name = "mosquitto QoS 2"

    def command(self):
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                                 f"persistence_location {self.folder}/\nmax_queued_messages 0\nuser root\n")
        return ["mosquitto", "-c", str(configuration)]

    def many(self):
        return ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", "bench", "-q", "2", "-l"]

    def one(self):
        return ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", "bench", "-q", "1", "-m", "x" * 100]


def timed_many(kind, root, lines, count):
    with tempfile.TemporaryDirectory(dir=root) as folder, kind(folder) as receiver:
        with open(lines, "rb") as source:
            begin = time.monotonic()
            subprocess.run(receiver.many(), stdin=source, stdout=subprocess.DEVNULL, check=True)
            return count / (time.monotonic() - begin)


def compare_many(other, root, count, pairs):
    lines = pathlib.Path(root) / f"lines-{count}"
    if not lines.exists():
        lines.write_text("".join(f"{number:0100d}\n" for number in range(count)))
    rows = []
    for _ in range(pairs):
        rows.append((timed_many(Ftsl, root, lines, count), timed_many(other, root, lines, count)))
        print(".", end="", file=sys.stderr, flush=True)
    return {"what": "messages/s", "other": other.name, "ftsl": statistics.median(r[0] for r in rows),
            "others": statistics.median(r[1] for r in rows), "ratio": statistics.median(r[0] / r[1] for r in rows)}


def compare_one(root, pairs):
    """One message, process start included, in ms."""
    with tempfile.TemporaryDirectory(dir=root) as a, tempfile.TemporaryDirectory(dir=root) as b, \
            Ftsl(a) as ours, Mosquitto(b) as theirs:
        rows = []
        for _ in range(pairs):
            row = []
            for receiver in (ours, theirs):
                begin = time.monotonic()
                subprocess.run(receiver.one(), stdout=subprocess.DEVNULL, check=True)
                row.append((time.monotonic() - begin) * 1000)
            rows.append(row)
    return {"what": "one message, ms", "other": "mosquitto_pub -q 1", "ftsl": statistics.median(r[0] for r in rows),
            "others": statistics.median(r[1] for r in rows), "ratio": statistics.median(r[0] / r[1] for r in rows)}


def measure(ftsl, pairs=5):
    Ftsl.binary = ftsl
    rows = []
    with tempfile.TemporaryDirectory() as root:
        if shutil.which("nats-server"):
            subprocess.run(["cc", "-O2", "-o", f"{root}/nats_publish", str(HERE / "nats_publish.c"), "-lnats"],
                           check=True)
            rows.append(compare_many(JetStream, root, 1_000_000, pairs))
        if shutil.which("mosquitto"):
            # QoS 2 takes four packets a message: fewer of them take long enough.
            rows.append(compare_many(Mosquitto, root, 100_000, pairs))
            rows.append(compare_one(root, 8 * pairs + 1))
    print(file=sys.stderr)
    return rows


if __name__ == "__main__":
    for row in measure(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        print(f"{row['what']:18} vs {row['other']:20} {row['ftsl']:12.2f} {row['others']:12.2f} {row['ratio']:6.2f}")
