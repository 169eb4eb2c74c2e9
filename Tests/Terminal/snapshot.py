"""Screens that are checked in: what a person sees, compared as a whole."""

import difflib
import os
import re

from terminal import Failed, wait

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "snapshots")


def normalise(screen):
    """Puts names where each run has something else; ports are numbered as they appear."""
    ports = {}

    def port(found):
        return f"127.0.0.1:<PORT {ports.setdefault(found[1], len(ports) + 1)}>"
    screen = re.sub(r"127\.0\.0\.1:(\d+)", port, screen)
    screen = re.sub(r"\(lost \d+ s\)", "(lost <TIME>)", screen)
    screen = re.sub(r" after \d+\.\d+ s,", " after <TIME>,", screen)
    # Closed or reset: the network decides.
    screen = re.sub(r"(lost the connection to [^(]*) \([^)]*\)", r"\1 (<REASON>)", screen)
    return screen + "\n"


def matches(terminal, name):
    """Waits for the screen of this name; FTSL_REGENERATE=1 writes the one that is there."""
    file = os.path.join(FOLDER, name + ".txt")
    if os.environ.get("FTSL_REGENERATE") == "1":
        with open(file, "w") as snapshot:
            snapshot.write(normalise(terminal.screen()))
        return
    with open(file) as snapshot:
        wanted = snapshot.read()
    try:
        wait(f"screen as in {file}", lambda: normalise(terminal.screen()) == wanted)
    except Failed as error:
        lines = [text.splitlines(keepends=True) for text in (wanted, normalise(terminal.screen()))]
        difference = difflib.unified_diff(*lines, file, "the screen")
        raise Failed(f"{error}; FTSL_REGENERATE=1 writes it anew\n{''.join(difference)}")
