"""Opening, resuming and taking over, with an attacker that replays and an acceptor that restarts.

One client dials at most three times and sends two bytes. A connection that it has given up stays
open at the acceptor, with what is queued in it. The attacker has recorded every RESUME and PROOF
and plays them at will, over one connection. The application must read an exact prefix, be started
once, and the client must not be displaced by anything that is older or not its own.
"""

from typing import NamedTuple

DIALS, BYTES = 3, 2
ATTACKER = 9  # its connection; those of the client are 0, 1 and 2
NEW, OPENING, UP, DETACHED, RESUMING, GONE = (
    "new", "opening", "up", "detached", "resuming", "gone")
# What a connection is to the acceptor: ("fresh",), ("opened", session), ("closed",),
# ("resumed", session, number, nonce), or ("attached", session).
FRESH, CLOSED = ("fresh",), ("closed",)


class Client(NamedTuple):
    phase: str = NEW
    session: int = -1
    heard: int = 0  # something that shows that the acceptor has bytes
    number: int = 0  # of the attachment
    connection: int = -1
    acknowledged: int = 0


class Session(NamedTuple):
    """At the acceptor."""

    confirmed: int = 0
    number: int = 0
    connection: int = -1
    received: int = 0


class Connection(NamedTuple):
    up: tuple = ()
    down: tuple = ()
    is_open: int = 1  # at the side that dialled
    role: tuple = FRESH


class State(NamedTuple):
    client: Client = Client()
    sessions: tuple = ()  # (name, Session)
    connections: tuple = ()  # (number, Connection)
    recorded: frozenset = frozenset()
    read: tuple = ()  # (session, position) of each byte that an application was given
    starts: int = 0
    restarts: int = 0
    flaw: str = ""
    names: int = 0  # sessions so far


class Opening:
    def __init__(
        self, checks_number_at_proof=True, has_positions=True, resume_confirms=True,
        starts_over=False, restarts=1, has_attacker=True,
    ):
        self.checks_number_at_proof = checks_number_at_proof
        self.has_positions = has_positions  # in DATA; else they are counted
        self.resume_confirms = resume_confirms  # a session whose CONFIRM has not come
        self.starts_over = starts_over  # after 'gone', unless something was heard
        self.restarts = restarts
        self.has_attacker = has_attacker

    def step(self, state):
        yield from self.client_steps(state)
        if self.has_attacker:
            yield from self.attacker_steps(state)
        for number, connection in state.connections:
            if connection.role != CLOSED and connection.up:
                yield self.acceptor_reads(state, number, connection)
        yield from self.acceptor_faults(state)

    # The client

    def client_steps(self, state):
        client = state.client
        dials = sum(number != ATTACKER for number, _ in state.connections)
        if client.phase in (NEW, DETACHED) and dials < DIALS:
            yield self.dial(state, client, dials)
        if client.connection < 0:
            return
        connection = at(state.connections, client.connection)
        phase = NEW if client.session < 0 else DETACHED
        without = client._replace(phase=phase, connection=-1)
        is_over = connection.role == CLOSED and not connection.down
        left = connection._replace(down=(), is_open=0)
        yield f"the client loses connection {client.connection}", not is_over, tidy(
            state._replace(client=without), client.connection, left)
        if connection.up:
            following = state._replace(client=without)
            kind, session = connection.role[0], connection.role[-1]
            if kind == "attached":
                known = at(state.sessions, session)
                if known and known.connection == client.connection:
                    following = with_session(following, session, known._replace(connection=-1))
            yield f"connection {client.connection} is reset, what is queued is lost", 1, tidy(
                following, client.connection, Connection(is_open=0, role=CLOSED))
        if connection.down:
            yield self.client_hears(state, client, connection)

    @staticmethod
    def dial(state, client, number):
        if client.phase == NEW:
            frame = ("OPEN", number)
            client = Client(OPENING, connection=number)
        else:
            frame = ("RESUME", client.session, client.number + 1, number)
            client = client._replace(
                phase=RESUMING, number=client.number + 1, connection=number)
            state = state._replace(recorded=state.recorded | {frame})
        return f"the client dials {number}: {frame[0]}", 0, tidy(
            state._replace(client=client), number, Connection(up=(frame,)))

    def client_hears(self, state, client, connection):
        frame = connection.down[0]
        kind, queued, is_open, flaw = frame[0], (), 1, state.flaw
        if kind == "OPENED" and client.phase == OPENING:
            _, session, nonce, name = frame
            confirm = ("CONFIRM", session, nonce, name)
            queued = (confirm,) + tuple(("DATA", position) for position in range(BYTES))
            client = Client(UP, session, connection=client.connection)
        elif kind == "RESUMED" and client.phase == RESUMING:
            _, session, nonce, name, number, received = frame
            proof = ("PROOF", session, nonce, name, number)
            queued = (proof,) + tuple(("DATA", position) for position in range(received, BYTES))
            client = client._replace(
                phase=UP, heard=1 if received else client.heard,
                acknowledged=max(client.acknowledged, received))
        elif kind == "ACK":
            client = client._replace(heard=1, acknowledged=max(client.acknowledged, frame[1]))
        elif kind == "GONE":
            is_open = 0
            if self.starts_over and not client.heard and not client.acknowledged:
                client = Client()
            else:
                client = client._replace(phase=GONE, connection=-1)
        elif kind == "SUPERSEDED":
            is_open = 0
            client = client._replace(phase=GONE, connection=-1)
            flaw = flaw or "the client is ended as superseded though no other exists"
        recorded = state.recorded | set(queued[:1])
        after = connection._replace(
            up=connection.up + queued, down=connection.down[1:], is_open=is_open)
        number = state.client.connection
        return f"the client hears {kind} on {number}", 0, tidy(
            state._replace(client=client, recorded=recorded, flaw=flaw), number, after)

    # The attacker

    @staticmethod
    def attacker_steps(state):
        own = at(state.connections, ATTACKER)
        frames = sorted(frame for frame in state.recorded if frame[0] in ("RESUME", "PROOF"))
        if own is None:
            for frame in frames:
                if frame[0] == "RESUME":
                    yield f"the attacker plays {frame}", 1, tidy(
                        state, ATTACKER, Connection(up=(frame,)))
        elif own.down and own.is_open:
            for frame in frames:
                if frame[0] == "PROOF":
                    played = own._replace(up=own.up + (frame,), down=())
                    yield f"the attacker plays {frame}", 1, tidy(state, ATTACKER, played)
            yield "the attacker leaves", 0, tidy(
                state, ATTACKER, Connection(is_open=0, role=CLOSED))

    # The acceptor

    def acceptor_reads(self, state, number, connection):
        frame, role = connection.up[0], connection.role
        kind = frame[0]
        answers = ()
        if kind == "OPEN" and role == FRESH:
            name = state.names
            role, answers = ("opened", name), (("OPENED", name, frame[1], number),)
            state = with_session(state, name, Session())._replace(names=name + 1)
        elif kind == "CONFIRM" and role[0] == "opened":
            state, role, answers = self.confirm(state, number, role, frame)
        elif kind == "RESUME" and role == FRESH:
            role, answers = self.resume(state, number, frame)
        elif kind == "PROOF" and role[0] == "resumed":
            state, role = self.prove(state, number, role, frame)
        elif kind == "DATA" and role[0] == "attached":
            session = at(state.sessions, role[1])
            if session and session.connection == number:
                state, answers = self.take(state, role[1], session, frame[1])
        # Taking over has changed other connections, never this one.
        after = Connection(
            connection.up[1:], connection.down + answers if connection.is_open else (),
            connection.is_open, role)
        return f"the acceptor reads {kind} on {number}", 0, tidy(state, number, after)

    @staticmethod
    def confirm(state, number, role, frame):
        session = at(state.sessions, role[1])
        if session and not session.confirmed and (frame[1], frame[3]) == (role[1], number):
            session = session._replace(confirmed=1, connection=number)
            state = with_session(state, role[1], session)._replace(starts=state.starts + 1)
            return state, ("attached", role[1]), ()
        return state, CLOSED, (("GONE",),)

    def resume(self, state, number, frame):
        _, name, attachment, nonce = frame
        session = at(state.sessions, name)
        if not session or not (session.confirmed or self.resume_confirms):
            return CLOSED, (("GONE",),)
        if attachment <= session.number:
            return CLOSED, ()
        answer = ("RESUMED", name, nonce, number, attachment, session.received)
        return ("resumed", name, attachment, nonce), (answer,)

    def prove(self, state, number, role, frame):
        """The switch: this connection is the session's from here on."""
        _, name, attachment, nonce = role
        session = at(state.sessions, name)
        is_right = frame[1:] == (name, nonce, number, attachment)
        is_stale = session and attachment <= session.number
        if not session or not is_right or (is_stale and self.checks_number_at_proof):
            return state, CLOSED
        flaw = state.flaw
        if attachment < session.number:
            flaw = flaw or "an older attachment displaces a newer one"
        if number == ATTACKER:
            flaw = flaw or "the attacker is attached"
        if session.connection not in (-1, number):
            old = at(state.connections, session.connection)
            down = old.down + (("SUPERSEDED",),) if old.is_open else ()
            state = tidy(
                state, session.connection, Connection((), down, old.is_open, CLOSED))
        starts = state.starts + (not session.confirmed)
        session = Session(1, attachment, number, session.received)
        state = with_session(state, name, session)._replace(flaw=flaw, starts=starts)
        return state, ("attached", name)

    def take(self, state, name, session, position):
        if self.has_positions and position < session.received:
            return state, (("ACK", session.received),)
        if self.has_positions and position > session.received:
            return state._replace(flaw=state.flaw or "a gap in the stream"), ()
        received = session.received + 1
        state = with_session(state, name, session._replace(received=received))
        return state._replace(read=state.read + ((name, position),)), (("ACK", received),)

    def acceptor_faults(self, state):
        if state.restarts < self.restarts and state.sessions:
            connections = tuple(
                (number, Connection(
                    (), connection.down if connection.is_open else (), connection.is_open, CLOSED))
                for number, connection in state.connections)
            yield "the acceptor restarts", 1, state._replace(
                sessions=(), connections=connections, restarts=state.restarts + 1)
        for name, session in state.sessions:
            is_awaited = any(
                connection.is_open and connection.role == ("opened", name)
                for _, connection in state.connections)
            if not session.confirmed and not is_awaited:
                rest = tuple(item for item in state.sessions if item[0] != name)
                yield f"session {name} expires unconfirmed", 1, state._replace(sessions=rest)

    # Claims

    @staticmethod
    def invariant(state):
        if state.flaw:
            return state.flaw
        for name in {session for session, _ in state.read}:
            positions = [position for session, position in state.read if session == name]
            if positions != list(range(len(positions))):
                return "the application read no prefix"
        if state.starts > 1:
            return "the application is started twice for one client"
        return None

    @staticmethod
    def good(state):
        client = state.client
        dials = sum(number != ATTACKER for number, _ in state.connections)
        if client.phase == GONE or (client.phase in (NEW, DETACHED) and dials >= DIALS):
            return True  # told, or out of the model's bounds
        return client.phase == UP and client.acknowledged == BYTES


def at(pairs, key):
    for name, value in pairs:
        if name == key:
            return value
    return None


def replaced(pairs, key, value):
    rest = [pair for pair in pairs if pair[0] != key]
    return tuple(sorted(rest + [(key, value)], key=lambda pair: pair[0]))


def with_session(state, name, session):
    return state._replace(sessions=replaced(state.sessions, name, session))


def tidy(state, number, connection):
    """The state with this connection; of one that nobody uses any more only the number is left."""
    is_used = connection.is_open or connection.role[0] == "attached" or (
        connection.role != CLOSED and connection.up)
    if not is_used:
        connection = Connection(is_open=0, role=CLOSED)
    return state._replace(connections=replaced(state.connections, number, connection))


def model(**arguments):
    opening = Opening(**arguments)
    return State(), opening.step, opening.invariant, opening.good


TWICE = "the application is started twice for one client"

# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("positions are counted, not said",
     dict(has_positions=False, checks_number_at_proof=False, resume_confirms=False,
          starts_over=True, restarts=0, has_attacker=False), "the application read no prefix"),
    ("the number of an attachment is checked at RESUME only",
     dict(checks_number_at_proof=False, starts_over=True, restarts=0),
     "an older attachment displaces a newer one"),
    ("RESUME of an unconfirmed session is answered 'gone'",
     dict(resume_confirms=False, starts_over=True, restarts=0), TWICE),
    ("a client starts over after CONFIRM left", dict(starts_over=True), TWICE),
    ("all rules", dict(), None),
]
