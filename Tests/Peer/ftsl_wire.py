"""FTSL/1 bytes: frames, keys, MACs and an incremental reader, written from man/ftsl-protocol.7 alone.

A frame is a name and a dict of fields. Numbers are int, bytes are bytes, text is str; LIMITS and GENERATION are dicts,
REPORTS, positions and EXT are lists of dicts.
"""
import hashlib
import hmac
import struct

import xxhash
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PREFACE = b"FTSL\r\n\x1a\n"
VERSION = 1
HANDSHAKE_LIMIT = 4096
NO_MAC = bytes(32)
LATER, MOVED, FINAL, REFUSED, GONE = 1, 2, 3, 4, 5
REPEATABLE, HAS_EXIT, HAS_CHANNEL_1 = 1, 2, 4
EXT_VERSIONS = 1

# [FTSL §8] The codes that this peer sends; it shows others as they come.
CODES = {
    "malformed": 1, "too large": 2, "unknown kind": 3, "unexpected": 4, "position gap": 5, "credit overrun": 6,
    "acknowledged unsent": 7, "bad channel": 8, "contradictory": 9, "not FTSL": 10, "version mismatch": 20,
    "digest mismatch": 21, "diverged": 22, "authentication": 30, "busy": 42, "gone": 50, "stale attachment": 54,
    "stale generation": 55,
}

# [FTSL §3.2] kind: name and fields. "bN" is bytes[N]; "rest" goes on to the end of the frame.
FRAMES = {
    0x01: ("OPEN", (("versions", "versions"), ("nonceC", "b32"), ("publicKey", "b32"), ("service", "text"),
                    ("limits", "limits"), ("ext", "ext"))),
    0x02: ("OPENED", (("version", "u16"), ("session", "b16"), ("nonceS", "b32"), ("publicKey", "b32"),
                      ("generation", "generation"), ("instance", "u64"), ("flags", "u16"), ("limits", "limits"),
                      ("ext", "ext"), ("mac", "b32"))),
    0x03: ("CONFIRM", (("mac", "b32"),)),
    0x04: ("RESUME", (("version", "u16"), ("session", "b16"), ("n", "u64"), ("generation", "generation"),
                      ("instance", "u64"), ("nonceC", "b32"), ("reports", "reports"), ("ext", "ext"),
                      ("mac", "b32"))),
    0x05: ("RESUMED", (("nonceS", "b32"), ("n", "u64"), ("generation", "generation"), ("instance", "u64"),
                       ("reports", "reports"), ("ext", "ext"), ("mac", "b32"))),
    0x06: ("PROOF", (("mac", "b32"),)),
    0x07: ("VERDICT", (("verdict", "u8"), ("code", "u16"), ("after", "u32"), ("text", "text"), ("ext", "ext"),
                       ("mac", "b32"))),
    0x10: ("DATA", (("channel", "u8"), ("position", "u64"), ("payload", "rest1"))),
    0x11: ("FIN", (("channel", "u8"), ("position", "u64"), ("digest", "u64"))),
    0x12: ("ACK", (("channel", "u8"), ("acknowledged", "u64"), ("credit", "u64"))),
    0x13: ("BLOCKED", (("channel", "u8"), ("position", "u64"))),
    0x14: ("HEARTBEAT", ()),
    0x18: ("STOP", (("channel", "u8"), ("taken", "u64"))),
    0x19: ("ABORT", (("code", "u16"), ("positions", "positions"), ("text", "text"))),
    0x1A: ("EXIT", (("kind", "u8"), ("value", "u8"))),
    0x1B: ("BYE", ()),
    0x1C: ("SUPERSEDED", ()),
    0x1F: ("EXTENSION", (("type", "u16"), ("bytes", "rest"))),
}
KIND = {name: kind for kind, (name, _) in FRAMES.items()}
RECORDS = {  # fields of the composite types
    "limits": (("maxPayload", "u32"), ("initialWindow", "u32"), ("heartbeat", "u32"), ("sessionTimeout", "u32")),
    "generation": (("moves", "u64"), ("starts", "u64")),
    "reports": (("channel", "u8"), ("receivePosition", "u64"), ("digest", "u64"), ("oldestRetained", "u64")),
    "positions": (("channel", "u8"), ("position", "u64")),
}
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


class Violation(Exception):
    """Something a correct peer cannot send."""

    def __init__(self, text, code="malformed"):
        super().__init__(text)
        self.code = CODES[code]


def pack(kind, value):
    """The bytes of one field."""
    if kind in SIZES:
        return value.to_bytes(SIZES[kind], "big")
    if kind in ("limits", "generation"):
        return b"".join(pack(k, value[n]) for n, k in RECORDS[kind])
    if kind in ("reports", "positions"):
        return bytes([len(value)]) + b"".join(pack(k, item[n]) for item in value for n, k in RECORDS[kind])
    if kind == "versions":
        return bytes([len(value)]) + b"".join(v.to_bytes(2, "big") for v in value)
    if kind == "text":
        raw = value.encode()
        return bytes([len(raw)]) + raw
    if kind == "ext":
        items = b"".join(struct.pack(">HH", i["type"], len(i["bytes"])) + i["bytes"] for i in value)
        return struct.pack(">H", len(items)) + items
    assert kind.startswith("rest") or len(value) == int(kind[1:]), kind
    return bytes(value)


class Cursor:
    """Takes fields off a body."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, count):
        if self.at + count > len(self.raw):
            raise Violation("body too short")
        self.at += count
        return bytes(self.raw[self.at - count:self.at])

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def field(self, kind):
        if kind in SIZES:
            return self.number(SIZES[kind])
        if kind in ("limits", "generation"):
            value = {n: self.field(k) for n, k in RECORDS[kind]}
            if kind == "limits" and (not 1024 <= value["maxPayload"] <= 1 << 24 or not value["heartbeat"]
                                     or not value["sessionTimeout"]):
                raise Violation("limits out of range")
            return value
        if kind in ("reports", "positions"):
            return [{n: self.field(k) for n, k in RECORDS[kind]} for _ in range(self.number(1))]
        if kind == "versions":
            count = self.number(1)
            if not 1 <= count <= 16:
                raise Violation(f"{count} versions")
            return [self.number(2) for _ in range(count)]
        if kind == "text":
            return self.take(self.number(1)).decode("utf-8", "replace")
        if kind == "ext":
            inner, items = Cursor(self.take(self.number(2))), []
            while inner.at < len(inner.raw):
                items.append({"type": inner.number(2), "bytes": inner.take(inner.number(2))})
            return items
        if kind.startswith("rest"):
            rest = self.take(len(self.raw) - self.at)
            if kind == "rest1" and not rest:
                raise Violation("empty payload")
            return rest
        return self.take(int(kind[1:]))


def raw_frame(kind, body=b""):
    return struct.pack(">IB", len(body) + 1, kind) + body


def encode(name, **fields):
    """A complete frame, length included."""
    kind = KIND[name]
    return raw_frame(kind, b"".join(pack(k, fields[n]) for n, k in FRAMES[kind][1]))


def decode(raw):
    """Name and fields of a complete frame."""
    if raw[4] not in FRAMES:
        raise Violation(f"unknown kind 0x{raw[4]:02x}", "unknown kind")
    name, layout = FRAMES[raw[4]]
    cursor = Cursor(raw[5:])
    fields = {n: cursor.field(k) for n, k in layout}
    if cursor.at != len(cursor.raw):
        raise Violation("left-over bytes in a body")
    return name, fields


class Reader:
    """Bytes in, frames out. Once attached, DATA comes out in pieces as its payload arrives [FTSL §5.1]."""

    def __init__(self):
        self.buffer, self.preface, self.attached, self.limit = bytearray(), False, False, HANDSHAKE_LIMIT
        self.part = None  # channel, position, bytes to come

    def next(self):
        """(name, fields, raw frame), or None until more bytes are there. Pieces of DATA have no raw frame."""
        b = self.buffer
        if not self.preface:
            if not PREFACE.startswith(bytes(b[:8])):
                raise Violation("another preface", "not FTSL")
            if len(b) < 8:
                return None
            del b[:8]
            self.preface = True
        if self.part:
            return self.piece()
        if len(b) < 4:
            return None
        length = int.from_bytes(b[:4], "big")
        if not 1 <= length <= self.limit:
            raise Violation(f"frame of length {length}", "too large")
        if len(b) > 4 and b[4] not in FRAMES:
            raise Violation(f"unknown kind 0x{b[4]:02x}", "unknown kind")
        if self.attached and len(b) >= 14 and b[4] == KIND["DATA"] and length > 10:
            channel, position = struct.unpack(">BQ", b[5:14])
            del b[:14]
            self.part = [channel, position, length - 10]
            return self.piece()
        if len(b) < 4 + length:
            return None
        raw = bytes(b[:4 + length])
        del b[:4 + length]
        return (*decode(raw), raw)

    def piece(self):
        channel, position, left = self.part
        payload = bytes(self.buffer[:left])
        if not payload:
            return None
        del self.buffer[:left]
        self.part = [channel, position + len(payload), left - len(payload)] if len(payload) < left else None
        return "DATA", {"channel": channel, "position": position, "payload": payload, "end": position + left}, None


# [FTSL §4.5] keys and MACs


def hkdf(secret, salt, info, size=32):
    key = hmac.digest(salt or bytes(32), secret, hashlib.sha256)
    assert size <= 32
    return hmac.digest(key, info + b"\x01", hashlib.sha256)[:size]


def public_key(private):
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared_secret(private, peer_public):
    try:
        key = X25519PrivateKey.from_private_bytes(private)
        return key.exchange(X25519PublicKey.from_public_bytes(peer_public))
    except ValueError:
        raise Violation("X25519 result is zero", "authentication") from None


class Keys:
    """Session secret and the key of each direction."""

    def __init__(self, shared, nonce_c, nonce_s):
        self.secret = hkdf(shared, nonce_c + nonce_s, b"FTSL/1 session secret")
        self.initiator = hkdf(self.secret, b"", b"FTSL/1 initiator")
        self.acceptor = hkdf(self.secret, b"", b"FTSL/1 acceptor")


class Transcript:
    """All bytes of one handshake so far."""

    def __init__(self):
        self.bytes = b""

    def add(self, raw):
        self.bytes += raw
        return raw

    def mac(self, key, raw):
        return hmac.digest(key, b"FTSL/1 MAC" + raw[4:5] + self.bytes + raw[:-32], hashlib.sha256)

    def seal(self, key, name, **fields):
        """The frame with its MAC, added to the transcript."""
        raw = encode(name, mac=NO_MAC, **fields)
        return self.add(raw[:-32] + self.mac(key, raw))

    def check(self, key, raw):
        """Whether the MAC at the end of a received frame is good; adds the frame."""
        good = hmac.compare_digest(self.mac(key, raw), raw[-32:])
        self.add(raw)
        return good


def digest(data=b""):
    return xxhash.xxh3_64(data)


def jsonable(name, fields):
    """Fields for JSON: bytes as hex, u64 as decimal strings."""
    def convert(kind, value):
        if kind == "u64":
            return str(value)
        if kind in ("limits", "generation"):
            return {n: convert(k, value[n]) for n, k in RECORDS[kind]}
        if kind in ("reports", "positions"):
            return [{n: convert(k, item[n]) for n, k in RECORDS[kind]} for item in value]
        if kind == "ext":
            return [{"type": i["type"], "bytes": i["bytes"].hex()} for i in value]
        return value.hex() if isinstance(value, bytes) else value
    return {n: convert(k, fields[n]) for n, k in FRAMES[KIND[name]][1]}
