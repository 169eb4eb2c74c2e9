"""A producer's lane and an inbox, with kills of either, cuts, and stores brought back from copies.

A label is what the application submitted, a sequence number its place in the outbox. What is on its
way on a lane of a killed sender still arrives. What the sender's application is told must be so at
the inbox, each message is stored at most once, and each gets an outcome or the lane an error.
"""

from typing import NamedTuple

QUEUED, ACCEPTED, REJECTED, EXPIRED = "queued", "accepted", "rejected", "expired"
NO_LANE = -1


class Inbox(NamedTuple):
    """On disk, all of it."""

    identity: int = 1
    cursor: int = 0  # everything up to it is resolved
    stored: tuple = ()  # labels
    chain: tuple = ()  # labels of everything resolved
    rejected: frozenset = frozenset()  # sequences
    newest: int = NO_LANE  # the lane whose frames count, where lanes are fenced


class Lane(NamedTuple):
    up: tuple = ()  # frames on their way to the inbox
    down: tuple = ()
    is_open: int = 1


class State(NamedTuple):
    outbox: tuple = ()  # (label, outcome) of each sequence
    inbox_met: int = 0  # the identity on the sender's disk
    lane: int = NO_LANE  # the sender's newest
    next: int = 0  # the sequence to send now; 0: READY has not come
    lanes: tuple = ()
    inbox: Inbox = Inbox()
    reports: frozenset = frozenset()  # (label, outcome) told to the application
    error: str = ""
    submitted: int = 0
    outbox_copy: tuple = ()  # one (outbox, inbox_met), or nothing
    inbox_copy: tuple = ()
    sender_kills: int = 0
    inbox_kills: int = 0
    outbox_restores: int = 0
    inbox_restores: int = 0
    inbox_remakes: int = 0


def placed(items, index, item):
    return items[:index] + (item,) + items[index + 1 :]


class Lanes:
    def __init__(
        self, messages=3, lanes=3, rejects=(), expires=(), has_chain=False, fences=False,
        tells_rejected=False, kills=1, inbox_kills=1, outbox_restores=0, inbox_restores=0,
        inbox_remakes=0,
    ):
        self.messages, self.lanes = messages, lanes
        self.rejects, self.expires = rejects, expires
        self.has_chain, self.fences, self.tells_rejected = has_chain, fences, tells_rejected
        self.init = State(
            sender_kills=kills, inbox_kills=inbox_kills, outbox_restores=outbox_restores,
            inbox_restores=inbox_restores, inbox_remakes=inbox_remakes)

    def step(self, state):
        yield from self.user_steps(state)
        yield from self.sender_steps(state)
        for i, lane in enumerate(state.lanes):
            if lane.is_open and lane.up:
                yield self.inbox_hears(state, i, lane)
        yield from self.inbox_faults(state)

    # The sender

    @staticmethod
    def oldest(state):
        """The first sequence without an outcome."""
        for i, (_, outcome) in enumerate(state.outbox):
            if outcome == QUEUED:
                return i + 1
        return len(state.outbox) + 1

    def user_steps(self, state):
        if state.submitted < self.messages:
            label = state.submitted
            yield f"message {label} is submitted", 0, state._replace(
                outbox=state.outbox + ((label, QUEUED),), submitted=label + 1)
        if state.outbox_restores:
            if not state.outbox_copy:
                copy = (state.outbox, state.inbox_met)
                yield "the outbox is copied", 0, state._replace(outbox_copy=(copy,))
            else:
                outbox, met = state.outbox_copy[0]
                lanes = tuple(lane._replace(down=()) for lane in state.lanes)
                yield "the outbox is brought back from its copy", 1, state._replace(
                    outbox=outbox, inbox_met=met, lane=NO_LANE, next=0, lanes=lanes,
                    outbox_restores=state.outbox_restores - 1)
        if state.inbox_restores and not state.inbox_copy:
            yield "the inbox is copied", 0, state._replace(inbox_copy=(state.inbox,))

    def sender_steps(self, state):
        if state.lane == NO_LANE:
            if not state.error and len(state.lanes) < self.lanes and state.outbox:
                opened = Lane(up=(("LANE",),))
                yield f"LANE {len(state.lanes)}", 0, state._replace(
                    lane=len(state.lanes), next=0, lanes=state.lanes + (opened,))
            return
        lane = state.lanes[state.lane]
        if state.next and state.next <= len(state.outbox):
            yield from self.send(state, lane)
        if lane.down:
            heard = placed(state.lanes, state.lane, lane._replace(down=lane.down[1:]))
            yield self.sender_hears(state._replace(lanes=heard), lane.down[0])
        elif not lane.is_open:
            yield "the lane is closed", 0, state._replace(lane=NO_LANE, next=0)
        if state.sender_kills:
            silent = placed(state.lanes, state.lane, lane._replace(down=()))
            yield "the sender is killed, or cut", 1, state._replace(
                lane=NO_LANE, next=0, lanes=silent, sender_kills=state.sender_kills - 1)

    def send(self, state, lane):
        sequence = state.next
        label, outcome = state.outbox[sequence - 1]
        kind = "SKIP" if outcome == EXPIRED else "MESSAGE"
        more = lane._replace(up=lane.up + ((kind, sequence, label),))
        yield f"{kind} {sequence}", 0, state._replace(
            next=sequence + 1, lanes=placed(state.lanes, state.lane, more))
        if outcome == QUEUED and label in self.expires:
            yield f"message {label} expires before it is sent", 0, self.resolve(
                state, sequence, EXPIRED)

    @staticmethod
    def resolve(state, sequence, outcome):
        """An outcome, in the outbox and to the application; the first one stands."""
        if sequence > len(state.outbox) or state.outbox[sequence - 1][1] != QUEUED:
            return state
        label = state.outbox[sequence - 1][0]
        return state._replace(
            outbox=placed(state.outbox, sequence - 1, (label, outcome)),
            reports=state.reports | {(label, outcome)})

    def sender_hears(self, state, frame):
        kind = frame[0]
        if kind == "READY":
            return self.ready(state, *frame[1:])
        if kind == "ACCEPTED":
            for sequence in range(1, frame[1] + 1):
                state = self.resolve(state, sequence, ACCEPTED)
        elif kind == "REJECTED":
            state = self.resolve(state, frame[1], REJECTED)
        else:
            state = state._replace(lane=NO_LANE, next=0)
        return f"the sender hears {kind}", 0, state

    def ready(self, state, identity, following, chain, rejected):
        oldest = self.oldest(state)
        error = ""
        if state.inbox_met and state.inbox_met != identity:
            error = "inbox changed"
        elif following < oldest:
            error = "history lost"
        elif following > len(state.outbox) + 1:
            error = "outbox rolled back"
        elif self.has_chain and chain != tuple(
            label for label, _ in state.outbox[: following - 1]
        ):
            error = "outbox rolled back"
        if error:
            return f"READY: {error}", 0, state._replace(error=error)
        for sequence in range(oldest, following):
            is_rejected = self.tells_rejected and sequence in rejected
            state = self.resolve(state, sequence, REJECTED if is_rejected else ACCEPTED)
        return f"READY, next is {following}", 0, state._replace(
            inbox_met=identity, next=following)

    # The inbox

    def inbox_hears(self, state, i, lane):
        inbox, frame = state.inbox, lane.up[0]
        answers, is_open = (), 1
        label = f"the inbox hears {frame[0]} on lane {i}"
        if frame[0] == "LANE":
            if self.fences:
                inbox = inbox._replace(newest=i)
            answers = ((
                "READY", inbox.identity, inbox.cursor + 1, inbox.chain,
                tuple(sorted(inbox.rejected))),)
        elif self.fences and inbox.newest != i:
            answers, is_open = (("SUPERSEDED",),), 0
        elif frame[1] <= inbox.cursor:
            answers = (("ACCEPTED", inbox.cursor),)
        elif frame[1] > inbox.cursor + 1:
            is_open = 0
        else:
            inbox, answers = self.take(inbox, *frame)
            label = f"the inbox resolves {frame[1]} on lane {i}: {answers[0][0]}"
        # Only the newest lane has a sender that listens.
        down = lane.down + answers if i == state.lane else ()
        lanes = placed(state.lanes, i, Lane(lane.up[1:], down, is_open))
        return label, 0, state._replace(inbox=inbox, lanes=lanes)

    def take(self, inbox, kind, sequence, label):
        answers = (("ACCEPTED", sequence),)
        inbox = inbox._replace(cursor=sequence, chain=inbox.chain + (label,))
        if kind == "MESSAGE" and label in self.rejects:
            answers = (("REJECTED", sequence),) + answers
            inbox = inbox._replace(rejected=inbox.rejected | {sequence})
        elif kind == "MESSAGE":
            inbox = inbox._replace(stored=inbox.stored + (label,))
        return inbox, answers

    def inbox_faults(self, state):
        lost = tuple(Lane((), (), 0) for _ in state.lanes)
        if state.inbox_kills:
            left = state.inbox_kills - 1
            answered = tuple(lane._replace(up=(), is_open=0) for lane in state.lanes)
            yield "the inbox is killed", 1, state._replace(lanes=answered, inbox_kills=left)
            yield "the inbox is killed and its answers are lost", 1, state._replace(
                lanes=lost, inbox_kills=left)
        if state.inbox_remakes:
            inbox = Inbox(identity=state.inbox.identity + 1)
            yield "the inbox is made anew", 1, state._replace(
                inbox=inbox, lanes=lost, inbox_remakes=state.inbox_remakes - 1)
        if state.inbox_restores and state.inbox_copy:
            yield "the inbox is brought back from its copy", 1, state._replace(
                inbox=state.inbox_copy[0], lanes=lost, inbox_restores=state.inbox_restores - 1)

    # Claims

    def invariant(self, state):
        stored = state.inbox.stored
        if len(set(stored)) != len(stored):
            return "a message is stored twice"
        # An inbox that was made anew or brought back has lost what it had accepted: not our doing.
        lost = (state.inbox_remakes, state.inbox_restores) != (
            self.init.inbox_remakes, self.init.inbox_restores)
        for label, outcome in state.reports:
            if outcome == ACCEPTED and label not in stored and not lost:
                if label in self.rejects:
                    return "reported accepted, was rejected"
                return "reported accepted, is not stored"
            if outcome in (EXPIRED, REJECTED) and label in stored:
                return f"reported {outcome}, is stored"
        if stored != tuple(sorted(stored)):
            return "the order is lost"
        return None

    def good(self, state):
        if state.error or (len(state.lanes) >= self.lanes and state.lane == NO_LANE):
            return True  # named, or out of the model's bounds
        return state.submitted == self.messages and all(
            outcome != QUEUED for _, outcome in state.outbox)


def model(**arguments):
    lanes = Lanes(**arguments)
    return lanes.init, lanes.step, lanes.invariant, lanes.good


# What the rules say; each mistake takes something away.
RULES = dict(tells_rejected=True, fences=True, has_chain=True)

# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("READY does not tell which messages were rejected",
     dict(rejects=(1,)), "reported accepted, was rejected"),
    ("READY tells them, but old lanes go on",
     dict(rejects=(1,), tells_rejected=True), "reported accepted, was rejected"),
    ("a message expires while an old lane still has it",
     dict(expires=(0,), tells_rejected=True), "reported expired, is stored"),
    ("an outbox from a copy, without a chain",
     dict(tells_rejected=True, fences=True, outbox_restores=1, inbox_kills=0, lanes=2),
     "reported accepted, is not stored"),
    ("all rules, with kills", dict(RULES, rejects=(1,), expires=(0,)), None),
    ("all rules, an outbox from a copy",
     dict(RULES, outbox_restores=1, inbox_kills=0), None),
    ("all rules, an inbox made anew or from a copy",
     dict(RULES, inbox_remakes=1, inbox_restores=1, inbox_kills=0, kills=0, messages=2), None),
]
