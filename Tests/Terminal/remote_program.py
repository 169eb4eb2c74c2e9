"""Programs at the other end that have the terminal of a client."""

import subprocess

from terminal import expect, local_shell

BASH = "PS1='remote$ ' exec bash --norc --noprofile"


def remote(stage, *options, command=BASH):
    return stage.listen("--pty", "-k", "--exec", command, *options)


def connected(stage, listener, *options, **more):
    terminal = stage.terminal(stage.ftsl, "connect", listener.endpoint, *options, **more)
    terminal.last("remote$")
    return terminal


def inside(stage, listener, *options):
    """A client in a local shell with job control."""
    terminal = local_shell(stage)
    terminal.type(" ".join([stage.ftsl, "connect", listener.endpoint, *options]) + "\n")
    terminal.last("remote$")
    return terminal


def client(listener):
    found = subprocess.check_output(
        ["pgrep", "-f", f"ftsl connect {listener.endpoint}"], text=True).split()
    return int(found[-1])


def restored(stage, terminal):
    """The local shell has its terminal as it was."""
    terminal.type(f"stty -g > {stage.path('after')}; echo re''ady\n")
    terminal.shows("ready")
    expect(open(stage.path("after")).read(), open(stage.path("before")).read())
    flags = terminal.call("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}")
    expect(flags.strip(), "0 1 0")
