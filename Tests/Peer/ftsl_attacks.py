"""Misbehaviour against an FTSL/1 acceptor. Each attack returns what the acceptor answered, for tests to judge."""
import secrets
import socket

import ftsl_wire as w

LIMITS = {"maxPayload": 65536, "initialWindow": 1 << 20, "heartbeat": 3000, "sessionTimeout": 3600}
EMPTY = w.digest().intdigest()


class Raw:
    """A blocking client that does as it is told. Answers are lists of frames; the last item says how it ended."""

    def __init__(self, address):
        self.sock = socket.create_connection(address, 5)
        self.reader, self.transcript, self.sent = w.Reader(), w.Transcript(), bytearray()
        self.keys = self.session = None

    def send(self, raw):
        self.sent += raw
        try:
            self.sock.sendall(raw)
        except OSError:
            pass

    def receive(self, seconds=2):
        """The next frame (name, fields, raw), or "closed", "reset", "silence", "garbage"."""
        self.sock.settimeout(seconds)
        while True:
            try:
                frame = self.reader.next()
                if frame:
                    return frame
                data = self.sock.recv(65536)
            except w.Violation as violation:
                return f"garbage: {violation}"
            except socket.timeout:
                return "silence"
            except OSError:
                return "reset"
            if not data:
                return "closed"
            self.reader.buffer += data

    def answers(self, until=("ABORT", "VERDICT", "SUPERSEDED")):
        frames = []
        while True:
            frame = self.receive(4 if not frames or frames[-1]["frame"] in until else 1.5)
            if isinstance(frame, str):
                return {"frames": frames, "end": frame}
            name, fields, raw = frame
            if name != "HEARTBEAT":
                frames.append({"frame": name, **(w.jsonable(name, fields) if raw else {})})

    def open(self, confirm=True, **changes):
        """OPEN and OPENED, and CONFIRM if wanted; True if the acceptor proved the secret."""
        private, nonce = secrets.token_bytes(32), secrets.token_bytes(32)
        fields = dict(versions=[w.VERSION], nonceC=nonce, publicKey=w.public_key(private), service="", limits=LIMITS,
                      ext=[])
        fields.update(changes)
        self.transcript.add(w.PREFACE)
        self.send(w.PREFACE + self.transcript.add(w.encode("OPEN", **fields)))
        if not confirm:
            return None
        frame = self.receive(5)
        if isinstance(frame, str) or frame[0] != "OPENED":
            raise SystemExit(f"expected OPENED, got {frame}")
        _, opened, raw = frame
        self.keys = w.Keys(w.shared_secret(private, opened["publicKey"]), nonce, opened["nonceS"])
        self.session, self.opened = opened["session"], opened
        self.transcript.add(w.PREFACE)
        good = self.transcript.check(self.keys.acceptor, raw)
        self.send(self.transcript.seal(self.keys.initiator, "CONFIRM"))
        self.reader.attached, self.reader.limit = True, LIMITS["maxPayload"] + 10
        return good

    def resume(self, keys, session, opened, n=1, position=0):
        """RESUME, with whatever keys."""
        self.keys = keys
        self.transcript.add(w.PREFACE)
        self.send(w.PREFACE + self.transcript.seal(
            keys.initiator, "RESUME", version=w.VERSION, session=session, n=n, generation=opened["generation"],
            instance=opened["instance"], nonceC=secrets.token_bytes(32), ext=[],
            reports=[{"channel": 0, "receivePosition": position, "digest": EMPTY, "oldestRetained": 0}]))


def data(position, payload=b"x", channel=0):
    return w.encode("DATA", channel=channel, position=position, payload=payload)


def attached(address, *frames):
    """A proper session, then these frames."""
    raw = Raw(address)
    proved = raw.open()
    for frame in frames:
        raw.send(frame)
    return {"openedMacGood": proved, **raw.answers()}


def forge_session(address):
    """RESUME of an id that nobody gave out."""
    raw = Raw(address)
    raw.resume(w.Keys(bytes(32), b"", b""), secrets.token_bytes(16), {"generation": {"moves": 0, "starts": 0},
                                                                      "instance": 0})
    return raw.answers()


def forge_mac(address):
    """RESUME of a real session without its secret; the answer must equal that of forge_session."""
    victim, raw = Raw(address), Raw(address)
    victim.open()
    raw.resume(w.Keys(bytes(32), b"", b""), victim.session, victim.opened)
    answer = raw.answers()
    victim.send(data(0))
    return {**answer, "victim": victim.answers()["end"]}


def replay_open(address):
    """The captured bytes of OPEN, CONFIRM and data on a second connection."""
    first = Raw(address)
    first.open()
    first.send(data(0))
    first.sock.close()
    second = Raw(address)
    second.send(bytes(first.sent))
    return second.answers()


def replay_resume(address):
    """The captured bytes of RESUME, PROOF and data after they were used."""
    first, second, third = Raw(address), Raw(address), Raw(address)
    first.open()
    second.resume(first.keys, first.session, first.opened)
    name, fields, raw = second.receive(5)
    second.transcript.add(w.PREFACE)
    good = name == "RESUMED" and second.transcript.check(first.keys.acceptor, raw)
    second.send(second.transcript.seal(first.keys.initiator, "PROOF") + data(0))
    second.reader.attached, second.reader.limit = True, LIMITS["maxPayload"] + 10
    second.receive(2)
    third.send(bytes(second.sent))
    return {"resumedMacGood": good, **third.answers(), "old": first.answers()["frames"][-1:]}


def bad_proof(address):
    """RESUMED is answered with a wrong PROOF; the old attachment must live on."""
    first, second = Raw(address), Raw(address)
    first.open()
    second.resume(first.keys, first.session, first.opened)
    second.receive(5)
    second.send(w.encode("PROOF", mac=bytes(32)))
    answer = second.answers()
    return {**answer, "old": first.answers()["end"]}


def early_bytes(address):
    """Does the acceptor speak before it has seen a preface?"""
    raw = Raw(address)
    return {"before": str(raw.receive(1))}


def only(send):
    def attack(address):
        raw = Raw(address)
        raw.send(send())
        return raw.answers()
    return attack


def opening(**changes):
    def attack(address):
        raw = Raw(address)
        raw.open(confirm=False, **changes)
        return raw.answers()
    return attack


def bad_confirm(address):
    raw = Raw(address)
    raw.open(confirm=False)
    raw.receive(5)
    raw.send(w.encode("CONFIRM", mac=bytes(32)) + data(0))
    return raw.answers()


def session(*frames):
    return lambda address: attached(address, *frames)


ATTACKS = {
    # before a session
    "forge-session": forge_session, "forge-mac": forge_mac, "replay-open": replay_open, "replay-resume": replay_resume,
    "bad-confirm": bad_confirm, "bad-proof": bad_proof, "early-bytes": early_bytes,
    "random-bytes": only(lambda: secrets.token_bytes(5000)),
    "random-frames": only(lambda: w.PREFACE + secrets.token_bytes(5000)),
    "empty-frame": only(lambda: w.PREFACE + bytes(4)),
    "oversize-handshake": only(lambda: w.PREFACE + b"\x00\x00\x10\x01\x01" + bytes(4096)),
    "data-first": only(lambda: w.PREFACE + data(0)),
    "version-mismatch": opening(versions=[9, 7]), "zero-key": opening(publicKey=bytes(32)),
    "no-versions": opening(versions=[]), "zero-limits": opening(limits=dict.fromkeys(LIMITS, 0)),
    "unknown-ext": opening(ext=[{"type": 999, "bytes": b"later"}]),
    # in a session
    "oversize": session(b"\x00\x10\x00\x00\x10"), "unknown-kind": session(w.raw_frame(0x77)),
    "reserved-kind": session(w.raw_frame(0x20)), "second-open": session(w.raw_frame(0x01)),
    "unknown-extension": session(w.encode("EXTENSION", type=999, bytes=b"later"), data(0)),
    "gap": session(data(5)), "wrong-digest": session(data(0), w.encode("FIN", channel=0, position=1, digest=1)),
    "data-after-fin": session(w.encode("FIN", channel=0, position=0, digest=EMPTY), data(0)),
    "fin-moved": session(data(0, b"xy"), w.encode("FIN", channel=0, position=1, digest=1)),
    "ack-beyond": session(w.encode("ACK", channel=0, acknowledged=1 << 40, credit=1 << 41)),
    "credit-overrun": session(*[data(k << 16, bytes(1 << 16)) for k in range(100)]),
    "position-overflow": session(data((1 << 64) - 1)),
    "wrong-channel": session(data(0, channel=1)), "exit-from-initiator": session(w.encode("EXIT", kind=0, value=0)),
    "stop-beyond": session(w.encode("STOP", channel=0, taken=1 << 40)),
    "superseded-from-initiator": session(w.encode("SUPERSEDED")),
    "truncated-body": session(w.raw_frame(0x12, b"\0\0")), "long-body": session(w.raw_frame(0x14, b"x")),
}


def run(name, address):
    if name not in ATTACKS:
        raise SystemExit("attacks: " + " ".join(ATTACKS))
    return {"attack": name, **ATTACKS[name](address)}
