#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Run a command in the foreground of a terminal of its own, and play a person's part.

usage: at_terminal.py STEP... -- COMMAND...

Steps:  expect=TEXT   wait until the terminal shows TEXT (again)
        type=TEXT     press these keys; \\r, \\x03 and the like are understood
        answer=CMD    run this in a shell, with all that the terminal has shown, and type what it prints
        signal=NAME   send a signal to the command
        echo=on|off   the terminal's echo must be so by now, or soon
        pause=SECONDS take that long
        exists=FILE   wait until there is this file
        touch=FILE    make it
        stopped       wait until the command is stopped
        continue      bring it back to the foreground
        background    take the foreground away from it

Then it waits for the command, prints all that the terminal showed, the state of the echo, and "exit N" or
"signal N". A step that does not come true within 300 seconds is an error.
"""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

PATIENCE = 300


class Terminal:
    def __init__(self, command):
        self.shown = b""
        self.seen = 0
        self.status = None
        self.master, slave_name = self.open()
        self.slave = os.open(slave_name, os.O_RDWR | os.O_NOCTTY)
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        # The session's leader changes the foreground without being in it.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        begins, begin = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(begin)
            os.read(begins, 1)
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 256)
            os.execvp(command[0], command)
        os.close(begins)
        os.setpgid(self.pid, self.pid)
        os.tcsetpgrp(self.slave, self.pid)
        os.close(begin)

    @staticmethod
    def open():
        master, slave = pty.openpty()
        name = os.ttyname(slave)
        os.close(slave)
        return master, name

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.shown += os.read(self.master, 4096)
        return bool(ready)

    def wait_for(self, what, test):
        end = time.monotonic() + PATIENCE
        while not test():
            if time.monotonic() > end:
                sys.exit(f"at_terminal.py: {what}: it did not happen; shown: {self.shown!r}")
            self.read(0.02)

    def poll(self):
        if self.status is None or os.WIFSTOPPED(self.status):
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                self.status = status
        return self.status

    def echo(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def has_shown(self, text):
        at = self.shown.find(text, self.seen)
        if at < 0:
            return False
        self.seen = at + len(text)
        return True

    def step(self, step):
        kind, _, value = step.partition("=")
        if kind == "expect":
            self.wait_for(step, lambda: self.has_shown(value.encode()))
        elif kind == "type":
            os.write(self.master, value.encode().decode("unicode_escape").encode("latin-1"))
        elif kind == "answer":
            os.write(self.master, subprocess.run(value, shell=True, input=self.shown, stdout=subprocess.PIPE, check=True).stdout)
        elif kind == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + value))
        elif kind == "echo":
            self.wait_for(step, lambda: self.echo() == (value == "on"))
        elif kind == "pause":
            end = time.monotonic() + float(value)
            self.wait_for(step, lambda: time.monotonic() > end)
        elif kind == "exists":
            self.wait_for(step, lambda: os.path.exists(value))
        elif kind == "touch":
            with open(value, "w", encoding="ascii"):
                pass
        elif kind == "stopped":
            self.wait_for(step, lambda: self.poll() is not None and os.WIFSTOPPED(self.status))
        elif kind == "background":
            os.tcsetpgrp(self.slave, os.getpgrp())
        elif kind == "continue":
            self.status = None
            os.tcsetpgrp(self.slave, self.pid)
            os.kill(self.pid, signal.SIGCONT)
        else:
            sys.exit(f"at_terminal.py: unknown step {step}")

    def finish(self):
        self.wait_for("the end", lambda: self.poll() is not None and not os.WIFSTOPPED(self.status))
        while self.read(0):
            pass
        print(self.shown.decode(errors="replace").replace("\r\n", "\n"), end="")
        print("\necho", "on" if self.echo() else "off")
        if os.WIFSIGNALED(self.status):
            print("signal", os.WTERMSIG(self.status))
        else:
            print("exit", os.WEXITSTATUS(self.status))


def main():
    split = sys.argv.index("--")
    # A process that leads its group cannot start a session.
    if os.getpid() == os.getpgrp():
        child = os.fork()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    terminal = Terminal(sys.argv[split + 1:])
    try:
        for step in sys.argv[1:split]:
            terminal.step(step)
        terminal.finish()
    finally:
        if terminal.status is None or os.WIFSTOPPED(terminal.status):
            os.kill(terminal.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
