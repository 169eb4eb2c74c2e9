"""An FTSL/1 session without sockets: senders, receivers, states and outcome, from man/ftsl-protocol.7 alone."""
import threading
import time

from ftsl_wire import HAS_CHANNEL_1, HAS_EXIT, Violation, digest, encode

PIECE, RETAINED = 65536, 4 << 20


class Source(threading.Thread):
    """Reads a file object to its end, at most 1 MiB ahead."""

    def __init__(self, file, wake):
        super().__init__(daemon=True)
        self.file, self.wake, self.room = file, wake, threading.Condition()
        self.bytes, self.end, self.dead = bytearray(), False, False
        self.start()

    def run(self):
        while not self.dead:
            data = self.file.read1(PIECE)
            with self.room:
                self.bytes += data
                self.end = not data
                self.wake()
                if self.end:
                    return
                self.room.wait_for(lambda: len(self.bytes) < 1 << 20 or self.dead)

    def take(self, count):
        with self.room:
            data = bytes(self.bytes[:count])
            del self.bytes[:count]
            self.room.notify()
            return data, self.end and not self.bytes

    def stop(self):
        with self.room:
            self.dead = True
            self.room.notify()


class Sink(threading.Thread):
    """Writes to a file object; a byte is taken once write returned."""

    def __init__(self, file, wake):
        super().__init__(daemon=True)
        self.file, self.wake, self.more = file, wake, threading.Condition()
        self.queue, self.taken, self.ended, self.broken = [], 0, False, False
        self.start()

    def run(self):
        while True:
            with self.more:
                self.more.wait_for(lambda: self.queue or self.ended)
                if not self.queue:
                    break
                data = self.queue.pop(0)
            try:
                self.file.write(data)
                self.file.flush()
            except OSError:
                self.broken = True
                break
            self.taken += len(data)
            self.wake()
        try:
            self.file.close()
        except OSError:
            pass
        self.wake()

    def put(self, data):
        with self.more:
            self.queue.append(data)
            self.more.notify()

    def finish(self):
        with self.more:
            self.ended = True
            self.more.notify()


class Sender:
    def __init__(self, channel, source, credit):
        self.channel, self.source, self.credit = channel, source, credit
        self.kept, self.base, self.hash = bytearray(), 0, digest()  # what is retained, and the digest below it
        self.next = self.sent = 0    # on this attachment, on any
        self.fin, self.fin_sent, self.fin_next, self.acknowledged = None, False, True, 0
        self.stopped, self.blocked_at, self.limit = None, None, None

    def digest_at(self, position):
        h = self.hash.copy()
        h.update(bytes(self.kept[:position - self.base]))
        return h.intdigest()

    @property
    def sent_end(self):
        return self.sent + self.fin_sent

    @property
    def done(self):
        return self.fin is not None and self.acknowledged == self.fin + 1

    def resume(self, position, digest_there):
        """Go on from where the peer is; False if the two differ [M4.3-12]."""
        has_fin = self.fin_sent and position == self.fin + 1
        data = position - has_fin
        if position < self.acknowledged or position > self.sent_end or self.digest_at(data) != digest_there:
            return False
        self.next, self.fin_next, self.blocked_at = data, not has_fin, None
        return True

    def ack(self, acknowledged, credit):
        if acknowledged > self.sent_end:
            raise Violation(f"acknowledged {acknowledged}, sent {self.sent_end}", "acknowledged unsent")
        self.credit = max(self.credit, credit)
        if acknowledged > self.acknowledged:
            self.acknowledged = acknowledged
            data = min(acknowledged, self.sent) - self.base
            self.hash.update(bytes(self.kept[:data]))
            del self.kept[:data]
            self.base += data
            self.next = max(self.next, self.base)

    def stop(self, taken):
        if taken > self.sent:
            raise Violation("STOP beyond what was sent", "contradictory")
        if self.stopped is None:
            self.stopped = taken
            self.source.stop()
            if self.fin is None:
                del self.kept[self.sent - self.base:]
                self.fin = self.sent

    def frames(self, max_payload):
        """The next frame to send, or b''."""
        if self.fin is None and self.limit is None and len(self.kept) < RETAINED:
            data, end = self.source.take(PIECE)
            self.kept += data
            if end:
                self.fin = self.base + len(self.kept)
        limit = self.base + len(self.kept) if self.limit is None else min(self.limit, self.base + len(self.kept))
        size = min(limit, self.credit) - self.next
        if size > 0:
            at = self.next - self.base
            data = bytes(self.kept[at:at + min(size, max_payload, PIECE)])
            raw = encode("DATA", channel=self.channel, position=self.next, payload=data)
            self.next += len(data)
            self.sent = max(self.sent, self.next)
            return raw
        if limit > self.next and self.blocked_at != self.credit:
            self.blocked_at = self.credit
            return encode("BLOCKED", channel=self.channel, position=self.credit)
        if self.next == self.fin and self.fin_next and (self.limit is None or self.limit > self.fin):
            self.fin_next, self.fin_sent = False, True
            return encode("FIN", channel=self.channel, position=self.fin, digest=self.digest_at(self.fin))
        return b""


class Receiver:
    def __init__(self, channel, sink, window):
        self.channel, self.sink, self.window, self.credit = channel, sink, window, window
        self.position, self.hash, self.fin, self.stopped = 0, digest(), None, None
        self.ack_now, self.acknowledged = False, 0

    @property
    def receive_position(self):
        return self.position + (self.fin is not None)

    def take_data(self, position, payload, end, discard):
        if end >= 1 << 63:
            raise Violation(f"DATA to {end}")
        if position > self.position:
            raise Violation(f"DATA at {position}, expected {self.position}", "position gap")
        if end > self.credit:
            raise Violation(f"DATA to {end}, credit {self.credit}", "credit overrun")
        if self.fin is not None and end > self.position:
            raise Violation("DATA after FIN", "contradictory")
        fresh = payload[self.position - position:]
        if discard or not fresh:
            return
        self.hash.update(fresh)
        self.position += len(fresh)
        if self.stopped is None:
            self.sink.put(fresh)

    def take_fin(self, position, value, discard):
        if discard:
            return
        if position != self.position:
            raise Violation(f"FIN at {position}, expected {self.position}",
                            "position gap" if self.fin is None else "contradictory")
        if self.fin is None:
            if value != self.hash.intdigest():
                raise Violation("digests differ", "digest mismatch")
            self.fin = position
            self.sink.finish()
        self.ack_now = True

    def taken(self):
        data = self.position if self.stopped is not None else self.sink.taken
        return data + (self.fin is not None and data == self.position)

    def ack(self):
        self.ack_now, self.acknowledged = False, self.taken()
        self.credit = max(self.credit, min(self.acknowledged, self.position) + self.window)
        return encode("ACK", channel=self.channel, acknowledged=self.acknowledged, credit=self.credit)

    def ack_due(self, tick):
        new = self.taken() - self.acknowledged
        return self.ack_now or new * 4 >= self.window or new and (tick or self.fin is not None)


class Session:
    """sources and sinks: channel to Source or Sink, for the directions this end sends and receives."""

    def __init__(self, initiator, sid, keys, flags, mine, theirs, sources, sinks):
        self.initiator, self.id, self.keys, self.flags = initiator, sid, keys, flags
        self.my_key, self.peer_key = ((keys.initiator, keys.acceptor) if initiator else (keys.acceptor, keys.initiator))
        self.heartbeat = min(mine["heartbeat"], theirs["heartbeat"]) / 1000
        self.timeout = min(mine["sessionTimeout"], theirs["sessionTimeout"])
        self.frame_limit, self.max_payload = 10 + mine["maxPayload"], theirs["maxPayload"]
        second = 1 if flags & HAS_CHANNEL_1 else None
        self.channels = [0] if second is None else [0, 1]
        sends, receives = ([0], self.channels) if initiator else (self.channels, [0])
        self.senders = {c: Sender(c, sources[c], theirs["initialWindow"]) for c in sends}
        self.receivers = {c: Receiver(c, sinks[c], mine["initialWindow"]) for c in receives}
        self.abort = self.peer_abort = self.exit = self.failed = None
        self.bye_sent = self.bye_received = self.bye_due = False
        self.states = []      # own STOP, ABORT, EXIT frames
        self.urgent = []      # frames to send first on this attachment
        self.tick_at = 0

    @property
    def over(self):
        return self.bye_sent and self.bye_received

    def reports(self):
        out = []
        for c in self.channels:
            r, s = self.receivers.get(c), self.senders.get(c)
            out.append({"channel": c, "receivePosition": r.receive_position if r else 0,
                        "digest": (r.hash if r else digest()).intdigest(), "oldestRetained": s.base if s else 0})
        return out

    def attach(self, reports=None):
        """Begin an attachment; False if the peer's reports do not fit: the caller ends the session as diverged."""
        self.urgent = sorted(self.states, key=lambda raw: raw[4]) + ([encode("BYE")] if self.bye_sent else [])
        self.urgent += [r.ack() for r in self.receivers.values()]
        if reports is None:
            return True
        told = {r["channel"]: r for r in reports}
        if sorted(r["channel"] for r in reports) != self.channels:
            raise Violation("REPORTS that do not list each channel once")
        return (all(told[c]["oldestRetained"] <= r.position for c, r in self.receivers.items())
                and all([s.resume(told[c]["receivePosition"], told[c]["digest"]) for c, s in self.senders.items()]))

    def say(self, raw):
        self.states.append(raw)
        self.urgent.append(raw)

    def fail(self, code, text):
        """ABORT for a violation [M5.6-6]."""
        if self.abort is not None or self.bye_sent:
            return
        self.abort = code
        for s in self.senders.values():
            s.limit = 0
            s.source.stop()
        self.say(encode("ABORT", code=code, positions=[], text=text[:200]))
        for r in self.receivers.values():
            r.sink.finish()

    def half(self, table, fields):
        if fields["channel"] not in table:
            raise Violation(f"channel {fields['channel']}", "bad channel")
        return table[fields["channel"]]

    def handle(self, name, f):
        """One session frame of the peer."""
        if name == "DATA":
            discard = self.abort is not None
            self.half(self.receivers, f).take_data(f["position"], f["payload"], f["end"], discard)
        elif name == "FIN":
            self.half(self.receivers, f).take_fin(f["position"], f["digest"], self.abort is not None)
        elif name == "ACK":
            self.half(self.senders, f).ack(f["acknowledged"], f["credit"])
        elif name == "BLOCKED":
            self.half(self.receivers, f).ack_now = True
        elif name == "STOP":
            self.half(self.senders, f).stop(f["taken"])
        elif name == "ABORT":
            if self.peer_abort is None:
                self.peer_abort = f
                for s in self.senders.values():
                    s.limit = 0
                    s.source.stop()
        elif name == "EXIT":
            new = (f["kind"], f["value"])
            if not self.initiator or not self.flags & HAS_EXIT or f["kind"] > 1 or self.exit not in (None, new):
                raise Violation("EXIT", "unexpected")
            self.exit = new
        elif name == "BYE":
            self.bye_received = True
        elif name not in ("HEARTBEAT", "EXTENSION"):
            raise Violation(f"{name} on an attached connection", "unexpected")

    def finished(self):
        """[M5.8-1]"""
        if self.abort is not None:
            return True
        if self.peer_abort is not None:
            limits = {p["channel"]: p["position"] for p in self.peer_abort["positions"]}
            return all(min(r.taken(), r.position) >= limits.get(c, 0) for c, r in self.receivers.items())
        return (all(s.done for s in self.senders.values()) and (not self.flags & HAS_EXIT or self.exit is not None)
                and all(r.fin is not None and r.acknowledged == r.fin + 1 for r in self.receivers.values()))

    def output(self):
        """Some bytes to send now, urgent ones first; b'' if there is nothing to say."""
        tick = time.monotonic() >= self.tick_at
        if tick:
            self.tick_at = time.monotonic() + 0.025
        for c, r in self.receivers.items():
            if r.sink.broken and r.stopped is None and self.abort is None:
                r.stopped, r.ack_now = r.sink.taken, True
                self.say(encode("STOP", channel=c, taken=r.stopped))
        out = b"".join(self.urgent)
        self.urgent = []
        out += b"".join(r.ack() for r in self.receivers.values() if self.abort is None and r.ack_due(tick))
        out += b"".join(s.frames(self.max_payload) for s in self.senders.values())
        if not self.bye_sent and self.finished():
            self.bye_sent = True
            out += encode("BYE")
            if self.peer_abort is not None:
                for r in self.receivers.values():
                    r.sink.finish()
        return out

    def outcome(self):
        """(word, exit status)"""
        if self.failed:
            return self.failed
        if self.abort is not None:
            return f"aborted here, code {self.abort}", 76
        if self.bye_sent and self.peer_abort is None:
            for part in list(self.senders.values()) + list(self.receivers.values()):
                if part.stopped is not None:
                    return f"stopped at {part.stopped}", 141
            return "success", 0
        if self.peer_abort is not None:
            at = self.receivers[0].position
            return f"truncated at {at}, code {self.peer_abort['code']}: {self.peer_abort['text']}", 80
        return f"unknown beyond {self.senders[0].acknowledged}", 80
