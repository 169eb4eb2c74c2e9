"""A real terminal for tests: tmux shows what a person would see, and types what a person would type."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

LIMIT = 30


class Failed(Exception):
    pass


def wait(what, condition, limit=LIMIT):
    """Waits until the condition holds; says what was there instead."""
    end = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"no {what} within {limit} s")
        time.sleep(0.01)


def expect(left, right):
    if left != right:
        raise Failed(f"{left!r} is not {right!r}")


class Stage:
    """A private place for one test: folders, environment, programs; all gone at its end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ftsl-terminal-")
        self.ftsl = os.environ["FTSL_BINARY"]
        self.programs = []
        self.terminals = []
        names = {
            "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "XDG_RUNTIME_DIR": "run",
            "HOME": "home",
        }
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("FTSL_", "LC_", "TMUX")) and name != "NO_COLOR"
        }
        self.environment.update(LANG="C.UTF-8", TERM="xterm-256color", INPUTRC="/dev/null")
        for name, folder in names.items():
            path = os.path.join(self.folder, folder)
            os.mkdir(path, 0o700)
            self.environment[name] = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for terminal in self.terminals:
            if error:
                print(terminal.screen(), flush=True)
            terminal.close()
        for program in self.programs:
            program.kill()
            program.wait()
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def listen(self, *options, **more):
        """Starts a listener on any port; its endpoint and its standard output's file."""
        return Listener(self, options, **more)

    def relay(self, endpoint, **more):
        return Relay(self, endpoint, **more)

    def terminal(self, *words, **more):
        return Terminal(self, words, **more)

    def run(self, *words, **more):
        return subprocess.run(
            [self.ftsl, *words], env=self.environment, capture_output=True, text=True,
            timeout=LIMIT, **more)


class Listener:
    def __init__(self, stage, options, endpoint="127.0.0.1:0"):
        number = len(stage.programs)
        self.output = stage.path(f"listener-{number}")
        self.errors = self.output + ".errors"
        self.input, theirs = os.pipe()[::-1]
        reading, writing = os.pipe()
        self.program = subprocess.Popen(
            [stage.ftsl, "listen", endpoint, "--ready-fd", str(writing), *options],
            env=stage.environment, stdin=theirs, stdout=open(self.output, "w"),
            stderr=open(self.errors, "w"), pass_fds=[writing])
        os.close(writing)
        os.close(theirs)
        stage.programs.append(self.program)
        with open(reading) as ready:
            self.endpoint = ready.readline().strip()
        if not self.endpoint:
            raise Failed(open(self.errors).read())

    def say(self, text):
        os.write(self.input, text.encode())

    def heard(self, text):
        wait(f"'{text}' at the listener", lambda: text in self.text())

    def text(self):
        with open(self.output) as file:
            return file.read()


class Relay:
    """Between a client and its listener; can cut, and stay away until told.

    With a rate, the listener's bytes come no faster: so many a second.
    """

    def __init__(self, stage, endpoint, rate=None):
        import socket
        import threading

        host, port = endpoint.rsplit(":", 1)
        self.target = (host, int(port))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.pairs = []
        self.open = True
        self.rate = rate
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        import socket
        import threading

        while True:
            client, _ = self.server.accept()
            if not self.open:
                client.close()
                continue
            try:
                backend = socket.create_connection(self.target)
            except OSError:
                # The test is over, or has ended its listener.
                client.close()
                continue
            self.pairs.append((client, backend))
            for a, b, rate in ((client, backend, None), (backend, client, self.rate)):
                threading.Thread(target=self.carry, args=(a, b, rate), daemon=True).start()

    @staticmethod
    def carry(a, b, rate):
        import socket

        try:
            while data := a.recv(2048 if rate else 65536):
                b.sendall(data)
                if rate:
                    time.sleep(len(data) / rate)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self, back=False):
        import socket

        self.open = back
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()
        self.pairs = []


class Terminal:
    """A window of tmux in which a program runs; its exit status is written to a file."""

    def __init__(self, stage, words, width=80, height=24, environment={}):
        number = len(stage.terminals)
        stage.terminals.append(self)
        self.socket = stage.path(f"tmux-{number}")
        self.status_file = stage.path(f"status-{number}")
        command = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        script = f"{command}; echo $? > {self.status_file}; exec sleep 1000"
        self.environment = {**stage.environment, **environment}
        self.call(
            "new-session", "-d", "-x", str(width), "-y", str(height), script)
        self.call("set-option", "-g", "status", "off")

    def call(self, *words):
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *words], env=self.environment,
            capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"tmux {words}: {done.stderr}")
        return done.stdout

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)

    def type(self, text):
        """Keys as they are, Enter where the text has a newline."""
        for index, part in enumerate(text.split("\n")):
            if index:
                self.keys("Enter")
            if part:
                self.call("send-keys", "-l", "--", part)

    def keys(self, *names):
        self.call("send-keys", *names)

    def paste(self, text):
        """As from a clipboard: bracketed where the program asked for it."""
        done = subprocess.run(
            ["tmux", "-S", self.socket, "load-buffer", "-"], input=text, text=True)
        assert done.returncode == 0
        self.call("paste-buffer", "-p")

    def screen(self, colors=False):
        options = ["-e"] if colors else []
        return self.call("capture-pane", "-p", *options).rstrip("\n")

    def lines(self):
        return self.screen().split("\n")

    def history(self):
        """Everything, also what has scrolled off the screen."""
        return self.call("capture-pane", "-p", "-S", "-").rstrip("\n")

    def cursor(self):
        x, y = self.call("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(x), int(y)

    def title(self):
        """What the window's frame says."""
        return self.call("display-message", "-p", "#{pane_title}").strip()

    def shows(self, text, limit=LIMIT):
        """Waits until the text is somewhere on the screen."""
        wait(f"'{text}' on the screen", lambda: text in self.screen(), limit)

    def last(self, text, limit=LIMIT):
        """Waits until the last line of the screen is this."""
        try:
            wait(f"last line '{text}'", lambda: self.lines()[-1].rstrip() == text.rstrip(), limit)
        except Failed as error:
            raise Failed(f"{error}; it is '{self.lines()[-1]}'")

    def status(self, limit=LIMIT):
        """The exit status, once the program has ended."""
        def read():
            try:
                with open(self.status_file) as file:
                    return file.read().strip()
            except FileNotFoundError:
                return None
        return int(wait("exit status", read, limit))


def local_shell(stage):
    """A shell with job control, and the terminal's modes in the file `before`."""
    with open(stage.path("bashrc"), "w") as file:
        file.write(f"PS1='$ '\nstty -g > {stage.path('before')}\n")
    terminal = stage.terminal("bash", "--rcfile", stage.path("bashrc"))
    terminal.last("$")
    return terminal


def main(tests):
    """Runs the tests that are named, or all."""
    names = sys.argv[1:] or list(tests)
    bad = 0
    for name in names:
        try:
            with Stage() as stage:
                tests[name](stage)
            print(f"ok {name}", flush=True)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            bad += 1
            print(f"FAILED {name}: {error}", flush=True)
    return 1 if bad else 0
