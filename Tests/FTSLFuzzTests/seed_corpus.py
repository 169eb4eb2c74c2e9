#!/usr/bin/env python3
"""Writes the first inputs of the corpus: all frames of the test vectors, and whole conversations.

What the fuzzer finds is added by `make fuzz-merge`; this only ever adds files.
"""
import json
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "Vectors", "frames.json")
KINDS = [1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1F]


def put(entry, name, data):
    folder = os.path.join(HERE, "Corpus", entry)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(data))


def frames():
    vectors = json.load(open(VECTORS))["frames"]
    session = b""
    for number, vector in enumerate(vectors):
        frame = bytes.fromhex(vector["hex"])
        if vector["kind"] < 0x10:
            mac = 0 if vector["kind"] == 1 else 32
            body = frame[5:len(frame) - mac]
            put("messages", f"vector-{number:02}", [KINDS.index(vector["kind"])] + list(body))
        else:
            put("decoder", f"vector-{number:02}", [1, number] + list(frame))
            session += frame
    put("decoder", "all-frames", [1, 7] + list(session))
    put("decoder", "all-frames-twice", [0, 9] + list(session + session))


# Steps of the acceptor's entry: slot, step, arguments (see Attack+Steps.swift). No damage: a zero.
OPEN = [0, 4, 6, 16, 5, 60, 0, 0]
ANSWER = [0, 5, 0, 0]
LOOK = [0, 5, 0]
HANG_UP = [0, 2]
WAIT = [0, 3, 11]
RESUME = [0, 7, 0, 1, 0, 0]
WRITE = [0, 15, 3, 4, 0]
FINISH = [0, 15, 0]
SERVICE_WRITES = [0, 13, 0, 0, 0, 2, 0]
SERVICE_ENDS = [0, 13, 0, 0, 2]
SERVICE_EXITS = [0, 13, 0, 0, 7, 3]
SERVICE_TAKES = [0, 13, 0, 0, 3]


def craft(*numbers):
    return [0, 9] + list(numbers) + [0]


def conversations():
    opened = [0] + OPEN + ANSWER
    full = (opened + WRITE + ANSWER * 2 + SERVICE_WRITES + LOOK * 3 + FINISH + ANSWER + SERVICE_ENDS
            + SERVICE_EXITS + ANSWER * 4)
    put("acceptor", "conversation", full)
    put("acceptor", "resume", opened + WRITE + HANG_UP + RESUME + ANSWER + WRITE + ANSWER * 2)
    put("acceptor", "takeover", opened + [1, 7, 0, 1, 0, 0, 1, 5, 0, 0] + WRITE + ANSWER)
    put("acceptor", "parked", [2] + OPEN + ANSWER + SERVICE_WRITES * 5 + HANG_UP + WAIT * 9)
    put("acceptor", "five", [0] + (OPEN + ANSWER + HANG_UP) * 5 + WAIT + OPEN + ANSWER)
    # Everything is said except the last acknowledgement: such a session cannot be aborted.
    almost = []
    for number in range(8):
        service = [0, 13, number]
        almost += (OPEN + ANSWER + FINISH + LOOK + service + [0, 3] + service + [0, 2]
                   + service + [1, 2] + service + [0, 7, 3] + HANG_UP)
    put("acceptor", "unevictable", [0] + almost)
    put("acceptor", "tombstone",
        opened + craft(0, 8, 1) + (HANG_UP + RESUME + ANSWER + craft(0, 11)) * 3)
    put("acceptor", "strangers", [0] + [0, 0, 1, 0, 2, 0, 3, 0] * 3 + WAIT * 3)
    put("acceptor", "forged", opened + [1, 8, 1, 3, 0] + WAIT)
    put("acceptor", "stalled", [2] + OPEN + ANSWER + [0, 12] + SERVICE_WRITES * 9 + [0, 12] + LOOK * 4)
    for kind in range(13):
        put("acceptor", f"craft-{kind:02}",
            opened + WRITE + ANSWER + craft(0, kind, 3, kind, 1, 3, 9, 200) + LOOK * 2)
    rng = random.Random(1)
    for number in range(6):
        steps = [OPEN, ANSWER, LOOK, HANG_UP, WAIT, RESUME, WRITE, FINISH, SERVICE_WRITES,
                 SERVICE_ENDS, SERVICE_EXITS, SERVICE_TAKES]
        put("acceptor", f"walk-{number}",
            opened + sum((rng.choice(steps) for _ in range(40)), []))


def ambushes():
    dial, fail, down, cut, wait = [0, 1], [0, 0, 0], [3, 0], [6], [7, 11]
    opened = dial + down
    put("initiator", "opened", [0] + opened + [11, 0, 0, 4, 0] + down * 3)
    put("initiator", "conversation",
        [0] + opened + [11, 0, 0, 4, 0] + down + [11, 0, 2] + [12, 0, 0, 4, 0] + down
        + [12, 0, 2, 12, 0, 7, 1] + down + [11, 0, 3] + down * 4 + wait * 4)
    put("initiator", "resume", [0] + opened + cut + wait + dial + down + [11, 0, 0, 4, 0] + down * 2)
    put("initiator", "refused", [1] + fail * 3 + wait)
    put("initiator", "damaged", [0] + dial + [3, 1, 0, 40, 7] + wait * 3)
    put("initiator", "gone", [0] + opened + (cut + wait + dial + [10, 4, 0, 50, 0, 0, 1] + wait * 8) * 3)
    for kind in range(13):
        put("initiator", f"craft-{kind:02}",
            [0] + opened + [11, 0, 0, 4, 0] + down + [8, 0, kind, 3, kind, 1, 3, 9] + down * 2)
    for kind in range(5):
        put("initiator", f"verdict-{kind}", [0] + dial + [10, kind, 0, 40, 0, 9, 1] + wait * 2)


frames()
conversations()
ambushes()
