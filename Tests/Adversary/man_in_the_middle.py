"""Ends TLS with a certificate of its own on both sides, and reads what comes by.

  man_in_the_middle.py PORT    proxy to 127.0.0.1:PORT; says its own port, then what each connection came to
"""
import socket
import ssl
import sys

import tools


def main():
    target, identity = int(sys.argv[1]), tools.stranger()

    def handle(client, number):
        seen = {"up": 0, "down": 0}

        def count(side):
            def note(data):
                seen[side] += len(data)
                return data
            return note

        outcome = "carried"
        try:
            inner = tools.server_context(identity).wrap_socket(client, server_side=True)
            outer = tools.client_context(identity).wrap_socket(socket.create_connection(("127.0.0.1", target), 5))
            tools.both(inner, outer, count("up"), count("down"))
        except (ssl.SSLError, OSError) as error:
            outcome = str(error)
            client.close()
        tools.say(connection=number, outcome=outcome, **seen)

    tools.serve(handle)
    sys.stdin.read()


main()
