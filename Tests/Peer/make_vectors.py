#!/usr/bin/python3
"""Makes Tests/Vectors/frames.json: every frame kind, whole handshakes with fixed keys, key schedules, digests.

  make_vectors.py            writes the file
  make_vectors.py --check    says whether the file is what would be written; status 1 if not

Bytes are hex, u64 are decimal strings, smaller numbers are numbers. "hex" of a frame is complete, length included.
"""
import json
import pathlib
import sys

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

sys.dont_write_bytecode = True
import ftsl_wire as w  # noqa: E402

FILE = pathlib.Path(__file__).resolve().parent.parent / "Vectors" / "frames.json"
LIMITS = {"maxPayload": 65536, "initialWindow": 1048576, "heartbeat": 3000, "sessionTimeout": 86400}
SMALL = {"maxPayload": 1024, "initialWindow": 4096, "heartbeat": 100, "sessionTimeout": 1}
TOP = (1 << 64) - 1
EMPTY = w.digest().intdigest()
MAC = bytes(range(32))


def pattern(start, size):
    """Bytes that differ: start, start + 1, and so on."""
    return bytes((start + k) % 256 for k in range(size))


def report(channel, position, digest, retained):
    return {"channel": channel, "receivePosition": position, "digest": digest, "oldestRetained": retained}


def vector(name, frame, **fields):
    raw = w.encode(frame, **fields)
    assert w.decode(raw) == (frame, fields), name
    return {"name": name, "frame": frame, "kind": w.KIND[frame], "fields": w.jsonable(frame, fields), "hex": raw.hex()}


def frames():
    nonce, key, sid, generation = pattern(0x20, 32), pattern(0x40, 32), pattern(0x60, 16), {"moves": 1, "starts": 2}
    hello = w.digest(b"hello").intdigest()
    opened = dict(version=1, session=sid, nonceS=nonce, publicKey=key, generation=generation, instance=TOP,
                  limits=LIMITS, mac=MAC)
    resume = dict(version=1, session=sid, n=1, generation=generation, instance=TOP, nonceC=nonce, mac=MAC)
    return [
        vector("OPEN", "OPEN", versions=[1], nonceC=nonce, publicKey=key, service="", limits=LIMITS, ext=[]),
        vector("OPEN, two versions, service, small limits, unknown extension item", "OPEN", versions=[2, 1],
               nonceC=nonce, publicKey=key, service="café", limits=SMALL,
               ext=[{"type": 999, "bytes": b"later"}, {"type": 1000, "bytes": b""}]),
        vector("OPENED", "OPENED", flags=0, ext=[], **opened),
        vector("OPENED, EXIT, channel 1, repeatable", "OPENED", flags=7, ext=[{"type": 2, "bytes": b"x"}], **opened),
        vector("CONFIRM", "CONFIRM", mac=MAC),
        vector("RESUME", "RESUME", reports=[report(0, 0, EMPTY, 0)], ext=[], **resume),
        vector("RESUME, two channels", "RESUME", reports=[report(0, 5, hello, 1 << 33), report(1, 6, hello, 0)], ext=[],
               **resume),
        vector("RESUMED", "RESUMED", nonceS=nonce, n=2, generation=generation, instance=TOP,
               reports=[report(0, 6, hello, TOP), report(1, 0, EMPTY, 3)], ext=[], mac=MAC),
        vector("PROOF", "PROOF", mac=MAC),
        vector("VERDICT later", "VERDICT", verdict=w.LATER, code=w.CODES["busy"], after=1500, text="busy", ext=[],
               mac=MAC),
        vector("VERDICT refused, versions", "VERDICT", verdict=w.REFUSED, code=w.CODES["version mismatch"], after=0,
               text="version 1 only", ext=[{"type": w.EXT_VERSIONS, "bytes": b"\0\1"}], mac=w.NO_MAC),
        vector("VERDICT gone", "VERDICT", verdict=w.GONE, code=w.CODES["gone"], after=0, text="", ext=[],
               mac=w.NO_MAC),
        vector("DATA, one byte", "DATA", channel=0, position=0, payload=b"x"),
        vector("DATA, channel 1, large position", "DATA", channel=1, position=1 << 40, payload=b"hello\n"),
        vector("FIN of an empty channel", "FIN", channel=0, position=0, digest=EMPTY),
        vector("FIN after hello", "FIN", channel=0, position=5, digest=hello),
        vector("ACK, first", "ACK", channel=0, acknowledged=0, credit=1048576),
        vector("ACK over FIN", "ACK", channel=1, acknowledged=6, credit=1048581),
        vector("BLOCKED", "BLOCKED", channel=0, position=1048576),
        vector("HEARTBEAT", "HEARTBEAT"),
        vector("STOP", "STOP", channel=0, taken=1000),
        vector("ABORT", "ABORT", code=65, positions=[{"channel": 0, "position": 5}], text="disk full"),
        vector("ABORT, two channels, no text", "ABORT", code=65535,
               positions=[{"channel": 0, "position": 5}, {"channel": 1, "position": TOP}], text=""),
        vector("EXIT, status", "EXIT", kind=0, value=7),
        vector("EXIT, signal", "EXIT", kind=1, value=9),
        vector("BYE", "BYE"), vector("SUPERSEDED", "SUPERSEDED"),
        vector("EXTENSION", "EXTENSION", type=999, bytes=b"later"),
        vector("EXTENSION, TERMINAL", "EXTENSION", type=1,
               bytes=bytes([0, 132, 0, 43, 4, 0, 3, 0, 0, 7, 5]) + b"xterm"),
        vector("EXTENSION, empty", "EXTENSION", type=0, bytes=b""),
    ]


def invalid():
    good_open = w.encode("OPEN", versions=[1], nonceC=MAC, publicKey=MAC, service="", limits=LIMITS, ext=[])
    cases = [("length 0", bytes(4)), ("unknown kind", w.raw_frame(0x77)), ("reserved kind", w.raw_frame(0x20)),
             ("ENDPOINTS", w.raw_frame(0x1E)), ("kind 0", w.raw_frame(0)), ("empty DATA", w.raw_frame(0x10, bytes(9))),
             ("DATA too short", w.raw_frame(0x10, bytes(8))), ("ACK too short", w.raw_frame(0x12, bytes(16))),
             ("ACK too long", w.raw_frame(0x12, bytes(18))), ("HEARTBEAT with a body", w.raw_frame(0x14, b"\0")),
             ("CONFIRM with a short MAC", w.raw_frame(0x03, bytes(31))),
             ("ABORT with a list beyond its end", w.raw_frame(0x19, b"\0\1\2" + bytes(9) + b"\0")),
             ("ABORT with a text beyond its end", w.raw_frame(0x19, b"\0\1\0\5abc")),
             ("EXT shorter than its item", w.raw_frame(0x01, good_open[5:-2] + b"\0\3\0\1\0")),
             ("EXT item beyond the EXT", w.raw_frame(0x01, good_open[5:-2] + b"\0\5\0\1\0\2x")),
             ("EXT beyond the frame", w.raw_frame(0x01, good_open[5:-2] + b"\0\5\0\1")),
             ("EXTENSION without a type", w.raw_frame(0x1F, b"\0"))]
    for name, raw in cases:
        reader = w.Reader()
        reader.preface, reader.attached, reader.limit = True, True, 65546
        reader.buffer += raw
        try:
            reader.next()
        except w.Violation:
            continue
        raise AssertionError(name)
    return [{"name": name, "hex": raw.hex()} for name, raw in cases]


class Parties:
    """Fixed private keys and nonces, and what follows from them."""

    def __init__(self, seed):
        self.private_i, self.private_a = pattern(seed, 32), pattern(seed + 0x80, 32)
        self.nonce_c, self.nonce_s = pattern(seed + 1, 32), pattern(seed + 2, 32)
        self.public_i, self.public_a = w.public_key(self.private_i), w.public_key(self.private_a)
        self.shared = w.shared_secret(self.private_i, self.public_a)
        assert self.shared == w.shared_secret(self.private_a, self.public_i)
        self.keys = w.Keys(self.shared, self.nonce_c, self.nonce_s)
        other = HKDF(SHA256(), 32, self.nonce_c + self.nonce_s, b"FTSL/1 session secret").derive(self.shared)
        assert self.keys.secret == other, "HKDF differs from that of the cryptography package"

    def schedule(self, name):
        return {"name": name, "initiatorPrivate": self.private_i.hex(), "initiatorPublic": self.public_i.hex(),
                "acceptorPrivate": self.private_a.hex(), "acceptorPublic": self.public_a.hex(),
                "nonceC": self.nonce_c.hex(), "nonceS": self.nonce_s.hex(), "shared": self.shared.hex(),
                "secret": self.keys.secret.hex(), "initiatorKey": self.keys.initiator.hex(),
                "acceptorKey": self.keys.acceptor.hex()}


def handshake(name, parties, messages, session_name=None):
    """Every message with the transcript its MAC covers. The first of each side has the preface before it."""
    transcript, seen, out = w.Transcript(), set(), []
    for side, frame, fields in messages:
        preface = w.PREFACE if side not in seen else b""
        seen.add(side)
        transcript.add(preface)
        before = transcript.bytes
        key = getattr(parties.keys, side)
        if "mac" in fields or frame == "OPEN":
            raw, covered = transcript.add(w.encode(frame, **fields)), None
        else:
            raw = transcript.seal(key, frame, **fields)
            covered = before + raw[:-32]
        out.append({"from": side, "frame": frame, "fields": w.jsonable(frame, w.decode(raw)[1]), "hex": raw.hex(),
                    "sent": (preface + raw).hex(), "transcriptBeforeMac": covered.hex() if covered else None})
    return {"name": name, "keys": session_name, "messages": out}


def handshakes(parties):
    sid, generation, instance = pattern(0xA0, 16), {"moves": 0, "starts": 1}, 0x0123456789ABCDEF
    data = w.digest(b"hello").intdigest()
    opening = ("initiator", "OPEN", dict(versions=[1], nonceC=parties.nonce_c, publicKey=parties.public_i,
                                         service="main", limits=LIMITS, ext=[]))
    opened = dict(version=1, session=sid, nonceS=parties.nonce_s, publicKey=parties.public_a, generation=generation,
                  instance=instance, flags=6, limits=LIMITS, ext=[])
    resume = dict(version=1, session=sid, n=1, generation=generation, instance=instance, nonceC=pattern(0x11, 32),
                  reports=[report(0, 5, data, 3), report(1, 0, EMPTY, 0)], ext=[])
    resumed = dict(nonceS=pattern(0x12, 32), n=1, generation=generation, instance=instance,
                   reports=[report(0, 6, data, 0), report(1, 0, EMPTY, 0)], ext=[])
    later = dict(verdict=w.LATER, code=w.CODES["busy"], after=1000, text="starting", ext=[])
    gone = dict(verdict=w.GONE, code=w.CODES["gone"], after=0, text="no such session", ext=[], mac=w.NO_MAC)
    refused = dict(verdict=w.REFUSED, code=w.CODES["version mismatch"], after=0, text="version 1 only",
                   ext=[{"type": w.EXT_VERSIONS, "bytes": b"\0\1"}], mac=w.NO_MAC)
    strange = ("initiator", "OPEN", {**opening[2], "versions": [9]})
    made = [
        ("open", [opening, ("acceptor", "OPENED", opened), ("initiator", "CONFIRM", {})]),
        ("resume", [("initiator", "RESUME", resume), ("acceptor", "RESUMED", resumed), ("initiator", "PROOF", {})]),
        ("resume answered later", [("initiator", "RESUME", resume), ("acceptor", "VERDICT", later)]),
        ("resume answered gone", [("initiator", "RESUME", resume), ("acceptor", "VERDICT", gone)]),
        ("open refused for its version", [strange, ("acceptor", "VERDICT", refused)]),
    ]
    return [handshake(name, parties, messages, "first") for name, messages in made]


def digests():
    sizes = (0, 1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 1024, 1025, 65536)
    return [{"bytes": "byte k is k mod 251", "size": size,
             "digest": str(w.digest(bytes(k % 251 for k in range(size))).intdigest())} for size in sizes]


def main():
    first, second = Parties(1), Parties(0x33)
    text = json.dumps({
        "format": "FTSL/1", "generator": "Tests/Peer/make_vectors.py", "preface": w.PREFACE.hex(),
        "frames": frames(), "invalid": invalid(), "keySchedules": [first.schedule("first"), second.schedule("second")],
        "handshakes": handshakes(first), "digests": digests(),
    }, indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        if not FILE.exists() or FILE.read_text() != text:
            sys.exit(f"{FILE} differs from what {sys.argv[0]} makes")
        return
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text)
    print(f"{FILE}: {len(text)} bytes")


if __name__ == "__main__":
    main()
