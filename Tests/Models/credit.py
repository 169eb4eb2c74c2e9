"""STOP, credit and FIN: a writer of three units with a window of one, and a reader that goes away.

The reader's application may close at any time, and the transport is cut at most twice. The writer
must come to its end.
"""

from typing import NamedTuple

UNITS, WINDOW = 3, 1
FORWARD, BACK = 0, 1


class Writer(NamedTuple):
    sent: int = 0
    acknowledged: int = 0
    credit: int = WINDOW
    stopped: int = 0  # STOP came
    fin: int = 0  # FIN was sent
    done: int = 0  # FIN is acknowledged


class Reader(NamedTuple):
    received: int = 0
    taken: int = 0
    gone: int = 0  # the application closed
    fin: int = 0  # FIN came


class State(NamedTuple):
    writer: Writer = Writer()
    reader: Reader = Reader()
    line: tuple = ((), ())  # frames on their way, forward and back; None while cut
    cuts: int = 2


def put(line, way, *frames):
    """The line with more frames on it."""
    return (line[FORWARD] + frames, line[BACK]) if way == FORWARD else (
        line[FORWARD], line[BACK] + frames)


def model(is_state, drains, fin_needs_credit=False):
    """`is_state`: STOP is restated on resuming; `drains`: a gone reader discards and answers."""

    def step(state):
        if state.line is None:
            yield "they resume", 0, resume(state)
            return
        yield from write(state)
        yield from read(state)
        if state.line[FORWARD]:
            yield from reader_hears(state, state.line[FORWARD][0])
        if state.line[BACK]:
            yield from writer_hears(state, state.line[BACK][0])
        if state.cuts:
            yield "the connection is cut", 1, state._replace(line=None, cuts=state.cuts - 1)

    def write(state):
        writer, _, line, _ = state
        has_credit = writer.sent < writer.credit
        if not writer.stopped and writer.sent < UNITS and has_credit:
            yield f"unit {writer.sent} is sent", 0, state._replace(
                writer=writer._replace(sent=writer.sent + 1),
                line=put(line, FORWARD, ("DATA", writer.sent)))
        is_over = writer.sent == UNITS or writer.stopped
        if is_over and not writer.fin and (has_credit or not fin_needs_credit):
            yield f"FIN is sent at {writer.sent}", 0, state._replace(
                writer=writer._replace(fin=1),
                line=put(line, FORWARD, ("FIN", writer.sent, writer.stopped)))

    def read(state):
        _, reader, line, _ = state
        if reader.gone:
            return
        if reader.taken < reader.received:
            yield f"unit {reader.taken} is taken", 0, state._replace(
                reader=reader._replace(taken=reader.taken + 1),
                line=put(line, BACK, ("ACK", reader.taken + 1)))
        if reader.fin and reader.taken == reader.received and ("ACK of FIN",) not in line[BACK]:
            yield "FIN is acknowledged", 0, state._replace(line=put(line, BACK, ("ACK of FIN",)))
        answers = [("STOP",)]
        if drains:
            answers.append(("ACK", reader.received))
            if reader.fin:
                answers.append(("ACK of FIN",))
        yield "the reader's application closes", 0, state._replace(
            reader=reader._replace(gone=1), line=put(line, BACK, *answers))

    def reader_hears(state, frame):
        reader = state.reader
        line = (state.line[FORWARD][1:], state.line[BACK])
        discards = reader.gone and drains
        if frame[0] == "FIN":
            if discards:
                line = put(line, BACK, ("ACK of FIN",))
            yield "FIN comes", 0, state._replace(reader=reader._replace(fin=1), line=line)
        elif frame[1] < reader.received:
            yield f"unit {frame[1]} comes again", 0, state._replace(line=line)
        else:
            if discards:
                line = put(line, BACK, ("ACK", reader.received + 1))
            yield f"unit {frame[1]} comes", 0, state._replace(
                reader=reader._replace(received=reader.received + 1), line=line)

    def writer_hears(state, frame):
        writer = state.writer
        if frame[0] == "ACK":
            writer = writer._replace(
                acknowledged=max(writer.acknowledged, frame[1]),
                credit=max(writer.credit, frame[1] + WINDOW))
        elif frame[0] == "STOP":
            writer = writer._replace(stopped=1)
        else:
            writer = writer._replace(done=1)
        line = (state.line[FORWARD], state.line[BACK][1:])
        yield f"the writer hears {frame}", 0, state._replace(writer=writer, line=line)

    def resume(state):
        """Positions and states are told anew; what the reader does not have is sent again."""
        writer, reader = state.writer, state.reader
        discards = reader.gone and drains
        told = [("ACK", reader.received if discards else reader.taken)]
        if is_state and reader.gone:
            told.append(("STOP",))
        if reader.fin and discards:
            told.append(("ACK of FIN",))
        fin = writer.fin if reader.fin else 0
        return state._replace(
            writer=writer._replace(sent=reader.received, fin=fin), line=((), tuple(told)))

    return State(), step, lambda state: None, lambda state: state.writer.done


# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("STOP is an event, not a state", dict(is_state=False, drains=False), "not live"),
    ("a reader that went away does not acknowledge", dict(is_state=True, drains=False), "not live"),
    ("FIN needs credit", dict(is_state=True, drains=True, fin_needs_credit=True), None),
    ("all rules", dict(is_state=True, drains=True), None),
]
