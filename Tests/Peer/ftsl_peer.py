#!/usr/bin/python3
"""A small independent FTSL/1 peer, for interoperability tests.

  ftsl_peer.py connect HOST:PORT [--cut-after N]   stdin to the peer, peer to stdout (channel 1 to stderr)
  ftsl_peer.py listen [--port 0] [--cut-after N]   the same for one session
  ftsl_peer.py attack NAME HOST:PORT               misbehave; JSON of what the acceptor answered

--cut-after N breaks each attachment after N bytes in both directions together, in the middle of a frame if it comes so.
Exit status: 0 trusted end, 69 never connected, 76 violation, 80 truncated or unknown, 81 gone, 141 a reader went away.
Needs python3-cryptography and python3-xxhash.
"""
import argparse
import json
import os
import random
import secrets
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import ftsl_wire as w  # noqa: E402
from ftsl_session import Session, Sink, Source


def say(text):
    print(f"ftsl_peer: {text}", file=sys.stderr, flush=True)


class Connection:
    """One transport connection, with its handshake and what is left of its life until the cut."""

    def __init__(self, sock, cut_after=None):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.reader, self.transcript = sock, w.Reader(), w.Transcript()
        self.out, self.phase, self.session, self.opening = bytearray(), "first", None, None
        self.heard = self.said = self.born = time.monotonic()
        self.left, self.acked, self.n, self.half_closed = cut_after, False, 0, False

    def fileno(self):
        return self.sock.fileno()

    def spend(self, count):
        if self.left is not None and self.phase == "attached":
            self.left -= count
            if self.left <= 0:
                self.close(reset=bool(random.getrandbits(1)))
                raise ConnectionError("cut on purpose")

    def send(self):
        while self.out:
            room = len(self.out) if self.left is None or self.phase != "attached" else self.left
            try:
                count = self.sock.send(self.out[:room])
            except BlockingIOError:
                return
            del self.out[:count]
            self.said = time.monotonic()
            self.spend(count)

    def receive(self):
        data = self.sock.recv(1 << 18 if self.left is None else min(1 << 18, max(1, self.left)))
        if not data:
            raise ConnectionError("closed by the peer")
        self.heard = time.monotonic()
        self.reader.buffer += data
        return len(data)

    def attach(self, session):
        self.session, self.phase = session, "attached"
        self.reader.attached, self.reader.limit = True, session.frame_limit

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.phase = "closed"
        self.sock.close()


class Peer:
    """What both roles share: the loop over connections."""

    def __init__(self, options):
        self.options, self.session, self.connections, self.current = options, None, [], None
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_w, False)
        self.limits = {"maxPayload": 65536, "initialWindow": options.window, "heartbeat": options.heartbeat,
                       "sessionTimeout": options.session_timeout}
        self.lost_at = time.monotonic()
        self.attachments = 0

    def wake(self):
        try:
            os.write(self.wake_w, b"x")
        except BlockingIOError:
            pass

    def make_session(self, initiator, sid, keys, flags, theirs):
        files = {0: sys.stdout.buffer, 1: os.fdopen(os.dup(2), "wb")}
        both = [0, 1] if flags & w.HAS_CHANNEL_1 else [0]
        sources = {0: Source(sys.stdin.buffer, self.wake)}
        if not initiator and flags & w.HAS_CHANNEL_1:
            sources[1] = Source(open(self.options.channel_1, "rb"), self.wake)
        session = Session(initiator, sid, keys, flags, self.limits, theirs, sources,
                          {c: Sink(files[c], self.wake) for c in (both if initiator else [0])})
        if not initiator and flags & w.HAS_EXIT:
            session.exit = (0, self.options.exit_status)
            session.states.append(w.encode("EXIT", kind=0, value=self.options.exit_status))
        return session

    def begin(self, connection, reports=None):
        """The connection is proven: it carries the session from now on."""
        old, self.current = self.current, connection
        if old and old is not connection and old.phase == "attached":
            old.out += w.encode("SUPERSEDED")
            old.phase = "leaving"
        connection.attach(self.session)
        self.attachments += 1
        if not self.session.attach(reports):
            raise w.Violation("positions or digests differ", "diverged")

    def frames(self, connection):
        while connection.phase in ("first", "waiting", "attached"):
            try:
                frame = connection.reader.next()
                if frame is None:
                    return
                name, fields, raw = frame
                if connection.phase != "attached":
                    self.handshake(connection, name, fields, raw)
                elif name == "SUPERSEDED" and self.session.initiator:
                    self.session.failed = ("superseded", 76)
                    connection.close()
                else:
                    connection.acked |= name == "ACK"
                    self.session.handle(name, fields)
            except w.Violation as violation:
                say(f"violation: {violation}")
                if connection.phase != "attached":
                    connection.close()
                    return
                self.session.fail(violation.code, str(violation))
                connection.out += self.session.output()
                connection.phase = "leaving"

    def step(self, readable=()):
        """Wait for something, at most a tick, and deal with it."""
        self.connections = [c for c in self.connections if c.phase != "closed"]
        now, c = time.monotonic(), self.current
        if c and c.phase == "attached":
            if len(c.out) < 1 << 18:
                c.out += self.session.output()
            if not c.out and now - c.said >= self.session.heartbeat:
                c.out += w.encode("HEARTBEAT")
            if now - c.heard > 2.5 * self.session.heartbeat:
                say("silence")
                c.close()
        live = [c for c in self.connections if c.phase != "closed"]
        tick = 0 if c and c.phase == "attached" and len(c.out) < 1 << 16 and any(
            s.next < min(s.credit, s.base + len(s.kept)) for s in self.session.senders.values()) else 0.02
        r, wr, _ = select.select([*live, *readable, self.wake_r], [c for c in live if c.out], [], tick)
        if self.wake_r in r:
            os.read(self.wake_r, 65536)
        for c in live:
            try:
                if c in r:
                    attached, count = c.phase == "attached", c.receive()
                    self.frames(c)
                    if attached and c.phase != "closed":
                        c.spend(count)
                if c in wr and c.phase != "closed":
                    c.send()
                if c.phase in ("leaving", "over") and not c.out and not c.half_closed:
                    c.sock.shutdown(socket.SHUT_WR)
                    c.half_closed, c.born = True, now
                if c.phase in ("leaving", "over") and c.half_closed and now - c.born > 1:
                    c.close()
                if c.phase in ("first", "waiting") and now - c.born > 10:
                    c.close()
            except OSError as error:
                if self.options.verbose:
                    say(f"{c.phase}: {error}")
                if c.phase != "closed":
                    c.close()
        if self.current and self.current.phase == "closed":
            self.current, self.lost_at = None, now
        if self.session and self.session.over and self.current and self.current.phase == "attached":
            self.current.phase = "over"
        return r

    def ended(self):
        s = self.session
        if s is None:
            return False
        if not s.failed and not s.over and not self.current and time.monotonic() - self.lost_at > s.timeout:
            s.failed = s.outcome()
        return s.failed or self.current is None and (s.over or s.abort is not None and s.bye_sent)

    def finish(self):
        s = self.session
        for r in s.receivers.values():
            r.sink.finish()
            r.sink.join(10)
        word, status = s.outcome()
        say(json.dumps({"outcome": word, "attachments": self.attachments, "exit": s.exit,
                        "sent": s.senders[0].acknowledged, "received": s.receivers[0].receive_position,
                        "digest_sent": f"{s.senders[0].digest_at(s.senders[0].sent):016x}",
                        "digest_received": f"{s.receivers[0].hash.intdigest():016x}"}))
        os._exit(status)  # threads may sit in a read of stdin


class Initiator(Peer):
    def run(self):
        failures, first_gone, self.n, self.fatal = 0, None, 0, None
        self.confirm_sent = self.gone = False
        while not self.ended():
            connection = self.dial()
            if connection:
                while connection.phase != "closed":
                    self.step()
            if self.fatal and self.session is None:
                say(self.fatal[0])
                sys.exit(self.fatal[1])
            failures = 0 if connection and connection.acked else failures + 1
            if self.gone:
                if self.session.bye_sent:
                    break
                first_gone = first_gone or time.monotonic()
                if time.monotonic() - first_gone >= self.options.gone_wait:
                    self.session.failed = ("gone", 81)
            else:
                first_gone = None
            if not self.ended() and failures > 1:
                time.sleep(random.uniform(0, min(10, 0.05 * 2 ** (failures - 2))))
        self.finish()

    def dial(self):
        self.gone = False
        try:
            sock = socket.create_connection(self.options.address, 10)
        except OSError as error:
            self.fatal = (f"{self.options.address}: {error}", 69)
            return None
        c = Connection(sock, self.options.cut_after)
        self.connections, self.nonce = [c], secrets.token_bytes(32)
        c.transcript.add(w.PREFACE)
        if self.session is None:
            self.private = secrets.token_bytes(32)
            frame = c.transcript.add(w.encode(
                "OPEN", versions=[w.VERSION], nonceC=self.nonce, publicKey=w.public_key(self.private),
                service=self.options.service, limits=self.limits, ext=[]))
        else:
            self.n += 1
            c.n = self.n
            frame = c.transcript.seal(
                self.session.my_key, "RESUME", version=w.VERSION, session=self.session.id, n=self.n,
                generation=self.generation[0], instance=self.generation[1], nonceC=self.nonce,
                reports=self.session.reports(), ext=[])
        c.out += w.PREFACE + frame
        return c

    def handshake(self, c, name, f, raw):
        c.transcript.add(w.PREFACE)
        if name == "VERDICT":
            return self.verdict(c, f, raw)
        if name != ("OPENED" if self.session is None else "RESUMED"):
            raise w.Violation(f"{name} in the handshake", "unexpected")
        if name == "OPENED":
            keys = w.Keys(w.shared_secret(self.private, f["publicKey"]), self.nonce, f["nonceS"])
            if not c.transcript.check(keys.acceptor, raw) or f["version"] != w.VERSION:
                self.fatal = ("OPENED cannot be trusted", 76)
                return c.close()
            self.session = self.make_session(True, f["session"], keys, f["flags"], f["limits"])
            last, reports = "CONFIRM", None
        else:
            if not c.transcript.check(self.session.peer_key, raw) or f["n"] != c.n:
                return c.close()
            last, reports = "PROOF", f["reports"]
        generation = ((f["generation"], f["instance"]))
        if last == "PROOF" and not self.obeys(generation):
            return c.close()
        self.generation = generation
        c.out += c.transcript.seal(self.session.my_key, last)
        self.begin(c, reports)

    def obeys(self, new):
        rank = lambda g: (g[0]["moves"], g[0]["starts"])
        return rank(new) > rank(self.generation) or new == self.generation

    def verdict(self, c, f, raw):
        c.close()
        text = f"verdict {f['verdict']}, code {f['code']}: {f['text']}"
        say(text)
        if self.session is None:
            if f["verdict"] == w.LATER:
                time.sleep(f["after"] / 1000)
            else:
                self.fatal = (text, 69)
        elif f["verdict"] == w.GONE:
            self.gone = True
        elif c.transcript.check(self.session.peer_key, raw):
            if f["verdict"] == w.REFUSED and f["code"] != w.CODES["stale attachment"]:
                self.session.failed = (text, 77)
            time.sleep(f["after"] / 1000)


class Acceptor(Peer):
    generation, instance = {"moves": 0, "starts": 0}, secrets.randbits(64)

    def run(self):
        listener = socket.create_server(("127.0.0.1", self.options.port))
        host, port = listener.getsockname()
        print(f"listening on {host}:{port}", file=sys.stderr, flush=True)
        self.unconfirmed, self.proven = {}, -1
        self.flags = ((w.HAS_CHANNEL_1 if self.options.channel_1 else 0)
                      | (0 if self.options.exit_status is None else w.HAS_EXIT))
        while not self.ended():
            if listener in self.step([listener]):
                self.connections.append(Connection(listener.accept()[0], self.options.cut_after))
        if self.session.failed or self.session.over:
            listener.close()
        self.finish()

    def handshake(self, c, name, f, raw):
        if c.phase == "waiting":
            return self.prove(c, name, raw)
        c.transcript.add(w.PREFACE)
        if name == "OPEN":
            self.open(c, f, raw)
        elif name == "RESUME":
            self.resume(c, f, raw)
        else:
            raise w.Violation(f"{name} as the first frame", "unexpected")

    def answer(self, c, verdict, code, text, key=None, after=0, ext=()):
        fields = dict(verdict=verdict, code=code, after=after, text=text, ext=list(ext))
        c.transcript.add(w.PREFACE)
        c.out += w.PREFACE + (c.transcript.seal(key, "VERDICT", **fields) if key
                              else w.encode("VERDICT", mac=w.NO_MAC, **fields))
        c.phase = "leaving"

    def open(self, c, f, raw):
        c.transcript.add(raw)
        if w.VERSION not in f["versions"]:
            return self.answer(c, w.REFUSED, w.CODES["version mismatch"], "version 1 only",
                               ext=[{"type": w.EXT_VERSIONS, "bytes": b"\0\1"}])
        if self.session:
            return self.answer(c, w.LATER, w.CODES["busy"], "busy", after=1000)
        private, nonce, sid = (secrets.token_bytes(k) for k in (32, 32, 16))
        keys = w.Keys(w.shared_secret(private, f["publicKey"]), f["nonceC"], nonce)
        while len(self.unconfirmed) >= 16:
            del self.unconfirmed[next(iter(self.unconfirmed))]
        self.unconfirmed[sid] = c.opening = (sid, keys, f["limits"], None)
        c.transcript.add(w.PREFACE)
        c.out += w.PREFACE + c.transcript.seal(
            keys.acceptor, "OPENED", version=w.VERSION, session=sid, nonceS=nonce, publicKey=w.public_key(private),
            generation=self.generation, instance=self.instance, flags=self.flags, limits=self.limits, ext=[])
        c.phase = "waiting"

    def resume(self, c, f, raw):
        known = self.session and self.session.id == f["session"]
        keys = self.session.keys if known else self.unconfirmed.get(f["session"], (0, None))[1]
        stand_in = w.Keys(bytes(32), b"", b"")
        if not c.transcript.check((keys or stand_in).initiator, raw) or not keys:
            return self.answer(c, w.GONE, w.CODES["gone"], "no such session")
        if f["version"] != w.VERSION:
            return self.answer(c, w.REFUSED, w.CODES["version mismatch"], "version 1 only", keys.acceptor)
        if f["n"] <= (self.proven if known else 0):
            return self.answer(c, w.REFUSED, w.CODES["stale attachment"], "not the newest", keys.acceptor)
        if (f["generation"], f["instance"]) != (self.generation, self.instance):
            return self.answer(c, w.LATER, w.CODES["stale generation"], "", keys.acceptor, after=1000)
        reports = self.session.reports() if known else [
            {"channel": c, "receivePosition": 0, "digest": w.digest().intdigest(), "oldestRetained": 0}
            for c in ([0, 1] if self.flags & w.HAS_CHANNEL_1 else [0])]
        c.opening, c.n = (f["session"], keys, None, f["reports"]), f["n"]
        c.transcript.add(w.PREFACE)
        c.out += w.PREFACE + c.transcript.seal(
            keys.acceptor, "RESUMED", nonceS=secrets.token_bytes(32), n=f["n"], generation=self.generation,
            instance=self.instance, reports=reports, ext=[])
        c.phase = "waiting"

    def prove(self, c, name, raw):
        sid, keys, _, reports = c.opening
        if name != ("PROOF" if c.n else "CONFIRM") or not c.transcript.check(keys.initiator, raw):
            return c.close()
        if self.session is None and sid in self.unconfirmed:
            _, _, limits, _ = self.unconfirmed[sid]
            self.session = self.make_session(False, sid, keys, self.flags, limits)
        if self.session is None or self.session.id != sid or c.n <= self.proven:
            return c.close()
        self.proven = c.n
        self.begin(c, reports)


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "localhost", int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--cut-after", type=int, metavar="N")
    common.add_argument("--heartbeat", type=int, default=3000, metavar="MS")
    common.add_argument("--window", type=int, default=1 << 20, metavar="BYTES")
    common.add_argument("--session-timeout", type=int, default=86400, metavar="S")
    common.add_argument("-v", "--verbose", action="store_true")
    connect = commands.add_parser("connect", parents=[common])
    connect.add_argument("address", type=address)
    connect.add_argument("--service", default="")
    connect.add_argument("--gone-wait", type=float, default=30, metavar="S")
    listen = commands.add_parser("listen", parents=[common])
    listen.add_argument("--port", type=int, default=0)
    listen.add_argument("--channel-1", metavar="FILE", help="send this file on channel 1")
    listen.add_argument("--exit-status", type=int, metavar="N", help="say EXIT")
    attack = commands.add_parser("attack")
    attack.add_argument("name")
    attack.add_argument("address", type=address)
    options = parser.parse_args()
    if options.command == "attack":
        import ftsl_attacks
        print(json.dumps(ftsl_attacks.run(options.name, options.address)))
    else:
        (Initiator if options.command == "connect" else Acceptor)(options).run()


if __name__ == "__main__":
    main()
