"""A proxy that records what clients send, and at a word plays it to the listener again.

  recorder.py PORT    says its port; for each line of stdin replays everything recorded so far, from the start, from
                      the middle, and from every frame where there are frames; then says what was answered
"""
import socket
import sys
import threading

import tools

wire = tools.wire


def starts(data):
    """Where a replay might begin."""
    places = {0, len(data) // 2}
    if data.startswith(wire.PREFACE):
        at = len(wire.PREFACE)
        while at + 4 <= len(data) and len(places) < 12:
            places.add(at)
            at += 4 + int.from_bytes(data[at:at + 4], "big")
    return sorted(places)


def replay(target, data):
    """Sends bytes and reads the answer until the listener closes."""
    with socket.create_connection(("127.0.0.1", target), 5) as sock:
        sock.settimeout(12)
        answer = b""
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while True:
                part = sock.recv(tools.CHUNK)
                if not part:
                    return answer, "closed"
                answer += part
        except socket.timeout:
            return answer, "silence"
        except OSError:
            return answer, "reset"


def main():
    target, recorded, lock = int(sys.argv[1]), [], threading.Lock()

    def handle(client, number):
        server = socket.create_connection(("127.0.0.1", target), 5)
        mine = bytearray()
        with lock:
            recorded.append(mine)

        def note(data):
            mine.extend(data)
            return data
        tools.both(client, server, note)

    tools.serve(handle)
    for _ in sys.stdin:
        with lock:
            copies = [bytes(data) for data in recorded]
        ends, count, attached = {}, 0, 0
        for data in copies:
            for prefix in (b"", wire.PREFACE):
                for start in starts(data):
                    if start == 0 and prefix:
                        continue
                    answer, end = replay(target, prefix + data[start:])
                    count += 1
                    ends[end] = ends.get(end, 0) + 1
                    # An answer beyond the handshake frame would mean that the replay was believed.
                    at = len(wire.PREFACE)
                    if answer.startswith(wire.PREFACE) and len(answer) > at + 4:
                        attached += len(answer) > at + 4 + int.from_bytes(answer[at:at + 4], "big")
        tools.say(recorded=len(copies), replays=count, attached=attached, ends=ends)


main()
