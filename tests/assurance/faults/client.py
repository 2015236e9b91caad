# SPDX-License-Identifier: ISC
"""The client's scenes: a server that plays a part, and what the client may say of it."""

import re
import socket
import subprocess
import threading

import tracing
from scene import LEN, LIMIT, LOADER_ENDS_IT, LOADER_STATUS, SECRET, Run, Scene, mac

SEED = bytes(range(LEN))
REPLY = mac(SECRET, SEED)
RECEIPT = mac(SECRET, b"ostiary receipt" + SEED + REPLY)

# What argon2(1) makes of the secret, taken for a passphrase, as ostclient(1) says.
LABEL = "gate.example.org/alice"
STRETCHED = "Se8BUddvS6T8hLYY37NgFT684ay4r-HVCAAwTw2ewgc"
STRETCHED_REPLY = mac(STRETCHED, SEED)
STRETCHED_RECEIPT = mac(STRETCHED, b"ostiary receipt" + SEED + STRETCHED_REPLY)


class Server(threading.Thread):
    """Serves connections with a seed, and whoever replies rightly with what the scene has for him."""

    def __init__(self, reply, answer):
        super().__init__(daemon=True)
        self.reply = reply
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = []
        self.answered = 0
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(LIMIT)
                got = b""
                try:
                    connection.sendall(SEED)
                    while len(got) < LEN and (data := connection.recv(LEN)):
                        got += data
                    self.got.append(got)
                    if got == self.reply and self.answer:
                        connection.sendall(self.answer)
                        self.answered += 1
                    connection.shutdown(socket.SHUT_WR)
                    # Whatever else he has to say.
                    while data := connection.recv(4096):
                        self.got[-1] += data
                except OSError:
                    pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(LIMIT)
        self.listener.close()


class Client(Scene):
    """One run. answer: what the server has for a right reply."""

    program = "ostclient"
    statuses = (0, 64, 66, 68, 69, 71, 74, 75, 76, 77, 78)
    witnesses = ("write", "sendto")

    def __init__(self, name, *options, reply=REPLY, answer=RECEIPT, host="127.0.0.1", no_fds=False):
        super().__init__(name)
        self.options = options
        self.reply = reply
        self.answer = answer
        self.host = host
        self.no_fds = no_fds
        self.receipt = STRETCHED_RECEIPT if reply == STRETCHED_REPLY else RECEIPT
        self.waits = "-w" in options

    def prepare(self, place):
        place.write("secret", SECRET)
        # There is but one seed.
        with open(place.path("reply"), "wb") as reply:
            reply.write(REPLY)
        place.keep()

    def play(self, place, fault):
        place.restore()
        run = Run()
        server = Server(self.reply, self.answer)
        words, environment = place.around(fault, self.witnesses)
        options = [re.sub("@([A-Z]+)@", lambda name: place.path(name[1].lower()), option) for option in self.options]
        command = [*words, place.program("ostclient"), "-t", "5", *options, f"{self.host}:{server.port}"]
        if self.no_fds:
            command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
        with open(place.path("secret"), "rb") as secret, open(place.path("said"), "wb") as said:
            with open(place.path("printed"), "wb") as printed:
                process = subprocess.Popen(
                    command, stdin=secret, stdout=printed, stderr=said, env=environment, start_new_session=True
                )
        run.wait(process)
        server.stop()
        run.calls = tracing.read(place.path("calls"))
        run.printed = place.read("printed").encode()
        run.got, run.answered = server.got, server.answered
        run.said = place.read("said")
        run.logged = place.syslog.of(run.calls[0].pid if run.calls else process.pid)
        return run

    def begins(self, call):
        return call.name == "fcntl" and call.arguments.startswith("0") and "F_GETFD" in call.arguments

    def judge(self, place, run, fault):
        wrong = self.judge_common(place, run)
        for got in run.got:
            if not self.reply.startswith(got):
                wrong.append(f"the server was sent {got[:60]!r}")
        if run.printed:
            wrong.append("something is on standard output")
        if run.status == 0:
            wrong += self.judge_success(run)
        elif self.is_silent(run) and not self.no_fds:
            wrong.append(f"status {run.status}, and not a word")
        return self.outcome(run), wrong

    def judge_success(self, run):
        """Success is said of what has happened alone."""
        if self.reply not in run.got:
            return ["all is said to be well, and the server has no reply"]
        if self.waits and not (run.answered and self.answer == self.receipt):
            return ["all is said to be well, and there was no right receipt"]
        return []

    def outcome(self, run):
        if run.in_loader and (run.status == LOADER_STATUS or run.status < 0):
            return LOADER_ENDS_IT
        words = ["done" if run.status == 0 else f"status {run.status}"]
        words.append("reply sent" if self.reply in run.got else "part of a reply sent" if any(run.got) else "no reply sent")
        lines = re.sub(r"port \d+", "port N", run.said).splitlines()
        text = ", ".join(words)
        return f"{text} ({lines[-1].removeprefix('ostclient: ')[:80]})" if lines else text


SCENES = [
    Client("accepted", "-w", "-k", "@SECRET@"),
    Client("stdin", "-w", "-f", "0"),
    Client("secret-command", "-w", "--command-timeout", "60", "--secret-command", "cat @SECRET@"),
    Client("reply-command", "--command-timeout", "60", "--reply-command", "cat @REPLY@"),
    Client("sent", "-k", "@SECRET@", answer=b""),
    Client("refused", "-w", "-k", "@SECRET@", answer=b""),
    Client("wrong-receipt", "-w", "-k", "@SECRET@", answer=bytes(LEN)),
    Client("by-name", "-w", "-4", "-k", "@SECRET@", host="localhost"),
    Client("stretched", "-w", "-k", "@SECRET@", "--stretch", LABEL, reply=STRETCHED_REPLY, answer=STRETCHED_RECEIPT),
    Client("no-descriptors", "-w", "-k", "@SECRET@", no_fds=True),
]
