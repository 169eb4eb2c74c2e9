"""How long from a killed connection to the first byte of the session on the next one, seen from the wire."""
import os
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time


class Relay:
    """Passes bytes, cuts when told, and notes when the client's second flight (PROOF and data) arrives."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        self.cut_at = None
        self.times = []
        self.pair = None
        self.resumed = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pair = (client, server)
            heard = threading.Event()
            threading.Thread(target=self.pump, args=(server, client, heard.set), daemon=True).start()
            threading.Thread(target=self.pump, args=(client, server, self.second(heard)), daemon=True).start()

    def second(self, heard):
        """Marks the first bytes the client sends after the server has answered."""
        def mark():
            if heard.is_set() and self.cut_at is not None:
                self.times.append((time.monotonic() - self.cut_at) * 1000)
                self.cut_at = None
            if heard.is_set():
                self.resumed.set()
        return mark

    @staticmethod
    def pump(source, target, mark):
        try:
            while data := source.recv(1 << 18):
                mark()
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.resumed.clear()
        pair = self.pair
        self.cut_at = time.monotonic()
        for one in pair:
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # a pump was faster
            one.close()


def measure(ftsl, cuts=101):
    # The relay's threads share one interpreter; its default turn of 5 ms would be most of what is measured.
    sys.setswitchinterval(0.0001)
    read, write = os.pipe()
    listener = subprocess.Popen(
        [ftsl, "listen", "-q", "127.0.0.1:0", "--ready-fd", str(write)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as ready:
        port = int(ready.readline().rsplit(":", 1)[1])
    relay = Relay(port)
    feeder = subprocess.Popen(["head", "-c", "1T", "/dev/zero"], stdout=subprocess.PIPE)
    client = subprocess.Popen(
        [ftsl, "connect", "-q", f"127.0.0.1:{relay.address}", "--limit-rate", "100M"],
        stdin=feeder.stdout, stdout=subprocess.DEVNULL)
    try:
        for _ in range(cuts):
            if not relay.resumed.wait(10):
                raise SystemExit("the session did not come back within 10 s")
            time.sleep(0.05)  # let the attachment carry an acknowledgement
            relay.cut()
        relay.resumed.wait(10)
    finally:
        for process in (client, listener, feeder):
            process.kill()
            process.wait()
        relay.listener.close()
    return {"median": statistics.median(relay.times), "worst": max(relay.times), "cuts": len(relay.times)}
