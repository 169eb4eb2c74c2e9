"""Idle sessions, thousands on one listener: memory of each, and all of them cut at once.

Usage: idle.py FTSL [SESSIONS [CLIENTS]]: needs root, for `ss -K`. The listener takes two descriptors for a
session, one of them for the backend, and keeps 2,048 for strangers: 10,000 sessions take a limit of 22,200
descriptors.
"""
import json
import multiprocessing
import os
import pathlib
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time


def forwarder(ftsl, endpoint):
    """The process, and the port where each connection becomes a session."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [ftsl, "connect", "-q", endpoint, "--local", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise SystemExit("ftsl connect does not listen")


def start(ftsl, *arguments):
    """The process, and the endpoint that it listens at."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [ftsl, *arguments, "--ready-fd", str(writing)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as ready:
        endpoint = ready.readline().strip()
    if not endpoint:
        sys.exit(f"ftsl {arguments[0]} ended with {process.wait()}")
    return process, endpoint


def echo():
    """A server that says back what it hears; its port."""
    server = socket.create_server(("127.0.0.1", 0), backlog=4096)
    watch = selectors.DefaultSelector()
    watch.register(server, selectors.EVENT_READ)

    def serve():
        while True:
            for key, _ in watch.select():
                if key.fileobj is server:
                    connection, _ = server.accept()
                    watch.register(connection, selectors.EVENT_READ)
                    continue
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.sendall(data)
                else:
                    watch.unregister(key.fileobj)
                    key.fileobj.close()
    # A process of its own: it has a descriptor for each session, too.
    multiprocessing.Process(target=serve, daemon=True).start()
    port = server.getsockname()[1]
    server.close()
    return port


def memory(process):
    """Resident KiB."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("it has ended")


def seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answered(connections, word, limit):
    """Says a word on each and waits until all have it back; the seconds that took, sorted."""
    begin, taken = time.monotonic(), []
    with selectors.DefaultSelector() as watch:
        for connection in connections:
            connection.sendall(word)
            watch.register(connection, selectors.EVENT_READ)
        while len(taken) < len(connections):
            left = begin + limit - time.monotonic()
            if left <= 0:
                sys.exit(f"{len(connections) - len(taken)} of {len(connections)} do not answer")
            for key, _ in watch.select(left):
                if key.fileobj.recv(64) != word:
                    sys.exit("a session ended, or doubled a byte")
                watch.unregister(key.fileobj)
                taken.append(time.monotonic() - begin)
    return taken


def measure(ftsl, count, clients):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if 2 * count + 2200 > most:
        sys.exit(f"a process may have {most} descriptors: at most {(most - 2200) // 2} sessions")
    backend = echo()
    listener, endpoint = start(ftsl, "listen", "-q", "127.0.0.1:0", "--forward", f"127.0.0.1:{backend}")
    port = endpoint.rsplit(":", 1)[1]
    dialers = [forwarder(ftsl, endpoint) for _ in range(clients)]
    before = memory(listener), [memory(process) for process, _ in dialers]
    connections = []
    for index in range(count):
        connections.append(socket.create_connection(("127.0.0.1", dialers[index % clients][1])))
        if len(connections) % 200 == 0:
            answered(connections[-200:], b"a", 60)
    answered(connections, b"b", 60)
    time.sleep(4)
    idle = seconds(listener), time.monotonic()
    time.sleep(10)
    load = (seconds(listener) - idle[0]) / (time.monotonic() - idle[1])
    each = (memory(listener) - before[0]) / count
    theirs = sum(memory(process) - was for (process, _), was in zip(dialers, before[1])) / count
    subprocess.run(
        ["ss", "-K", "state", "established", "sport", "=", f":{port}"], stdout=subprocess.DEVNULL, check=True)
    taken = answered(connections, b"c", 120)
    result = {
        "sessions": count, "listener_kib_per_session": round(each, 1), "client_kib_per_session": round(theirs, 1),
        "idle_load_of_a_core": round(load, 3), "resumed_seconds_median": round(taken[len(taken) // 2], 2),
        "resumed_seconds_all": round(taken[-1], 2), "memory_after_kib": memory(listener)}
    for process in [listener] + [process for process, _ in dialers]:
        process.kill()
        process.wait()
    return result


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:]] + [4_700, 3][len(sys.argv) - 2:]
    print(json.dumps(measure(sys.argv[1], *numbers)))
