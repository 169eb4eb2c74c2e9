"""Migration with all its rules at once: sessions move among hosts that crash, an operator forces.

A ticket moves all sessions of a host: freeze, image, prepared, decide, activate, redirect. Messages
between hosts are slow without limit: an image or an answer may come at any later moment, or never,
which is also what a lost link between them looks like. A crash is at once followed by a restart
with nothing but what is on disk; a host that stays away is one whose steps come late.

A session is a stream, which lives in the memory of the host that serves it, or an inbox, whose
content is on disk. Its application takes one request and writes one reply; what the client then
knows must be so at every host that it obeys. The reply carries the host and its generation, so
that replies of two owners differ.

A stream that died with its host after it had moved is known by nobody, but hosts that it moved from
still say 'moved'. By the rule that 'moved' makes a client forget who said 'gone' it ends only with
the session's time-out. `has_heirs` is a rule under which it is told.

Names in MISTAKES are deliberate: each switches one rule off, and must be found.
"""

import re
from typing import NamedTuple

NONE, SERVING, FROZEN, RECOVERING = "none", "serving", "frozen", "recovering"
PREPARED, MOVED, FENCED = "prepared", "moved", "fenced"
STREAM, INBOX = "stream", "inbox"
OK, LOST, DIVERGED, TORN = 0, 1, 2, 3
NOBODY = -1
ABSENT, EMPTY = -1, 0
NAMES = "ABC"

MISTAKES = {
    "aborted-while-undecided": "the source answers 'aborted' before it has decided",
    "prepared-says-gone": "a prepared host answers 'gone' instead of 'later'",
    "gone-without-carrier": "'gone' is final though the last host that served was not asked",
    "short-signpost": "a signpost ends before the session's time-out",
    "decision-by-session": "a target asks about the session, not about its ticket",
    "signpost-overwritten": "a prepared image replaces the 'moved' record instead of joining it",
    "image-used-twice": "an image that was activated is started again after a restart",
    "positions-only": "resuming compares positions, but no digest",
    "serve-while-recovering": "a host that restarts frozen serves before it asked the target",
    "thaw-unrecorded": "a roll-back is not written to disk",
    "decide-after-thaw": "a late answer of the target decides a ticket that was rolled back",
    "decision-in-memory": "the target is told of a decision that is not on disk",
    "prepared-in-memory": "the target confirms an image that is not on disk",
    "activate-undecided": "a prepared host activates by itself",
    "recover-unasked": "a host that restarts frozen decides without asking the target",
    "serve-while-frozen": "the source goes on serving after the image was taken",
    "moves-not-raised": "activation keeps the generation of the source",
    "starts-not-raised": "a restart keeps the generation of the life before",
    "obey-lower": "a client obeys a host of a lower generation than one it has proven",
    "obey-equal": "a client obeys another instance of the generation it has proven",
    "no-generation-check": "a target takes an image whatever it holds itself",
}


class Host(NamedTuple):
    """One host: what it is to the sessions, its generation, and the ticket it has to do with."""

    state: str = NONE
    moves: int = 0
    starts: int = 0
    ticket: int = 0
    peer: int = NOBODY  # where it moves or moved to; while prepared: where the image came from
    beside: tuple = ()  # the Host record that a prepared image must not hide
    disk: tuple = ()  # what a restart finds, where a mistake makes it differ from memory
    life: int = 0  # which life of the process; part of the instance


class Client(NamedTuple):
    """One client: where it is attached, what it has proven, what it knows."""

    at: int = 0
    moves: int = 1
    starts: int = 0
    instance: int = 0  # host + 4 * life
    reply: int = EMPTY
    known: int = 1  # a bit for each endpoint
    gone: int = 0  # a bit for each endpoint that said 'gone' in this pass
    end: int = OK
    heir: int = NOBODY  # the host of the highest generation that a 'moved' has named in this pass
    heir_moves: int = 0


class Image(NamedTuple):
    ticket: int
    source: int
    target: int
    moves: int
    data: tuple  # of each session


class State(NamedTuple):
    hosts: tuple
    sessions: tuple  # of (Client, data at each host)
    images: tuple  # on their way
    acks: int = 0  # a bit for each ticket whose target confirmed the image
    tickets: int = 0
    decided: tuple = ()  # a ghost: (ticket, source, target, moves) of each decision
    crashes: int = 0
    cuts: int = 0
    forced: int = 0
    expired: int = 0


class Migration:
    """The model within its bounds: how many hosts, migrations, crashes, lost links, resolves."""

    def __init__(
        self,
        hosts=2,
        kinds=(STREAM,),
        migrations=1,
        crashes=0,
        cuts=0,
        resolves=0,
        known=1,
        has_heirs=False,
        mistakes=(),
    ):
        for name in mistakes:
            assert name in MISTAKES, name
        self.count, self.kinds, self.migrations = hosts, kinds, migrations
        self.crashes, self.cuts, self.resolves = crashes, cuts, resolves
        self.has_heirs = has_heirs
        self.mistakes = frozenset(mistakes)
        self.has_inbox = INBOX in kinds
        self.is_symmetric = len(kinds) == 2 and kinds[0] == kinds[1]
        nowhere = (ABSENT,) * (hosts - 1)
        self.init = State(
            (Host(SERVING, 1),) + (Host(),) * (hosts - 1),
            ((Client(known=known), (EMPTY,) + nowhere),) * len(kinds),
            (),
        )

    # Pieces

    def canonical(self, state):
        """Two sessions of one kind are the same to the rules: only one order is explored."""
        if not self.is_symmetric:
            return state
        one = (state.sessions[0], tuple(image.data[0] for image in state.images))
        other = (state.sessions[1], tuple(image.data[1] for image in state.images))
        if one <= other:
            return state
        images = tuple(image._replace(data=image.data[::-1]) for image in state.images)
        return state._replace(sessions=state.sessions[::-1], images=images)

    def is_attached(self, state, client, data):
        """Whether the attachment is one to what the host serves or freezes now."""
        host = state.hosts[client.at]
        return (
            (self.serves(host) or host.state == FROZEN)
            and data[client.at] != ABSENT
            and (host.moves, host.starts) == (client.moves, client.starts)
        )

    def serves(self, host):
        return host.state == SERVING or (
            host.state == RECOVERING and "serve-while-recovering" in self.mistakes
        )

    def answer(self, state, asking):
        """What the source says when a prepared host asks about its ticket."""
        source = state.hosts[asking.peer]
        if "decision-by-session" in self.mistakes:
            if source.state == MOVED and source.moves >= asking.moves:
                return "moved"
        elif any(
            record.state == MOVED and record.ticket == asking.ticket
            for record in (source,) + source.beside
        ):
            return "moved"
        if source.state in (FROZEN, RECOVERING) and source.ticket == asking.ticket:
            return "aborted" if "aborted-while-undecided" in self.mistakes else "undecided"
        return "aborted"

    def holds(self, state, x, data):
        """Whether a session goes on, or can, from what this host holds of it."""
        host = state.hosts[x]
        if data[x] == ABSENT:
            return False
        if host.state == PREPARED:
            return self.answer(state, host) != "aborted"
        return host.state in (SERVING, FROZEN, RECOVERING)

    # Steps

    def step(self, state):
        for x in range(self.count):
            for label, is_fault, following in self.host_steps(state, x, state.hosts[x]):
                yield label, is_fault, self.canonical(following)
        for image in state.images:
            following = self.store(state, image)
            if following:
                yield ("@ stores the image of ticket #", image.target, image.ticket), 0, (
                    self.canonical(following)
                )
        for i, (client, data) in enumerate(state.sessions):
            if client.end == OK:
                steps = self.attached if client.at != NOBODY else self.detached
                for label, is_fault, following in steps(state, i, client, data):
                    yield label, is_fault, self.canonical(following)

    def host_steps(self, state, x, host):
        kind = host.state
        if self.serves(host) or (kind == FROZEN and "serve-while-frozen" in self.mistakes):
            for i, (client, data) in enumerate(state.sessions):
                # A command writes when it likes; a message comes over an attachment.
                if data[x] == EMPTY and (client.at == x or self.kinds[i] == STREAM):
                    reply = 1 + x + 4 * host.moves
                    yield ("@ serves client #", x, i + 1), 0, put(state, i, x, reply)
        if kind == SERVING:
            yield from self.freeze(state, x, host)
            if "decide-after-thaw" in self.mistakes and state.acks >> host.ticket & 1:
                if host.peer != NOBODY:
                    yield ("@ decides ticket #", x, host.ticket), 0, self.decide(state, x, host)
        if kind in (FROZEN, RECOVERING):
            yield from self.end_of_freeze(state, x, host)
        if kind == PREPARED:
            yield from self.end_of_prepared(state, x, host)
        if (
            kind == MOVED
            and "short-signpost" in self.mistakes
            and not (
                state.expired
                or any(
                    other.ticket == host.ticket and other.state == PREPARED for other in state.hosts
                )
            )
        ):
            following = change(state, x, Host(life=host.life))
            yield ("@ drops its signpost", x), 0, following._replace(expired=1)
        if state.crashes < self.crashes:
            yield ("@ crashes and starts again", x), 1, self.restart(state, x, host)

    def freeze(self, state, x, host):
        taken = tuple(data[x] for _, data in state.sessions)
        if state.tickets == self.migrations or max(taken) == ABSENT:
            return
        ticket = state.tickets + 1
        for y in range(self.count):
            if y == x:
                continue
            frozen = host._replace(state=FROZEN, ticket=ticket, peer=y)
            images = tuple(sorted(state.images + (Image(ticket, x, y, host.moves, taken),)))
            following = change(state, x, frozen)._replace(tickets=ticket, images=images)
            yield ("@ freezes for @, ticket #", x, y, ticket), 0, following

    def end_of_freeze(self, state, x, host):
        target = state.hosts[host.peer]
        if host.state == FROZEN:
            may = state.acks >> host.ticket & 1
        else:
            # It asks the target, which holds the image or was forced to activate it.
            may = target.state in (PREPARED, SERVING) and target.ticket == host.ticket
        if may or (host.state == RECOVERING and "recover-unasked" in self.mistakes):
            yield ("@ decides ticket #", x, host.ticket), 0, self.decide(state, x, host)
        thawed = host._replace(state=SERVING, ticket=0, peer=NOBODY)
        if "thaw-unrecorded" in self.mistakes:
            thawed = thawed._replace(disk=(host,))
        if "decide-after-thaw" in self.mistakes:
            thawed = host._replace(state=SERVING)
        yield ("@ rolls ticket # back", x, host.ticket), 0, change(state, x, thawed)

    def decide(self, state, x, host):
        moved = Host(MOVED, host.moves + 1, 0, host.ticket, host.peer, life=host.life)
        if "decision-in-memory" in self.mistakes:
            moved = moved._replace(disk=(host,))
        decision = (host.ticket, x, host.peer, host.moves)
        following = change(state, x, moved)._replace(decided=state.decided + (decision,))
        return put_all(following, x, [ABSENT] * len(self.kinds))

    def store(self, state, image):
        """The target takes the image, if its generation exceeds all that is recorded there."""
        host = state.hosts[image.target]
        is_new = host.state in (NONE, MOVED, FENCED) and image.moves + 1 > host.moves
        if "no-generation-check" in self.mistakes:
            is_new = host.state != PREPARED
        if state.acks >> image.ticket & 1 or not is_new:
            return None
        beside = (host,) if host.state in (MOVED, FENCED) else ()
        if "signpost-overwritten" in self.mistakes:
            beside = ()
        prepared = Host(
            PREPARED, image.moves + 1, 0, image.ticket, image.source, beside, life=host.life
        )
        if "moves-not-raised" in self.mistakes:
            prepared = prepared._replace(moves=image.moves)
        if "prepared-in-memory" in self.mistakes:
            prepared = prepared._replace(disk=(host,))
        following = change(state, image.target, prepared)
        following = following._replace(acks=state.acks | 1 << image.ticket)
        if "image-used-twice" not in self.mistakes:
            rest = tuple(other for other in state.images if other != image)
            following = following._replace(images=rest)
        return put_all(following, image.target, image.data)

    def end_of_prepared(self, state, x, host):
        serving = Host(SERVING, host.moves, 0, host.ticket, life=host.life)
        answer = self.answer(state, host)
        if answer == "moved" or "activate-undecided" in self.mistakes:
            yield ("@ activates ticket #", x, host.ticket), 0, change(state, x, serving)
        elif answer == "aborted":
            left = host.beside[0] if host.beside else Host()
            following = change(state, x, left._replace(life=host.life))
            following = put_all(following, x, [ABSENT] * len(self.kinds))
            yield ("@ hears that ticket # was aborted", x, host.ticket), 0, following
        if state.forced < self.resolves:
            following = change(state, x, serving)._replace(forced=state.forced + 1)
            yield ("the operator activates ticket # at @", host.ticket, x), 1, following

    def restart(self, state, x, host):
        """Only what is on disk is left: records, images, and what inboxes hold."""
        record = host.disk[0] if host.disk else host
        kind = RECOVERING if record.state == FROZEN else record.state
        is_again = kind in (SERVING, RECOVERING) and self.has_inbox
        raised = is_again and "starts-not-raised" not in self.mistakes
        starts = record.starts + (1 if raised else 0)
        life = host.life + (1 if is_again else 0)
        following = change(state, x, record._replace(state=kind, starts=starts, life=life, disk=()))
        following = following._replace(crashes=state.crashes + 1)
        images = [image for image in state.images if image.ticket == host.ticket]
        sessions = []
        for i, (client, data) in enumerate(state.sessions):
            left = data[x]
            if self.kinds[i] == STREAM and host.state in (SERVING, FROZEN):
                left = ABSENT
            if host.state == PREPARED and host.disk:
                left = ABSENT
            if "image-used-twice" in self.mistakes and host.state == SERVING and images:
                if images[0].target == x:
                    left = images[0].data[i]
            if client.at == x:
                client = client._replace(at=NOBODY)
            sessions.append((client, data[:x] + (left,) + data[x + 1 :]))
        return following._replace(sessions=tuple(sessions))

    def attached(self, state, i, client, data):
        x = client.at
        host = state.hosts[x]
        free = forget(client._replace(at=NOBODY))
        is_attached = self.is_attached(state, client, data)
        is_silent = host.state == FROZEN and "serve-while-frozen" not in self.mistakes
        if is_attached and not is_silent and client.reply == EMPTY and data[x] > EMPTY:
            yield ("client # hears from @", i + 1, x), 0, with_client(
                state, i, client._replace(reply=data[x])
            )
        if host.state == MOVED:
            told = free._replace(known=client.known | 1 << host.peer)
            yield ("client # is redirected to @", i + 1, host.peer), 0, (
                with_client(state, i, told)
            )
        if not is_attached:
            yield ("client # loses @", i + 1, x), 0, with_client(state, i, free)
        elif state.cuts < self.cuts:
            following = with_client(state, i, free)._replace(cuts=state.cuts + 1)
            yield ("the link of client # is cut", i + 1), 1, following

    def detached(self, state, i, client, data):
        for x in range(self.count):
            if not client.known >> x & 1:
                continue
            host = state.hosts[x]
            if self.serves(host) and data[x] != ABSENT:
                yield from self.resume(state, i, client, data, x)
            elif host.state in (MOVED, FENCED) and host.peer != NOBODY:
                told = self.sent_on(client, self.kinds[i], x, host)
                if told != client:
                    label = ("@ sends client # on to @", x, i + 1, host.peer)
                    yield label, 0, with_client(state, i, told)
            elif host.state in (NONE, SERVING) or (
                host.state == PREPARED and "prepared-says-gone" in self.mistakes
            ):
                yield from self.hear_gone(state, i, client, x)
            elif client.gone:
                label = ("@ tells client # to come later", x, i + 1)
                yield label, 0, with_client(state, i, forget(client))

    def sent_on(self, client, kind, x, host):
        """A client that was told 'moved'. It forgets who said 'gone'.

        With heirs it does so only for a higher generation than any it has heard of: the host that
        serves it takes the place of the last one that served. Otherwise 'moved' counts as 'gone',
        for this host does not serve the session either.
        """
        client = client._replace(known=client.known | 1 << host.peer)
        if not self.has_heirs or kind == INBOX:
            return forget(client)
        if host.state == MOVED and host.moves > (client.heir_moves or client.moves):
            client = client._replace(gone=0, heir=host.peer, heir_moves=host.moves)
        return self.without(client, x)

    def hear_gone(self, state, i, client, x):
        # A lane goes on asking: only a stream ends because nobody knows it any more.
        if self.kinds[i] == STREAM and not client.gone >> x & 1:
            label = ("@ tells client # that its session is gone", x, i + 1)
            yield label, 0, with_client(state, i, self.without(client, x))

    def without(self, client, x):
        """A client that knows that this host does not have its session; it may be the last."""
        client = client._replace(gone=client.gone | 1 << x)
        asked = client.known
        if "gone-without-carrier" not in self.mistakes:
            asked |= 1 << (client.heir if client.heir != NOBODY else client.instance % 4)
        return client._replace(end=LOST) if client.gone & asked == asked else client

    def resume(self, state, i, client, data, x):
        host = state.hosts[x]
        instance = x + 4 * host.life
        offered, proven = (host.moves, host.starts), (client.moves, client.starts)
        is_other = offered == proven and instance != client.instance
        if offered < proven and "obey-lower" not in self.mistakes:
            if state.forced and self.serves(host):
                # The client carries the proof that the ticket was activated elsewhere.
                fenced = Host(FENCED, host.moves, peer=client.instance % 4, life=host.life)
                following = put_all(change(state, x, fenced), x, [ABSENT] * len(self.kinds))
                yield ("client # shows @ that it is fenced", i + 1, x), 0, following
            return
        if is_other and "obey-equal" not in self.mistakes:
            return
        differs = client.reply != EMPTY and client.reply != data[x]
        if "positions-only" in self.mistakes:
            differs = client.reply != EMPTY and data[x] == EMPTY
        if differs:
            end = client._replace(end=DIVERGED, gone=0)
            yield ("client # finds that @ has diverged", i + 1, x), 0, with_client(state, i, end)
            return
        end = TORN if offered < proven or is_other else OK
        there = Client(x, host.moves, host.starts, instance, client.reply, client.known, 0, end)
        yield ("client # resumes at @", i + 1, x), 0, with_client(state, i, there)

    # Claims

    def invariant(self, state):
        hosts = state.hosts
        for i, (client, data) in enumerate(state.sessions):
            if client.end == TORN:
                return "a client obeys two hosts"
            is_attached = client.at != NOBODY and self.is_attached(state, client, data)
            if is_attached and client.reply not in (EMPTY, data[client.at]):
                return "what a client was told is not so at the host that it obeys"
            if client.end == DIVERGED and not state.forced:
                return "diverged, though no operator forced anything"
            lives = any(self.holds(state, x, data) for x in range(self.count))
            if not state.crashes and not state.forced:
                if client.end == LOST:
                    return "a client is told 'gone' though nothing crashed"
                if not lives:
                    return "a session vanished though nothing crashed"
            if client.end == LOST and lives and not state.forced:
                return "a client is told 'gone' though its session lives"
        for ticket, source, target, moves in state.decided:
            decider, chosen = hosts[source], hosts[target]
            if decider.state in (SERVING, FROZEN, RECOVERING) and decider.moves <= moves:
                return "a decision is lost"
            if chosen.state == PREPARED and chosen.ticket == ticket:
                if self.answer(state, chosen) != "moved":
                    return "a decision is lost"
            if not any(
                host.state in (PREPARED, SERVING, FROZEN, RECOVERING) and host.moves > moves
                for host in hosts
            ):
                return "a session is lost after the decision"
        if not state.forced:
            owners = [
                x
                for x, host in enumerate(hosts)
                if self.serves(host) and any(data[x] != ABSENT for _, data in state.sessions)
            ]
            if len(owners) > 1:
                return "two hosts serve though no operator forced anything"
        return None

    def leads(self, state, known):
        """The hosts that a client finds from those it knows, each as a bit."""
        for _ in state.hosts:
            for x, host in enumerate(state.hosts):
                if known >> x & 1 and host.state in (MOVED, FENCED) and host.peer != NOBODY:
                    known |= 1 << host.peer
        return known

    def good(self, state):
        """Each client has its reply, or was told an end, or nobody holds what it may obey.

        In the last case the session's time-out tells it; with heirs streams are told sooner.
        """
        for kind, (client, data) in zip(self.kinds, state.sessions):
            if client.end != OK:
                continue
            if client.at != NOBODY and client.reply and self.is_attached(state, client, data):
                if state.hosts[client.at].state == SERVING:
                    continue
            if self.has_heirs and kind == STREAM:
                return False
            for x, host in enumerate(state.hosts):
                if not self.holds(state, x, data):
                    continue
                # What an operator forced may be where no one leads this client.
                if state.forced and not self.leads(state, client.known) >> x & 1:
                    continue
                offered, proven = (host.moves, host.starts), (client.moves, client.starts)
                same = x + 4 * host.life == client.instance
                refused = offered < proven or (offered == proven and not same)
                if not (state.forced and refused):
                    return False
        return True


def describe(label):
    """A step in words: in its template @ stands for a host and # for a number."""
    arguments = iter(label[1:])
    return re.sub(
        "[@#]",
        lambda mark: (NAMES[next(arguments)] if mark.group() == "@" else str(next(arguments))),
        label[0],
    )


def forget(client):
    """A client that begins a pass anew."""
    return client._replace(gone=0, heir=NOBODY, heir_moves=0)


def change(state, x, host):
    hosts = state.hosts
    return state._replace(hosts=hosts[:x] + (host,) + hosts[x + 1 :])


def put(state, i, x, value):
    client, data = state.sessions[i]
    session = (client, data[:x] + (value,) + data[x + 1 :])
    return state._replace(sessions=state.sessions[:i] + (session,) + state.sessions[i + 1 :])


def put_all(state, x, values):
    sessions = tuple(
        (client, data[:x] + (value,) + data[x + 1 :])
        for (client, data), value in zip(state.sessions, values)
    )
    return state._replace(sessions=sessions)


def with_client(state, i, client):
    session = (client, state.sessions[i][1])
    return state._replace(sessions=state.sessions[:i] + (session,) + state.sessions[i + 1 :])
