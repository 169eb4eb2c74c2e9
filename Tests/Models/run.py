#!/usr/bin/python3
"""Runs all models: those of the rules must hold completely, those of mistakes must be found.

One line for each; status 0 only if all is as expected. With --deep the widest bounds of migration
too, which take minutes.
"""

import gc
import sys
import time

import closing
import credit
import lanes
import leases
import migration
import opening
from mc import explore
from migration import INBOX, STREAM, Migration, describe

# The rules of migration, all at once, within these bounds; `known` has a bit for each endpoint that
# clients know from the beginning.
RULES = [
    dict(hosts=3, migrations=2, kinds=(STREAM,), crashes=1, cuts=1, resolves=1, known=7),
    dict(hosts=3, migrations=2, kinds=(STREAM,), crashes=2, cuts=1),
    dict(hosts=3, migrations=2, kinds=(INBOX,), crashes=2, cuts=1, resolves=1, known=7),
    dict(hosts=3, migrations=2, kinds=(STREAM,), crashes=2, cuts=1, has_heirs=True),
    dict(hosts=3, migrations=2, kinds=(STREAM, STREAM), cuts=1),
    dict(hosts=3, migrations=2, kinds=(STREAM, INBOX), crashes=1),
    dict(hosts=2, migrations=1, kinds=(STREAM, INBOX), crashes=2, cuts=2, resolves=1, known=3),
]
DEEP = [
    dict(hosts=2, migrations=2, kinds=(STREAM, INBOX), crashes=1, cuts=1, resolves=1, known=3),
    dict(hosts=3, migrations=2, kinds=(STREAM, STREAM), crashes=1, resolves=1, known=7),
]

VANISHED = "a session vanished"
GONE = "a client is told 'gone'"
DIFFERS = "diverged, though no operator"
OWNERS = "two hosts serve"
OBEYS = "a client obeys two hosts"

# Each mistake of migration: bounds in which it shows, and what is found.
FOUND = {
    "aborted-while-undecided": (dict(), VANISHED),
    "gone-without-carrier": (dict(cuts=1, known=2), GONE),
    "short-signpost": (dict(), GONE),
    "decision-by-session": (dict(hosts=3, migrations=2), OWNERS),
    "signpost-overwritten": (dict(migrations=2), GONE),
    "image-used-twice": (dict(crashes=1), DIFFERS),
    "positions-only": (dict(resolves=1, cuts=2, known=3), "what a client was told is not so"),
    "serve-while-recovering": (dict(kinds=(INBOX,), crashes=1), DIFFERS),
    "thaw-unrecorded": (dict(kinds=(INBOX,), crashes=1), DIFFERS),
    "decide-after-thaw": (dict(), VANISHED),
    "decision-in-memory": (dict(crashes=1), "a decision is lost"),
    "prepared-in-memory": (dict(crashes=1), "lost after the decision"),
    "activate-undecided": (dict(), OWNERS),
    "recover-unasked": (dict(crashes=1), "lost after the decision"),
    "serve-while-frozen": (dict(), DIFFERS),
    "moves-not-raised": (dict(), "lost after the decision"),
    "starts-not-raised": (dict(kinds=(INBOX,), crashes=1), "not live"),
    "obey-lower": (dict(resolves=1, cuts=2, known=3), OBEYS),
    "obey-equal": (dict(hosts=3, migrations=2, resolves=1, cuts=2, known=7), OBEYS),
    "no-generation-check": (dict(migrations=2), VANISHED),
    # Two rules stand in its way; either is enough.
    "prepared-says-gone": (dict(crashes=1, cuts=1, known=3), None),
    "prepared-says-gone gone-without-carrier": (dict(known=2, cuts=1), GONE),
}

MODULES = [
    ("opening", opening),
    ("closing", closing),
    ("lanes", lanes),
    ("leases", leases),
    ("credit", credit),
]


def bounds(arguments):
    """The bounds of a model in words."""
    kinds = "+".join(arguments.get("kinds", (STREAM,)))
    numbers = [
        f"{arguments[name]} {name}"
        for name in ("hosts", "migrations", "crashes", "cuts", "resolves")
        if name in arguments
    ]
    return ", ".join([kinds] + numbers + ["heirs"] * arguments.get("has_heirs", False))


def runs(is_deep):
    """Each model: (name, its four functions, what must be found, how to say a step)."""
    for name, module in MODULES:
        for what, arguments, expected in module.RUNS:
            yield f"{name}: {what}", module.model(**arguments), expected, str
    models = [(f"rules: {bounds(rules)}", rules, None) for rules in RULES + DEEP * is_deep]
    for names, (arguments, expected) in FOUND.items():
        models.append((names, dict(arguments, mistakes=names.split()), expected))
    for name, arguments, expected in models:
        model = Migration(**arguments)
        parts = (model.init, model.step, model.invariant, model.good)
        yield f"migration: {name}", parts, expected, describe


def main(arguments):
    # States are many and have no cycles: collecting them takes time and frees nothing.
    gc.disable()
    missing = set(migration.MISTAKES) - {name for names in FOUND for name in names.split()}
    assert not missing, missing
    start, total, wrong = time.monotonic(), 0, 0
    for name, parts, expected, words in runs("--deep" in arguments):
        result = explore(*parts)
        total += result.states
        found = result.violation
        is_right = found is None if expected is None else found is not None and expected in found
        wrong += not is_right
        verdict = "ok" if is_right else "WRONG"
        told = f"found: {found}" if found else "holds"
        print(f"{verdict:5} {result.states:7} states {result.seconds:5.1f} s  {name}: {told}")
        if not is_right or "--traces" in arguments:
            for step in result.trace:
                print("        " + words(step))
        sys.stdout.flush()
    print(f"{total} states in {time.monotonic() - start:.0f} s, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
