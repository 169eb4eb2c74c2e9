"""What the adversaries share: sockets, identities, and the peer's own bytes and keys."""
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Peer"))
import ftsl_attacks  # noqa: E402
import ftsl_wire as wire  # noqa: E402

CHUNK = 65536


def say(**fields):
    """One JSON object on a line: what the test reads."""
    print(json.dumps(fields), flush=True)


def stranger():
    """A file with a new key and a certificate that nobody knows."""
    folder = tempfile.mkdtemp(prefix="ftsl-stranger-")
    path = os.path.join(folder, "identity.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=stranger", "-keyout", path, "-out", path + ".crt"], check=True, stderr=subprocess.DEVNULL)
    with open(path, "a") as file, open(path + ".crt") as certificate:
        file.write(certificate.read())
    return path


def client_context(identity, version=ssl.TLSVersion.TLSv1_3):
    """TLS that believes everybody: the adversary does not care whom it meets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = version
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(identity)
    context.set_alpn_protocols(["ftsl/1"])
    return context


def server_context(identity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(identity)
    context.set_alpn_protocols(["ftsl/1"])
    return context


class Client(ftsl_attacks.Raw):
    """A client that does as it is told, over plaintext or TLS."""

    def __init__(self, address, context=None, session=None):
        super().__init__(address)
        if context:
            self.sock = context.wrap_socket(self.sock, session=session)

    def answer(self, seconds=5):
        """The next frame but a heartbeat, in short."""
        while True:
            frame = self.receive(seconds)
            if isinstance(frame, str):
                return frame
            if frame[0] == "VERDICT":
                return f"VERDICT {frame[1]['verdict']} code {frame[1]['code']}"
            if frame[0] != "HEARTBEAT":
                return frame[0]


def serve(handle):
    """Listens on a port that the kernel chooses, says which, and handles each connection on a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    say(port=listener.getsockname()[1])

    def loop():
        number = 0
        while True:
            client, _ = listener.accept()
            number += 1
            threading.Thread(target=handle, args=(client, number), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


def pump(source, target, change=lambda data: data):
    """Carries bytes until an end, which it passes on."""
    try:
        while True:
            data = source.recv(CHUNK)
            if not data:
                break
            target.sendall(change(data))
    except OSError:
        pass
    for side in (source, target):
        try:
            side.shutdown(socket.SHUT_WR if side is target else socket.SHUT_RD)
        except OSError:
            pass


def both(client, server, up=lambda data: data, down=lambda data: data):
    other = threading.Thread(target=pump, args=(server, client, down), daemon=True)
    other.start()
    pump(client, server, up)
    other.join(30)
    client.close()
    server.close()
