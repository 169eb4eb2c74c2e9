#!/usr/bin/env python3
"""Plays power cuts: the files of a folder as they may be found after one at any moment of a recorded run.

usage: replay.py FTSL TRACE [--cuts N] [--seed S] [--outbox]

A write that was not followed by a sync of its file is, each by chance, there, gone, or torn; a file that was made may be
missing until its folder was synced. What the listener had told its peers by then (ACCEPTED frames on the wire) must be in the
inbox that `ftsl tail` finds there; with --outbox, what `send` had printed (--print-id) must be in the outbox.
"""
import argparse
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

ACCEPTED, READY = 0x23, 0x21
PREFACE = b"FTSL\r\n\x1a\n"


def records(path):
    data = pathlib.Path(path).read_bytes()
    at = 0
    while at + 21 <= len(data):
        kind, number, offset, length = struct.unpack_from("<ciQQ", data, at)
        at += 21
        body = data[at:at + length] if kind in b"OWUNP" else b""
        at += len(body)
        yield kind.decode(), number, offset, body


class Wire:
    """What was said on one socket: the highest `next` of its lane."""

    def __init__(self):
        self.buffer = b""
        self.started = False
        self.next = 0

    def add(self, data):
        self.buffer += data
        if not self.started and len(self.buffer) >= 8:
            self.started = self.buffer.startswith(PREFACE)
            self.buffer = self.buffer[8:]
        while self.started and len(self.buffer) >= 5:
            length, kind = struct.unpack_from(">IB", self.buffer)
            if len(self.buffer) < 4 + length:
                return
            body = self.buffer[5:4 + length]
            self.buffer = self.buffer[4 + length:]
            # READY: inbox 16, generation 16, chain 8, then the same as in ACCEPTED.
            at = {ACCEPTED: 0, READY: 40}.get(kind)
            if at is not None:
                self.next = max(self.next, struct.unpack_from(">Q", body, at)[0])


class Disk:
    """Files, and what was not synced to them yet."""

    def __init__(self):
        self.files, self.pending, self.begun, self.fresh = {}, {}, {}, set()

    def opened(self, path, is_new):
        self.files.setdefault(path, bytearray())
        if is_new:
            self.fresh.add(path)

    def change(self, path, *change):
        self.pending.setdefault(path, []).append(change)

    def sync_begins(self, path):
        self.begun[path] = len(self.pending.get(path, []))

    def sync_ends(self, path):
        changes, count = self.pending.get(path, []), self.begun.pop(path)
        for change in changes[:count]:
            self.apply(path, *change)
        del changes[:count]

    def unlink(self, path):
        self.files.pop(path, None)
        self.pending.pop(path, None)
        self.fresh.discard(path)

    def apply(self, path, kind, offset, body):
        content = self.files.setdefault(path, bytearray())
        if kind == "T":
            del content[offset:]
        content.extend(bytes(max(0, offset + len(body) - len(content))))
        content[offset:offset + len(body)] = body

    def cut(self, rng):
        for path, changes in self.pending.items():
            for kind, offset, body in changes:
                chance = rng.random()
                if chance < 0.4:
                    self.apply(path, kind, offset, body)
                elif chance < 0.6 and kind == "W":
                    self.apply(path, kind, offset, body[:rng.randrange(len(body)) // 512 * 512])
        for path in self.fresh:
            if rng.random() < 0.5:
                del self.files[path]


def play(trace, cut, rng):
    """The files after a cut behind record `cut`, and how many messages had been acknowledged."""
    disk, names, wires, accepted, printed = Disk(), {}, {}, 1, 0
    for kind, number, offset, body in trace[:cut]:
        if kind == "O":
            names[number] = body.decode()
            disk.opened(names[number], offset == 1)
        elif kind in "WT":
            disk.change(names[number], kind, offset, body)
        elif kind == "B":
            disk.sync_begins(names[number])
        elif kind == "S":
            disk.sync_ends(names[number])
        elif kind == "D":
            disk.fresh.clear()
        elif kind == "U":
            disk.unlink(body.decode())
        elif kind == "P":
            printed += body.count(b"\n")
        elif kind == "N":
            if body.startswith(PREFACE):
                wires[number] = Wire()
            wires.setdefault(number, Wire()).add(body)
            accepted = max(accepted, wires[number].next)
    disk.cut(rng)
    return disk.files, accepted - 1, printed


def run(*command):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    if ended.returncode == 66:
        return []  # Made, and nothing in it yet.
    if ended.returncode:
        sys.exit(f"{command[1]} exits {ended.returncode}: {ended.stderr}")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def stored(ftsl, files, is_outbox):
    """How many messages a user sees in what the cut left. They are the first ones, or it is an error."""
    database = next((path for path in files if path.endswith(".db")), None)
    if database is None or not files[database]:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            copy = pathlib.Path(folder) / pathlib.Path(path).name
            # The shared-memory index and locks do not survive a power cut.
            if "-shm" not in copy.name and "-lock" not in copy.name and "-courier" not in copy.name:
                copy.write_bytes(content)
                copy.chmod(0o600)
        copy = str(pathlib.Path(folder) / pathlib.Path(database).name)
        if is_outbox:
            return sum(row["queued"] for row in run(ftsl, "status", "-q", "--json", copy) if row["kind"] == "lane")
        found = [row["sequence"] for row in run(ftsl, "tail", "-q", "-e", "--from", "beginning", "--json", copy)]
        if found != list(range(1, len(found) + 1)):
            sys.exit(f"stored are {found}")
        return len(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ftsl")
    parser.add_argument("trace")
    parser.add_argument("--cuts", type=int, default=40)
    parser.add_argument("--outbox", action="store_true")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    trace = list(records(options.trace))
    rng = random.Random(options.seed)
    syncs = [at for at, row in enumerate(trace) if row[0] == "S"]
    checked = 0
    for _ in range(options.cuts):
        cut = rng.choice(syncs) + rng.choice((0, 1, 1, 2, 3)) if rng.random() < 0.5 else rng.randrange(len(trace))
        files, accepted, printed = play(trace, cut, rng)
        acknowledged = printed if options.outbox else accepted
        found = stored(options.ftsl, files, options.outbox)
        if found < acknowledged:
            sys.exit(f"seed {options.seed}, cut at {cut}: {acknowledged} were acknowledged, {found} are stored")
        checked += acknowledged > 0
    print(json.dumps({"cuts": options.cuts, "with acknowledged": checked, "records": len(trace), "seed": options.seed}))


main()
