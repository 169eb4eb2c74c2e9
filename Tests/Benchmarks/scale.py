"""A million messages in one inbox; crowds of producers and cursors; how long a message takes."""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time


class Inbox:
    """A listener with an inbox, at a port that the kernel chose."""

    def __init__(self, ftsl, folder, options=()):
        self.ftsl, self.folder = ftsl, pathlib.Path(folder)
        self.path = str(self.folder / "inbox.db")
        reading, writing = os.pipe()
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [ftsl, "listen", "-q", ":0", "--inbox", self.path, "--ready-fd", str(writing), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as ready:
            self.endpoint = ready.readline().strip()
        self.start_ms = (time.monotonic() - begin) * 1000
        if not self.endpoint:
            sys.exit(f"ftsl listen ended with {self.process.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def sender(self, *arguments):
        return [self.ftsl, "send", "-q", "--outbox", str(self.folder / "outbox.db"), *arguments, self.endpoint]

    def status(self):
        text = subprocess.run([self.ftsl, "status", "--json", self.path], stdout=subprocess.PIPE, check=True).stdout
        return json.loads(text.splitlines()[0])


def timed(command, times=5):
    """The median of a few runs, in ms."""
    taken = []
    for _ in range(times):
        begin = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.monotonic() - begin) * 1000)
    return statistics.median(taken)


def fill(inbox, count):
    begin = time.monotonic()
    sender = subprocess.Popen(inbox.sender("-l"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for first in range(0, count, 1000):
        sender.stdin.write("".join(f"{number:0100d}\n" for number in range(first, min(first + 1000, count))))
    sender.stdin.close()
    if sender.wait():
        sys.exit(f"ftsl send ended with {sender.returncode}")
    return time.monotonic() - begin


def retention(ftsl, folder, kept):
    """Everything but the newest goes: how long that takes, and how long a sender waits meanwhile at worst."""
    with Inbox(ftsl, folder, ["--keep", str(kept)]) as inbox:
        start_ms, begin, worst = inbox.start_ms, time.monotonic(), 0
        while True:
            sent = time.monotonic()
            subprocess.run([*inbox.sender(), "x"], check=True)
            worst = max(worst, (time.monotonic() - sent) * 1000)
            if inbox.status()["messages"] <= kept + 1:
                return start_ms, time.monotonic() - begin, worst


def million(ftsl, count):
    with tempfile.TemporaryDirectory() as folder:
        with Inbox(ftsl, folder) as inbox:
            seconds = fill(inbox, count)
        size = os.path.getsize(inbox.path) / count
        starts, rows = [], {}
        for _ in range(5):
            with Inbox(ftsl, folder) as inbox:
                starts.append(inbox.start_ms)
        with Inbox(ftsl, folder) as inbox:
            tail = [ftsl, "tail", "-q", "-c", "1"]
            rows["tail --from INDEX"] = timed([*tail, "--from", str(count // 2), inbox.endpoint])
            rows["tail --from INDEX, the file"] = timed([*tail, "--from", str(count // 2), inbox.path])
            rows["tail --from -10"] = timed([*tail, "--from", "-10", inbox.endpoint])
            rows["tail --from TIME"] = timed([*tail, "--from", "1h", inbox.endpoint])
            rows["tail, a topic that nobody has"] = timed(
                [ftsl, "tail", "-q", "-e", "-t", "none", "--from", "beginning", inbox.endpoint])
            rows["status"] = timed([ftsl, "status", inbox.path])
        _, removing, worst = retention(ftsl, folder, 1_000)
        rows["start-up"] = statistics.median(starts)
        rows["send while retention removes all"] = worst
    return {"count": count, "ms": rows, "bytes_per_message": size, "messages_s": count / seconds,
            "removed_s": count / removing}


def crowd(bench):
    text = subprocess.run([bench, "crowd", tempfile.gettempdir()], stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def latency(ftsl, rate=500, seconds=10):
    """One way, from when a message was due in `send -l` to its line out of `tail`, by one clock, in ms.

    All values are kept and sorted, which is exact where a histogram rounds. A sender that is late counts too:
    messages carry the time at which they were due.
    """
    with tempfile.TemporaryDirectory() as folder, Inbox(ftsl, folder) as inbox:
        count = rate * seconds
        tail = subprocess.Popen([ftsl, "tail", "-q", "--from", "beginning", "-c", str(count), inbox.endpoint],
                                stdout=subprocess.PIPE)
        sender = subprocess.Popen(inbox.sender("-l"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        taken = []

        def receive():
            for line in tail.stdout:
                taken.append((time.monotonic_ns() - int(line)) / 1e6)

        receiver = threading.Thread(target=receive)
        receiver.start()
        begin = time.monotonic_ns() + 300_000_000
        for number in range(count):
            due = begin + number * 1_000_000_000 // rate
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            sender.stdin.write(b"%0100d\n" % due)
            sender.stdin.flush()
        sender.stdin.close()
        receiver.join()
        if sender.wait() or tail.wait():
            sys.exit(f"latency: send ended with {sender.returncode}, tail with {tail.returncode}")
        ordered = sorted(taken)
        return {"rate": rate, "count": len(ordered), "p50_ms": percentile(ordered, 0.50),
                "p99_ms": percentile(ordered, 0.99), "p999_ms": percentile(ordered, 0.999), "max_ms": ordered[-1]}


def measure(ftsl, bench, count=1_000_000):
    return {"million": million(ftsl, count), "crowd": crowd(bench), "latency": latency(ftsl)}


def table(results):
    big = results["million"]
    lines = [f"{big['count']} messages of 100 bytes in an inbox: {big['bytes_per_message']:.0f} bytes of file each"]
    lines += [f"  {what}".ljust(38) + f"{ms:10.1f} ms" for what, ms in big["ms"].items()]
    lines.append("  removed by --keep".ljust(38) + f"{big['removed_s']:10.0f} /s")
    lines.append(f"{'producers':>10}{'cursors':>10}{'stored, µs':>12}{'finished, µs':>14}{'memory, MiB':>13}"
                 f"{'file, B/msg':>13}")
    for row in results["crowd"]:
        lines.append(f"{row['producers']:10}{row['cursors']:10}{row['store_us']:12.1f}{row['finish_us']:14.1f}"
                     f"{row['memory_bytes'] / 2**20:13.1f}{row['file_bytes_per_message']:13.0f}")
    way = results["latency"]
    lines.append(f"one way at {way['rate']}/s, ms".ljust(38) + f"p50 {way['p50_ms']:.2f}  p99 {way['p99_ms']:.2f}  "
                 f"p99.9 {way['p999_ms']:.2f}  max {way['max_ms']:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    binary = os.path.abspath(sys.argv[1])
    total = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    print(table(measure(binary, os.path.join(os.path.dirname(binary), "ftsl-bench"), total)))
