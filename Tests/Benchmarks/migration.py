"""How long clients wait when their listener moves: from the freeze to each client's first answer from the target."""
import json
import os
import pathlib
import select
import statistics
import subprocess
import tempfile
import time

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "packaging/examples/count-lines.sh"
MIB = 1 << 20


class Hosts:
    """Two listeners of the same service, and clients of the first."""

    def __init__(self, ftsl, folder, inbox=False):
        self.ftsl, self.folder, self.inbox = ftsl, folder, inbox
        self.environment = dict(
            os.environ, XDG_STATE_HOME=f"{folder}/state", XDG_CONFIG_HOME=f"{folder}/config",
            XDG_RUNTIME_DIR=f"{folder}/run")
        os.mkdir(f"{folder}/run", 0o700)
        subprocess.run([ftsl, "key", "show"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.processes, self.endpoints = [], {}
        for name in "ab":
            self.listen(name)

    def listen(self, name):
        read, write = os.pipe()
        inbox = ["--inbox", f"{self.folder}/{name}.db"] if self.inbox else []
        self.processes.append(subprocess.Popen(
            [self.ftsl, "listen", "127.0.0.1:0", "--name", name, "--lines", "--exec", f"sh {SCRIPT}",
             "--accept-migration", "--ready-fd", str(write), *inbox], pass_fds=[write],
            stderr=subprocess.DEVNULL, env=self.environment))
        os.close(write)
        with os.fdopen(read) as ready:
            self.endpoints[name] = ready.readline().strip()

    def connect(self):
        client = subprocess.Popen([self.ftsl, "connect", self.endpoints["a"]], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        self.processes.append(client)
        return client

    def move(self, source, target, clients):
        """Seconds from the freeze to each client's answer, and what the source says of it."""
        migrate = subprocess.Popen([self.ftsl, "migrate", source, self.endpoints[target], "--json"],
                                   stdout=subprocess.PIPE, text=True, env=self.environment)
        frozen, last = None, {}
        for line in migrate.stdout:
            last = json.loads(line)
            if last.get("phase") == "freeze":
                frozen = time.monotonic()
                for client in clients:
                    client.stdin.write(b"x\n")
                    client.stdin.flush()
                break
        waits, waiting = [], {client.stdout: client for client in clients}
        while waiting:
            for stream in select.select(list(waiting), [], [], 30)[0]:
                stream.readline()
                waits.append(time.monotonic() - frozen)
                del waiting[stream]
        for line in migrate.stdout:
            last = json.loads(line)
        if migrate.wait() != 0:
            raise RuntimeError(f"migrate exits {migrate.returncode}: {last}")
        return waits, last

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def pauses(ftsl, sessions, moves=6):
    with tempfile.TemporaryDirectory(prefix="ftsl-bench-") as folder:
        hosts = Hosts(ftsl, folder)
        try:
            clients = [hosts.connect() for _ in range(sessions)]
            for client in clients:
                client.stdin.write(b"x\n")
                client.stdin.flush()
                client.stdout.readline()
            waits = []
            for number in range(moves):
                source, target = ("a", "b") if number % 2 == 0 else ("b", "a")
                waits += hosts.move(source, target, clients)[0]
        finally:
            hosts.close()
    waits.sort()
    return {"sessions": sessions, "p50_ms": round(statistics.median(waits) * 1000, 1),
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
            _, last = hosts.move("a", "b", [])
            seconds = time.monotonic() - begun
        finally:
            hosts.close()
    return {"inbox_mib": mib, "pause_ms": last["pause_ms"],
            "copy_mb_s": round(last["inbox_bytes"] / 1e6 / seconds, 1)}


def run(ftsl, sizes=(1, 20, 100), inboxes=(0, 100)):
    results = {"pauses": [pauses(ftsl, count) for count in sizes],
               "inboxes": [inbox_pause(ftsl, mib) for mib in inboxes]}
    print("migration: clients that wait, from the freeze to the first answer of the target")
    for row in results["pauses"]:
        print(f"  {row['sessions']:5} sessions of a shell script  p50 {row['p50_ms']:7.1f} ms  p99 {row['p99_ms']:7.1f} ms"
              f"  max {row['max_ms']:7.1f} ms")
    for row in results["inboxes"]:
        print(f"  inbox of {row['inbox_mib']:5} MiB  pause {row['pause_ms']:5} ms  copied at {row['copy_mb_s']:7.1f} MB/s")
    return results


if __name__ == "__main__":
    import sys
    run(os.path.abspath(sys.argv[1]))
