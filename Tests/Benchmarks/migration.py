"""How long clients wait when their listener moves or is upgraded in place: from the freeze to each client's first answer
from whoever serves it next."""
import json
import os
import pathlib
import resource
import selectors
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "packaging/examples/count-lines.sh"
MIB = 1 << 20


class Backend:
    """Says back what comes, and ends when its input ends; one thread for all."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.poll = selectors.DefaultSelector()
        self.poll.register(self.socket, selectors.EVENT_READ)
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def endpoint(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def serve(self):
        while True:
            for key, _ in self.poll.select():
                if key.fileobj is self.socket:
                    connection, _ = self.socket.accept()
                    self.poll.register(connection, selectors.EVENT_READ)
                    continue
                try:
                    piece = key.fileobj.recv(65536)
                    key.fileobj.sendall(piece)
                except OSError:
                    piece = b""
                if not piece:
                    self.poll.unregister(key.fileobj)
                    key.fileobj.close()


class Hosts:
    """Two listeners of the same service, and clients of the first, all through one `connect --local`."""

    def __init__(self, ftsl, folder, service="script", inbox=False):
        self.ftsl, self.folder, self.inbox = ftsl, folder, inbox
        # In memory, as a login's is.
        self.run = tempfile.mkdtemp(prefix="ftsl-bench-", dir="/dev/shm")
        self.backend = Backend() if service == "forward" else None
        self.service = {
            "script": ["--lines", "--exec", f"exec sh {SCRIPT}"],
            "forward": ["--forward", self.backend and self.backend.endpoint, "--forward-migrate", "reconnect"],
        }[service]
        self.environment = dict(
            os.environ, XDG_STATE_HOME=f"{folder}/state", XDG_CONFIG_HOME=f"{folder}/config",
            XDG_RUNTIME_DIR=self.run)
        subprocess.run([ftsl, "key", "show"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.processes, self.endpoints, self.clients = [], {}, []
        for name in "ab":
            inbox = ["--inbox", f"{folder}/{name}.db"] if self.inbox else []
            self.endpoints[name] = self.start("listen", "127.0.0.1:0", "--name", name, *self.service,
                                              "--accept-migration", "--max-sessions", "4096", "--max-memory",
                                              "16G", "--buffer", "256k", *inbox)

    def start(self, *arguments):
        read, write = os.pipe()
        self.processes.append(subprocess.Popen([self.ftsl, *arguments, "--ready-fd", str(write)], pass_fds=[write],
                                               stderr=subprocess.DEVNULL, env=self.environment))
        os.close(write)
        with os.fdopen(read) as ready:
            return ready.readline().strip()

    def connect(self, count):
        local = f"{self.folder}/local"
        self.processes.append(subprocess.Popen(
            [self.ftsl, "connect", "--local", f"unix:{local}", self.endpoints["a"]], stderr=subprocess.DEVNULL,
            env=self.environment))
        limit = time.monotonic() + 10
        while not os.path.exists(local) and time.monotonic() < limit:
            time.sleep(0.01)
        for _ in range(count):
            client = socket.socket(socket.AF_UNIX)
            client.connect(local)
            self.clients.append(client)
        self.answers(self.ask())

    def ask(self):
        for client in self.clients:
            client.sendall(b"x\n")
        return time.monotonic()

    def answers(self, since):
        """Seconds until each client's answer."""
        waits, poll = [], selectors.DefaultSelector()
        for client in self.clients:
            poll.register(client, selectors.EVENT_READ)
        while poll.get_map():
            ready = poll.select(60)
            if not ready:
                raise RuntimeError(f"{len(poll.get_map())} clients hear nothing for a minute")
            for key, _ in ready:
                if not key.fileobj.recv(65536):
                    raise RuntimeError("a session ended")
                waits.append(time.monotonic() - since)
                poll.unregister(key.fileobj)
        return waits

    def move(self, source, *arguments):
        """Seconds from the freeze to each client's answer, and what the source says of it."""
        migrate = subprocess.Popen([self.ftsl, "migrate", source, *arguments, "--json"], stdout=subprocess.PIPE,
                                   text=True, env=self.environment)
        last, waits = {}, []
        for line in migrate.stdout:
            last = json.loads(line)
            if last.get("phase") in ("freeze", "restart"):
                waits = self.answers(self.ask())
        if migrate.wait() != 0:
            raise RuntimeError(f"migrate exits {migrate.returncode}: {last}")
        return waits, last

    def close(self):
        for client in self.clients:
            client.close()
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.run)


def pauses(ftsl, service, sessions, restarts, moves=6):
    with tempfile.TemporaryDirectory(prefix="ftsl-bench-") as folder:
        hosts = Hosts(ftsl, folder, service)
        try:
            hosts.connect(sessions)
            waits, said = [], []
            for number in range(moves):
                source, target = ("a", "b") if number % 2 == 0 else ("b", "a")
                move = hosts.move("a", "--restart") if restarts else hosts.move(source, hosts.endpoints[target])
                waits += move[0]
                said.append(move[1]["pause_ms"])
        finally:
            hosts.close()
    waits.sort()
    return {"what": "restart" if restarts else "move", "service": service, "sessions": sessions,
            "host_ms": statistics.median(said), "p50_ms": round(statistics.median(waits) * 1000, 1),
            "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1), "max_ms": round(waits[-1] * 1000, 1)}


def inbox_pause(ftsl, mib):
    """The pause with an inbox of that size, and how fast the copy was."""
    with tempfile.TemporaryDirectory(prefix="ftsl-bench-") as folder:
        hosts = Hosts(ftsl, folder, inbox=True)
        try:
            if mib:
                body = os.urandom(4 * MIB)
                for _ in range(mib // 4):
                    subprocess.run([ftsl, "send", "-q", hosts.endpoints["a"]], input=body, check=True,
                                   env=hosts.environment)
            begun = time.monotonic()
            _, last = hosts.move("a", hosts.endpoints["b"])
            seconds = time.monotonic() - begun
        finally:
            hosts.close()
    return {"inbox_mib": mib, "pause_ms": last["pause_ms"],
            "copy_mb_s": round(last["inbox_bytes"] / 1e6 / seconds, 1)}


def run(ftsl, sizes=(1, 100, 1000), inboxes=(0, 100, 1024)):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("migration: clients that wait, from the freeze to the first answer of whoever serves them next")
    results = {"pauses": [], "inboxes": []}
    for service, restarts in (("script", False), ("forward", False), ("script", True), ("forward", True)):
        for count in sizes:
            row = pauses(ftsl, service, count, restarts)
            results["pauses"].append(row)
            print(f"  {row['what']:7} {row['sessions']:5} sessions ({service:7})  p50 {row['p50_ms']:7.1f} ms  "
                  f"p99 {row['p99_ms']:7.1f} ms  max {row['max_ms']:7.1f} ms  the host says {row['host_ms']:5} ms",
                  flush=True)
    for mib in inboxes:
        row = inbox_pause(ftsl, mib)
        results["inboxes"].append(row)
        print(f"  inbox of {row['inbox_mib']:5} MiB  pause {row['pause_ms']:5} ms  copied at {row['copy_mb_s']:7.1f} MB/s",
              flush=True)
    return results


if __name__ == "__main__":
    import sys
    run(os.path.abspath(sys.argv[1]), *[tuple(int(n) for n in text.split(",")) for text in sys.argv[2:]])
