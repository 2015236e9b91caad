#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What a pipe leads to, or pretends to be one: prints "port N", and plays this for each connection.

usage: pipe_target.py echo | count | greet | impostor | close | silent | peer

echo      what comes goes back, until it ends
count     all that comes is counted; when it has ended, so many bytes are said
greet     says welcome, ends its half, and prints what comes
impostor  speaks a pipe's handshake without the key, and prints how many bytes it was given
close     closes at once
silent    says nothing
peer      prints whom it is from, and closes
"""

import os
import socket
import sys
import threading


def read_all(connection):
    data = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece


def play(scene, connection, source):
    if scene == "echo":
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            connection.sendall(piece)
    elif scene == "count":
        connection.sendall(b"%d bytes\n" % len(read_all(connection)))
    elif scene == "greet":
        connection.sendall(b"welcome\n")
        connection.shutdown(socket.SHUT_WR)
        print("got", read_all(connection).decode().strip(), flush=True)
    elif scene == "impostor":
        connection.sendall(os.urandom(32))
        given = b""
        while len(given) < 320:
            given += connection.recv(65536)
        connection.sendall(b"\0" + os.urandom(287))
        given += read_all(connection)
        print(len(given), "bytes", flush=True)
    elif scene == "silent":
        read_all(connection)
    elif scene == "peer":
        print("from", source, flush=True)
    connection.close()


def serve(scene, connection, source):
    try:
        play(scene, connection, source)
    except OSError as error:
        print(error, flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    print("port", listening.getsockname()[1], flush=True)
    while True:
        connection, address = listening.accept()
        threading.Thread(target=serve, args=(sys.argv[1], connection, address[0]), daemon=True).start()


if __name__ == "__main__":
    main()
