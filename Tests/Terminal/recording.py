"""Sessions recorded by script(1): what a terminal has received, to the byte."""

import os
import re
import subprocess

from terminal import LIMIT, Failed

# A lost connection is told beside the screen: the title is kept (XTWINOPS), set (OSC 2) and given back.
TITLE = rb"(?:\x1b\[22;2t)?\x1b\]2;127\.0\.0\.1:\d+: lost \d+ s\x07|\x1b\[23;2t"
UNFINISHED = rb"\x1b(?:\[[0-?]*)?\Z"


class Recording:
    """A client under script in a window of tmux; what it says about its connections goes elsewhere."""

    def __init__(self, stage, name, endpoint):
        self.output, timing = stage.path(name), stage.path(name + ".timing")
        self.errors = stage.path(name + ".errors")
        self.logs = ["--log-out", self.output, "--log-timing", timing]
        self.terminal = stage.terminal(
            "script", "--quiet", "--return", "--flush", "--log-in", stage.path(name + ".input"), *self.logs,
            "--command", f"{stage.ftsl} connect {endpoint} --exit-status 2> {self.errors}",
            environment={"SHELL": "/bin/sh"})

    def size(self):
        """Bytes until now, with script's own line at the beginning."""
        return os.path.getsize(self.output) if os.path.exists(self.output) else 0

    def told(self, words):
        """How often the client has said so."""
        with open(self.errors) as file:
            return file.read().count(words)

    def received(self):
        """Everything between script's own lines."""
        with open(self.output, "rb") as file:
            found = re.fullmatch(
                rb"Script started on [^\n]*\n(.*)\nScript done on [^\n]*\n", file.read(), re.DOTALL)
        if not found:
            raise Failed("script has not finished its recording")
        return found[1]

    def without_our_titles(self):
        """Each stands between two characters or sequences of the remote program."""
        received = self.received()
        for title in re.finditer(TITLE, received):
            before, after = received[:title.start()][-20:], received[title.end():][:20]
            if re.search(UNFINISHED, before) or after and after[0] & 0xC0 == 0x80:
                raise Failed(f"{title[0]} stands inside: {before} {after}")
        return re.sub(TITLE, b"", received)

    def replayed(self):
        """What scriptreplay writes; it ends with a newline of its own."""
        done = subprocess.run(
            ["scriptreplay", "--maxdelay", "0", *self.logs], capture_output=True, timeout=LIMIT, check=True)
        return done.stdout.removesuffix(b"\n")


def same(left, right):
    """These are long: only the place where they part is shown."""
    if left != right:
        at = len(os.path.commonprefix([left, right]))
        raise Failed(f"from byte {at} of {len(left)} and {len(right)}: {left[at:][:80]} is not {right[at:][:80]}")
