#!/usr/bin/env python3
"""Plays power cuts: the files of a folder as they may be found after one at any moment of a recorded run.

usage: replay.py FTSL TRACE [--cuts N] [--seed S]

A write that was not followed by a sync of its file is, each by chance, there, gone, or torn. What the listener had told its
peers by then (ACCEPTED frames on the wire) must be in the inbox that `ftsl tail` finds there.
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
        body = data[at:at + length] if kind in b"OWUN" else b""
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


def play(trace, cut, rng):
    """The files after a cut behind record `cut`, and what had been acknowledged."""
    files, names, pending, wires = {}, {}, {}, {}

    def apply(path, change):
        kind, offset, body = change
        content = files.setdefault(path, bytearray())
        if kind == "T":
            del content[offset:]
            content.extend(bytes(max(0, offset - len(content))))
            return
        content.extend(bytes(max(0, offset + len(body) - len(content))))
        content[offset:offset + len(body)] = body

    for kind, number, offset, body in trace[:cut]:
        if kind == "O":
            names[number] = body.decode()
            files.setdefault(names[number], bytearray())
        elif kind in "WT":
            pending.setdefault(names[number], []).append((kind, offset, body))
        elif kind == "S":
            for change in pending.pop(names[number], []):
                apply(names[number], change)
        elif kind == "U":
            files.pop(body.decode(), None)
            pending.pop(body.decode(), None)
        elif kind == "N":
            wires.setdefault(number, Wire()).add(body)
            if body.startswith(PREFACE):
                wires[number] = Wire()
                wires[number].add(body)
    for path, changes in pending.items():
        for change in changes:
            chance = rng.random()
            if chance < 0.4:
                apply(path, change)
            elif chance < 0.6 and change[0] == "W":
                kind, at, body = change
                apply(path, (kind, at, body[:rng.randrange(len(body)) // 512 * 512]))
    return files, max((wire.next for wire in wires.values()), default=0)


def stored(ftsl, inbox):
    """Sequences of the only producer, as a user sees them."""
    run = subprocess.run([ftsl, "tail", "-q", "-e", "--from", "beginning", "--json", inbox], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=60)
    if run.returncode:
        sys.exit(f"tail exits {run.returncode}: {run.stderr}")
    return [json.loads(line)["sequence"] for line in run.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ftsl")
    parser.add_argument("trace")
    parser.add_argument("--cuts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    trace = list(records(options.trace))
    rng = random.Random(options.seed)
    syncs = [at for at, row in enumerate(trace) if row[0] == "S"]
    checked = 0
    for _ in range(options.cuts):
        cut = rng.choice(syncs) + rng.choice((0, 1, 1, 2, 3)) if rng.random() < 0.5 else rng.randrange(len(trace))
        files, acknowledged = play(trace, cut, rng)
        inboxes = [path for path in files if path.endswith(".db")]
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                copy = pathlib.Path(folder) / pathlib.Path(path).name
                # The shared-memory index and locks do not survive a power cut.
                if not copy.name.endswith(("-shm", "-lock")):
                    copy.write_bytes(content)
                    copy.chmod(0o600)
            if not inboxes or not (pathlib.Path(folder) / pathlib.Path(inboxes[0]).name).stat().st_size:
                found = []
            else:
                found = stored(options.ftsl, str(pathlib.Path(folder) / pathlib.Path(inboxes[0]).name))
        if found != list(range(1, len(found) + 1)) or len(found) < acknowledged - 1:
            sys.exit(f"seed {options.seed}, cut at {cut}: acknowledged below {acknowledged}, stored {len(found)}")
        checked += acknowledged > 1
    print(json.dumps({"cuts": options.cuts, "with_acknowledged": checked, "records": len(trace), "seed": options.seed}))


main()
