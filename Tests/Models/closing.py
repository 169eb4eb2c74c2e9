"""FIN, acknowledgement, EXIT, ABORT, BYE and the tombstone, with the transport cut at each step.

The initiator redials, the responder cannot. Both ends must come to an end, and one must not call
success what the other calls aborted or has not taken.
"""

from typing import NamedTuple

INITIATOR, RESPONDER = 0, 1
NAMES = ("initiator", "responder")


class End(NamedTuple):
    fin: int = 0  # written
    peer_fin: int = 0  # came
    taken: int = 0  # the application took all, and that is acknowledged
    acknowledged: int = 0  # the own FIN is
    bye: int = 0  # sent
    peer_bye: int = 0  # came
    aborts: int = 0
    peer_aborts: int = 0
    exit: int = 0  # the command's status is known
    outcome: str = ""

    def knows(self):
        """Whether this end may say BYE: it knows its outcome."""
        return self.acknowledged and self.taken and self.exit


class State(NamedTuple):
    ends: tuple = (End(), End())
    line: tuple = None  # frames to the responder, to the initiator; None: no connection
    cuts: int = 0


CUTS = 3


def model(exit_is_state=True, aborter=None, abort_is_limited=True, lingers=False,
          has_tombstone=True, drops_tombstone=False):
    """`aborter`: the end whose application may fail; `lingers`: an end waits for a limited time;
    `drops_tombstone`: as soon as the peer's BYE came."""

    def changed(state, i, end, *frames):
        """The state with this end and, if there is a connection, more frames from it."""
        ends = (end, state.ends[1]) if i == INITIATOR else (state.ends[0], end)
        line = state.line
        if line is not None and frames:
            line = (line[0] + frames, line[1]) if i == INITIATOR else (line[0], line[1] + frames)
        return state._replace(ends=ends, line=line)

    def step(state):
        for i, end in enumerate(state.ends):
            if not end.outcome:
                for label, is_fault, after, frames in end_steps(i, end):
                    yield f"{NAMES[i]}: {label}", is_fault, changed(state, i, after, *frames)
        if state.line is None:
            yield from redial(state)
        else:
            yield from line_steps(state)

    def end_steps(i, end):
        """(what, is it a fault, the end after it, frames)"""
        if not end.fin:
            yield "FIN", 0, end._replace(fin=1), [("FIN",)]
        if end.peer_fin and not end.taken:
            yield "all is taken", 0, end._replace(taken=1), [("ACK",)]
        if i == RESPONDER and end.fin and not end.exit:
            yield "EXIT", 0, end._replace(exit=1), [("EXIT",)]
        if end.knows() and not end.bye:
            yield "BYE", 0, end._replace(bye=1), [("BYE",)]
        success = end._replace(outcome="success")
        if end.bye and end.peer_bye:
            yield "ends", 0, success, []
        if i == RESPONDER and end.bye and has_tombstone:
            yield "leaves a tombstone", 0, success, []
        if lingers and end.bye and not end.peer_bye:
            yield "stops lingering", 1, success, []
        if aborter == i and not end.aborts and not (abort_is_limited and end.taken):
            yield "ABORT", 1, end._replace(aborts=1, outcome="aborted"), [("ABORT",)]

    def told(end, frame):
        """An end after a frame, or after all states of its peer."""
        kind = frame[0]
        if end.outcome in ("aborted", "unknown"):
            return end
        if kind == "FIN":
            end = end._replace(peer_fin=1)
        elif kind == "ACK":
            end = end._replace(acknowledged=1)
        elif kind == "BYE":
            end = end._replace(peer_bye=1)
        elif kind == "EXIT":
            end = end._replace(exit=1)
        elif kind == "ABORT":
            end = end._replace(peer_aborts=1)
        else:
            peer = frame[1]
            end = end._replace(
                peer_fin=end.peer_fin | peer.fin,
                acknowledged=end.acknowledged | peer.taken,
                peer_aborts=end.peer_aborts | peer.aborts,
                peer_bye=end.peer_bye | peer.bye,
                exit=end.exit | (peer.exit if exit_is_state else 0))
        # An end that has said BYE keeps its outcome.
        if end.peer_aborts and not end.outcome and not end.bye:
            end = end._replace(outcome="aborted")
        return end

    def line_steps(state):
        for way, i in ((0, RESPONDER), (1, INITIATOR)):
            if not state.line[way]:
                continue
            frame, end = state.line[way][0], state.ends[i]
            rest = list(state.line)
            rest[way] = rest[way][1:]
            after = state._replace(line=tuple(rest))
            says_bye = frame[0] == "BYE" or frame[0] == "STATES" and frame[1].bye
            if not end.outcome:
                after = changed(after, i, told(end, frame))
            elif drops_tombstone and i == RESPONDER and says_bye:
                after = changed(after, i, end._replace(peer_bye=1))
            yield f"{NAMES[i]} hears {frame[0]}", 0, after
        if state.cuts < CUTS:
            yield "the connection is cut", 1, state._replace(line=None, cuts=state.cuts + 1)
        if state.ends[INITIATOR].outcome and not state.line[0]:
            yield "the connection closes", 0, state._replace(line=None)

    def redial(state):
        initiator, responder = state.ends
        answers = not responder.outcome or (
            has_tombstone and not (drops_tombstone and responder.peer_bye))
        if not answers and drops_tombstone and not initiator.outcome:
            # After its own BYE an end takes 'gone' for the peer's.
            outcome = "success" if initiator.bye else "unknown"
            yield "initiator is told 'gone'", 0, changed(
                state, INITIATOR, initiator._replace(outcome=outcome))
        asks = not initiator.outcome or (initiator.outcome == "aborted" and initiator.aborts)
        if asks and answers and not (initiator.outcome and responder.outcome):
            line = tuple((("STATES", said(end)),) for end in state.ends)
            yield "they resume", 0, state._replace(line=line)

    def said(end):
        """What is told on resuming; the rest of an end is nobody's business."""
        return End(fin=end.fin, taken=end.taken, aborts=end.aborts, bye=end.bye,
                   exit=end.exit if exit_is_state else 0)

    def invariant(state):
        initiator, responder = state.ends
        if initiator.outcome == "unknown":
            return "the initiator ends without knowing how"
        if initiator.outcome == "success" and not responder.taken:
            return "success at the initiator, though the responder had not taken all"
        if responder.outcome == "success" and not initiator.taken:
            return "success at the responder, though the initiator had not taken all"
        if {initiator.outcome, responder.outcome} == {"success", "aborted"}:
            return "the outcomes contradict each other"
        return None

    def good(state):
        return all(end.outcome for end in state.ends)

    return State(), step, invariant, good


CONTRADICTION = "the outcomes contradict each other"

# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("EXIT is an event, not a state", dict(exit_is_state=False), "not live"),
    ("an end that stops lingering leaves the other to its time-out",
     dict(lingers=True), "not live"),
    ("the same without a tombstone", dict(lingers=True, has_tombstone=False), "not live"),
    ("the initiator aborts after its last acknowledgement",
     dict(aborter=INITIATOR, abort_is_limited=False), CONTRADICTION),
    ("the responder aborts after its last acknowledgement",
     dict(aborter=RESPONDER, abort_is_limited=False), CONTRADICTION),
    ("all rules", dict(), None),
    ("all rules, the initiator aborts", dict(aborter=INITIATOR), None),
    ("all rules, the responder aborts", dict(aborter=RESPONDER), None),
    ("all rules, the tombstone is dropped at the peer's BYE", dict(drops_tombstone=True), None),
]
