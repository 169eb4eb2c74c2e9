"""A small explicit-state model checker.

A model is an initial state and a function from a state to its successors. States are values that
can be hashed (tuples of numbers and strings). All reachable states are visited breadth first, so
the trace of the first violation is a shortest one, and the same model gives the same result each
time.

Two kinds of claims are checked:

- an invariant holds in each state;
- from each state a good one can be reached over steps that are no faults (when faults cease,
  everything finishes). It is checked only when a model was explored completely.
"""

import time
from array import array


class Result:
    """What came of one model: the number of states, and the first violation with its trace."""

    def __init__(self, states, seconds, violation=None, trace=()):
        self.states = states
        self.seconds = seconds
        self.violation = violation
        self.trace = list(trace)


NOT_LIVE = "not live: no good end can be reached without another fault"


def explore(init, step, invariant, good=None, limit=2_000_000):
    """Visits all states until the first violation.

    `step` yields (label, is_fault, state), `invariant` returns what is violated or None, `good`
    tells whether everything is finished. More states than `limit` are an error, never a result.
    """
    start = time.monotonic()
    states, number = [init], {init: 0}
    parent, reason = array("l", [-1]), [None]
    sources, targets = array("l"), array("l")

    def trace(index):
        labels = []
        while parent[index] >= 0:
            labels.append(reason[index])
            index = parent[index]
        return labels[::-1]

    def result(violation=None, index=0):
        seconds = time.monotonic() - start
        return Result(len(states), seconds, violation, trace(index) if violation else ())

    violation = invariant(init)
    if violation:
        return result(violation)
    index = 0
    while index < len(states):
        for label, is_fault, following in step(states[index]):
            found = number.get(following)
            if found is None:
                found = number[following] = len(states)
                states.append(following)
                parent.append(index)
                reason.append(label)
                violation = invariant(following)
                if violation:
                    return result(violation, found)
                if found >= limit:
                    raise RuntimeError(f"more than {limit} states")
            if good is not None and not is_fault:
                sources.append(index)
                targets.append(found)
        index += 1
    if good is not None:
        stuck = _first_stuck(states, sources, targets, good)
        if stuck is not None:
            return result(NOT_LIVE, stuck)
    return result()


def _first_stuck(states, sources, targets, good):
    """The first state from which no good one can be reached, by going backwards from the good."""
    # The edges by their target: those into state i are at first[i] ..< first[i + 1].
    first = array("l", bytes(array("l").itemsize * (len(states) + 1)))
    for target in targets:
        first[target + 1] += 1
    for index in range(len(states)):
        first[index + 1] += first[index]
    place, ordered = array("l", first), array("l", sources)
    for source, target in zip(sources, targets):
        ordered[place[target]] = source
        place[target] += 1
    reaches = bytearray(1 if good(state) else 0 for state in states)
    waiting = [index for index, is_good in enumerate(reaches) if is_good]
    while waiting:
        target = waiting.pop()
        for source in ordered[first[target] : first[target + 1]]:
            if not reaches[source]:
                reaches[source] = 1
                waiting.append(source)
    stuck = reaches.find(0)
    return stuck if stuck >= 0 else None
