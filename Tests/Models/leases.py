"""One message for a group of two members whose leases are fenced, with a kill of the inbox.

Members lose their connections; DONE and its answer get lost. What a member does counts only under
the newest lease, and each member that said DONE must learn whether it counted.
"""

from typing import NamedTuple

NOBODY = -1
ATTEMPTS = 3


class Inbox(NamedTuple):
    finished: int = 0  # by this member, from 1; 0: not yet
    attempt: int = 0
    holder: int = NOBODY
    starts: int = 1


class Member(NamedTuple):
    phase: str = "idle"  # idle, working, done (said so), settled, refused
    attempt: int = 0
    starts: int = 0


class State(NamedTuple):
    inbox: Inbox = Inbox()
    members: tuple = (Member(), Member())
    lines: tuple = (((), ()), ((), ()))  # of each member: to the inbox, to it; None: cut
    kills: int = 1
    cuts: int = 2
    flaw: str = ""


def placed(items, index, item):
    return items[:index] + (item,) + items[index + 1 :]


def model(attempt_on_disk, answers, token_has_starts=False):
    """`answers`: DONE is answered and repeated until then."""

    def step(state):
        inbox = state.inbox
        if not inbox.finished and inbox.holder == NOBODY and inbox.attempt < ATTEMPTS:
            for i, member in enumerate(state.members):
                if state.lines[i] is not None and member.phase in ("idle", "refused"):
                    yield deliver(state, i)
        if not inbox.finished and inbox.holder != NOBODY:
            yield f"the lease of member {inbox.holder} ends", 0, state._replace(
                inbox=inbox._replace(holder=NOBODY))
        if state.kills:
            attempt = inbox.attempt if attempt_on_disk else 0
            again = inbox._replace(attempt=attempt, holder=NOBODY, starts=inbox.starts + 1)
            yield "the inbox is killed", 1, state._replace(
                inbox=again, lines=(None, None), kills=state.kills - 1)
        for i, line in enumerate(state.lines):
            if line is None:
                yield reconnect(state, i)
                continue
            if state.cuts:
                yield f"member {i} is cut", 1, state._replace(
                    lines=placed(state.lines, i, None), cuts=state.cuts - 1)
            yield from member_steps(state, i, *line)
            if line[0]:
                yield settle(state, i, *line)

    def deliver(state, i):
        inbox = state.inbox._replace(attempt=state.inbox.attempt + 1, holder=i)
        up, down = state.lines[i]
        down += (("DELIVERY", inbox.attempt, inbox.starts),)
        label = f"DELIVERY to member {i}, attempt {inbox.attempt}"
        return label, 0, state._replace(inbox=inbox, lines=placed(state.lines, i, (up, down)))

    def reconnect(state, i):
        """A member repeats its DONE; the holder of a lease is given the message again."""
        inbox, member = state.inbox, state.members[i]
        up = down = ()
        if member.phase == "done":
            up = (("DONE", member.attempt, member.starts),)
        lacks = member.phase in ("idle", "refused") or (
            (member.attempt, member.starts) != (inbox.attempt, inbox.starts))
        if answers and inbox.holder == i and not inbox.finished and lacks:
            down = (("DELIVERY", inbox.attempt, inbox.starts),)
        return f"member {i} reconnects", 0, state._replace(
            lines=placed(state.lines, i, (up, down)))

    def member_steps(state, i, up, down):
        member = state.members[i]
        if member.phase == "working":
            frame = ("DONE", member.attempt, member.starts)
            yield f"member {i} says DONE", 0, state._replace(
                members=placed(state.members, i, member._replace(phase="done")),
                lines=placed(state.lines, i, (up + (frame,), down)))
        if down:
            frame = down[0]
            if frame[0] == "DELIVERY":
                member = Member("working", frame[1], frame[2])
            else:
                member = Member("settled" if frame[0] == "SETTLED" else "refused")
            yield f"member {i} hears {frame[0]}", 0, state._replace(
                members=placed(state.members, i, member),
                lines=placed(state.lines, i, (up, down[1:])))

    def settle(state, i, up, down):
        """The inbox takes a DONE: it counts, or is fenced."""
        inbox, (_, attempt, starts) = state.inbox, up[0]
        flaw = state.flaw
        is_newest = attempt == inbox.attempt and (
            not token_has_starts or attempt_on_disk or starts == inbox.starts)
        if inbox.finished:
            answer = "SETTLED" if inbox.finished == i + 1 else "FENCED"
        elif is_newest:
            if inbox.holder not in (NOBODY, i):
                flaw = "DONE of a stale lease finished what another member holds"
            inbox = Inbox(i + 1, inbox.attempt, NOBODY, inbox.starts)
            answer = "SETTLED"
        else:
            answer = "FENCED"
        if answers:
            down += ((answer,),)
        return f"the inbox takes DONE of member {i}: {answer}", 0, state._replace(
            inbox=inbox, lines=placed(state.lines, i, (up[1:], down)), flaw=flaw)

    def invariant(state):
        return state.flaw or None

    def good(state):
        is_over = state.inbox.finished or state.inbox.attempt >= ATTEMPTS
        return is_over and all(
            member.phase in ("idle", "settled", "refused") for member in state.members)

    return State(), step, invariant, good


# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("attempts in memory only, DONE is not answered",
     dict(attempt_on_disk=False, answers=False), "stale lease"),
    ("attempts on disk, DONE is not answered",
     dict(attempt_on_disk=True, answers=False), "not live"),
    ("attempts on disk, DONE is repeated until it is answered",
     dict(attempt_on_disk=True, answers=True), None),
    ("all rules: attempts in memory, the start counter in the token",
     dict(attempt_on_disk=False, answers=True, token_has_starts=True), None),
]
