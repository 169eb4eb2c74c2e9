"""Sessions and who they belong to. Each command says what was answered.

  identities.py COMMAND PORT [IDENTITY [IDENTITY]]    an identity is a file with a key and a certificate
"""
import secrets
import sys

import tools

wire = tools.wire


def owner(address, context):
    """A client with an attached session."""
    client = tools.Client(address, context)
    client.open()
    return client


def resumption(address, context, victim, keys=None, n=1):
    """What RESUME of the victim's session is answered with on such a connection."""
    client = tools.Client(address, context)
    client.resume(keys or victim.keys, victim.session, victim.opened, n=n)
    return client.answer()


def still_works(client):
    """The victim's session goes on: a byte is echoed."""
    client.send(tools.ftsl_attacks.data(0))
    for _ in range(20):
        answer = client.answer()
        if answer == "DATA":
            return True
        if answer in ("closed", "reset", "silence", "SUPERSEDED") or answer.startswith("VERDICT"):
            return answer
    return "no echo"


def bind(address, first, second):
    """A session over TLS, resumed with its own secret by others; a session in plaintext, resumed over TLS."""
    one, two = tools.client_context(first), tools.client_context(second)
    secured, plain = owner(address, one), owner(address, None)
    # An unrelated secret of the right length.
    wrong = wire.Keys(secrets.token_bytes(32), bytes(32), bytes(32))
    return {
        "tls_from_plaintext": resumption(address, None, secured),
        "tls_from_other_key": resumption(address, two, secured),
        "tls_without_secret": resumption(address, one, secured, wrong),
        "stolen_id_from_plaintext": resumption(address, None, secured, wrong),
        "plaintext_from_tls": resumption(address, one, plain),
        "tls_lives": still_works(secured), "plaintext_lives": still_works(plain),
        "tls_from_own_key": resumption(address, one, secured),
        "plaintext_from_plaintext": resumption(address, None, plain),
    }


def stranger_with_secret(address, first):
    """A listener for trusted keys: the secret alone is worth nothing without the key it belongs to."""
    one, other = tools.client_context(first), tools.client_context(tools.stranger())
    secured = owner(address, one)
    return {
        "from_stranger": resumption(address, other, secured), "from_plaintext": resumption(address, None, secured),
        "lives": still_works(secured), "from_own_key": resumption(address, one, secured),
    }


def ticket(address):
    """A stranger comes back with the TLS session tickets it was given."""
    context, session, answers, reused = tools.client_context(tools.stranger()), None, [], 0
    for _ in range(3):
        client = tools.Client(address, context, session)
        reused += client.sock.session_reused
        client.open(confirm=False)
        answers.append(client.answer())
        session = client.sock.session
        client.sock.close()
    return {"answers": answers, "reused": reused, "tickets": bool(session and session.has_ticket)}


def holding(address, first):
    """TLS stands, OPEN waits for a line of stdin: what became of the permission meanwhile?"""
    client = tools.Client(address, tools.client_context(first))
    tools.say(ready=True)
    sys.stdin.readline()
    client.open(confirm=False)
    return {"answer": client.answer()}


def secret(address, first):
    """An echoed session over TLS, and the secrets that only its two ends know."""
    client = owner(address, tools.client_context(first))
    lives = still_works(client)
    keys = client.keys
    return {"lives": lives, "secrets": [key.hex() for key in (keys.secret, keys.initiator, keys.acceptor)]}


COMMANDS = {"bind": bind, "stranger-with-secret": stranger_with_secret, "ticket": ticket, "holding": holding,
            "secret": secret}
tools.say(**COMMANDS[sys.argv[1]](("127.0.0.1", int(sys.argv[2])), *sys.argv[3:]))
