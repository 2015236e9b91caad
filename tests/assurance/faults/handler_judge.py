# SPDX-License-Identifier: ISC
"""What may never come of a connection, whatever fails: the handler's promises, judged from outside."""

import os
import re

import tracing
from scene import KILL_SECRET, LEN, LOADER_ENDS_IT, LOADER_STATUS, SECRET, Scene, Table, mac

SOURCE = "127.0.0.2"
USER, GROUPS = 5001, {5001, 5002, 5003}  # of "actor", see run.sh
LAUNCHERS_GROUP = 6001  # that an action must not have
MAX_BAD_CONNS = 3
RECORD_LEN = 128  # of the lockout table
ENVIRONMENT = {
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "HOME=/",
    "USER=actor",
    "LOGNAME=actor",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    "OSTIARY_ACTION=dump-self",
    f"OSTIARY_ADDRESS={SOURCE}",
}

# Of the peer: he says nothing; he leaves while he waits for his seed.
NOTHING, LEAVING = object(), object()

# What version 1 remembered (../../data/golden/make.py), and who is locked in it for ever.
OLD_TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "golden", "table-1")
OLD_SOURCES = {"192.0.2.7", "192.0.2.8", "2001:db8:1:2::", "198.51.100.9"}
OLD_LOCKED = "2001:db8:1:2::"

# What it takes to write the file that closes the door.
DOOR_CALLS = ("flock", "unlinkat", "openat", "renameat", "fsync")


class HandlerJudge(Scene):
    """Of a handler's scene (handler.py): reply, right, barred, before, fresh, closed, relay, gate, all_fds, lockout_action."""

    source = SOURCE
    looks_first = False  # with a shared lock, at what it asks again with the lock held alone

    def judge(self, place, run, fault):
        table = Table(place)
        wrong = self.judge_common(place, run)
        if self.all_fds and run.in_loader and run.status == LOADER_STATUS:
            # Before main there is nothing that could keep the dynamic linker from speaking to fd 2.
            return "the dynamic linker ends it, and says why to fd 2", wrong
        wrong += self.judge_wire(run, fault)
        wrong += self.judge_table(run, table)
        if self.old:
            wrong += self.judge_conversion(place, run, table)
        if self.reply is LEAVING:
            wrong += self.judge_leaving(run, table, fault)
        wrong += self.judge_action(run, table, fault)
        wrong += self.judge_doubt(place, run, fault)
        if self.is_silent(run) and not self.may_be_silent(fault):
            wrong.append("not a word was logged")
        return self.outcome(run, table), wrong

    def library_gave_up(self, place, run):
        """The handler answers for libgcrypt's want of memory (mac_on_fatal), and cannot where that looks for FIPS mode."""
        is_libgcrypt = "libgcrypt" in place.read("mark") or "Fatal error: " in run.said
        return super().library_gave_up(place, run) and (not is_libgcrypt or "fips_enabled" in run.said)

    def accepted(self, run):
        return len(run.got) == 2 * LEN

    def receipt(self, seed):
        return mac(self.reply, b"ostiary receipt" + seed + mac(self.reply, seed))

    def judge_wire(self, run, fault):
        """I2, I3: nothing, a seed, or a seed and a receipt that is due."""
        seed, rest = run.got[:LEN], run.got[LEN:]
        if run.got and self.barred:
            return [f"the peer is barred, and received {len(run.got)} bytes"]
        if len(seed) not in (0, LEN) or (rest and not self.right):
            return [f"the peer received {len(run.got)} bytes: {run.got[:60]!r}"]
        # Half a receipt is sent when there is room for no more: nothing depends on it, and nobody waits for the peer.
        half = fault is not None and fault.call == "send" and fault.how == tracing.SHORT and len(rest) == LEN // 2
        if rest and not (self.receipt(seed).startswith(rest) and (half or len(rest) == LEN)):
            return ["the receipt is wrong"]
        return []

    def judge_table(self, run, table):
        """I1, and that the table survives."""
        wrong = []
        if not table.whole and not (self.fresh and table.absent) and not self.old:
            wrong.append("the table is damaged or gone")
        strikes = table.strikes(self.source)
        charged = strikes - self.before
        if not 0 <= charged <= 1:
            wrong.append(f"{self.before} strikes became {strikes}")
        if strikes >= MAX_BAD_CONNS and not self.right and not table.locked(self.source):
            wrong.append("the last strike does not lock")
        if "strikes=3 until" in run.said and not table.locked(self.source):
            wrong.append("locked in the log alone")
        if self.barred:
            if charged != 0 or (self.before >= MAX_BAD_CONNS and not table.locked(self.source)):
                wrong.append("a lock was lost")
        elif self.right:
            wrong += self.judge_order(run, charged)
        elif len(run.got) == LEN and charged == 0 and run.status not in (71, 74, 78):
            wrong.append("the seed was given, nothing right came back, and there is no strike")
        if "rejected source" in run.said and charged != 1:
            wrong.append("rejected without a strike")
        return wrong

    def judge_conversion(self, place, run, table):
        """A table of version 1 is as it was, or has become one of today that has lost nothing."""
        if not table.whole:
            with open(OLD_TABLE, "rb") as old, open(place.path("state", "lockout"), "rb") as new:
                if old.read() != new.read():
                    return ["the table is neither what it was nor a whole one of today"]
            return ["he had a seed, and nothing can remember it"] if run.got else []
        lost = OLD_SOURCES - set(table.slots)
        if lost or not table.locked(OLD_LOCKED):
            return [f"the conversion has lost {lost or 'a lock'}"]
        return []

    def judge_leaving(self, run, table, fault):
        """I11: who has left before he was sent a seed has no strike; and his place is free."""
        wrong = []
        if run.got or table.strikes(self.source) != self.before:
            wrong.append("he left before he was sent a seed, and has one, or a strike")
        if fault is None and table.value(self.source, "places") != "0":
            wrong.append("his place in the pace is held, or he never had one")
        return wrong

    def judge_order(self, run, charged):
        """A right reply: the strike was written and taken back before the peer heard of it."""
        heard = self.accepted(run) or run.actions or run.told or run.opened
        if not heard:
            return []
        wrong = [] if charged == 0 else ["accepted, and the strike was not taken back"]
        written = 0
        has_reply = False
        seeds = 0
        for call in run.calls:
            if call.name == "recvfrom" and call.result == LEN:
                has_reply = True
            elif call.name == "pwrite64" and call.result == RECORD_LEN and not call.injected and has_reply:
                written += 1
            elif call.name == "sendto" and call.arguments.startswith("0,") and call.worked:
                seeds += 1
                if seeds == 2 and written < 2:
                    wrong.append("the receipt was sent before the strike had been written and taken back")
            elif call.name == "execve" and self.gate and has_reply and written < 2:
                wrong.append("ostgrant was run before the strike had been written and taken back")
        return wrong

    def judge_promise(self, run, fault):
        """I12: the receipt says that the action is started. Nothing but execve itself may be in the way, and it is said."""
        if fault is None or fault.call != "execve":
            return ["the peer has a receipt, and the action did not run"]
        return [] if "action=dump-self command" in run.said and run.status in (126, 127) else ["execve failed, and it is not said"]

    def judge_action(self, run, table, fault):
        """I7, I8: run once, for a right reply or a new lock, as whom it is to be and with nothing of ours."""
        wrong = []
        expected = "127.0.0.2\n|" if self.relay else ""
        if run.told.decode(errors="replace") not in ("", "|", expected):
            wrong.append(f"the action's socket was told {run.told!r}")
        if len(run.actions) + run.told.count(b"|") > 1:
            wrong.append("the action ran twice")
        if run.actions and self.reply != SECRET and not (self.lockout_action and table.locked(self.source)):
            wrong.append("an action ran that nobody may run")
        if run.told.strip(b"|") and self.reply != SECRET:
            wrong.append("an action was told that nobody may run")
        for report in run.actions:
            wrong += self.judge_identity(report)
        if self.accepted(run) and self.reply == KILL_SECRET and not table.closed:
            wrong.append("the peer has a receipt for KILL, and the door is open")
        if self.gate:
            return wrong + self.judge_gate(run)
        if self.accepted(run) and self.reply == SECRET and not run.actions and not run.told.strip(b"|"):
            wrong += self.judge_promise(run, fault)
        return wrong

    def judge_gate(self, run):
        """I12: the receipt says that the gate is open; and it is open to nobody who had no right reply accepted."""
        if self.accepted(run) and not run.opened:
            return ["the peer has a receipt, and the gate is shut"]
        if run.opened and not self.right:
            return ["the gate is open, and nobody may have it opened"]
        return []

    def judge_identity(self, report):
        ids = {}
        for name in ("Uid", "Gid", "Groups"):
            ids[name] = {int(word) for word in re.search(rf"^{name}:(.*)$", report, re.M).group(1).split()}
        wrong = []
        if ids["Uid"] != {USER} or ids["Gid"] != {USER}:
            wrong.append(f"the action ran as uid {ids['Uid']}, gid {ids['Gid']}")
        if not ids["Groups"] <= GROUPS:
            wrong.append(f"the action ran with groups {ids['Groups']}")
        if "socket:" in report:
            wrong.append("the action has the connection")
        if set(re.findall(r"^fd (\d+) ", report, re.M)) != {"0", "1", "2"}:
            wrong.append("the action has other descriptors than three")
        if set(re.findall(r"^env (?!OSTIARY_PORT=\d+$)(.*)$", report, re.M)) != ENVIRONMENT:
            wrong.append("the action has another environment")
        if re.findall(r"^arg (.*)$", report, re.M)[1:] != [self.source]:
            wrong.append("the action has other arguments than the address")
        if not re.search(r"^SigIgn:\s*0+$", report, re.M) or not re.search(r"^SigBlk:\s*0+$", report, re.M):
            wrong.append("the action has signals ignored or blocked")
        if not re.search(r"^umask 022$", report, re.M) or not re.search(r"^cwd /$", report, re.M):
            wrong.append("the action has another umask or directory")
        return wrong

    def judge_doubt(self, place, run, fault):
        """I8: what the rest rests on has failed, so nothing goes on. Not where the dynamic linker wanted it."""
        failed = next((call for call in run.calls if call.injected), None)
        if failed is None or run.in_loader:
            return []
        went_on = len(run.got) > run.got_before(failed) or bool(self.accepted(run) or run.actions or run.told or run.opened)
        if failed.name in ("mlock", "madvise") and went_on:
            return ["it went on with memory that is swapped, dumped or inherited"]
        if failed.name == "getrandom" and went_on and not run.retried(failed):
            return ["it went on without random bytes"]
        if failed.name == "flock" and fault.how in ("error=ENOLCK", "error=EIO") and self.reply == SECRET and went_on:
            looks = self.looks_first and "LOCK_SH" in failed.arguments
            return [] if "LOCK_UN" in failed.arguments or looks else ["it went on without the lock"]
        if failed.name == "fdatasync" and "strikes=3 until" in run.said and "cannot be written" not in run.said:
            return ["a lock that is not on the disk was reported as one"]
        return self.judge_kill(place, run, failed)

    def judge_kill(self, place, run, failed):
        """The receipt for KILL says that the door is closed, and would be after a power failure."""
        if self.reply != KILL_SECRET or not self.accepted(run) or failed.name not in DOOR_CALLS:
            return []
        if os.path.exists(place.path("state", "closed")) and failed.name != "fsync":
            return []
        later = run.calls[run.calls.index(failed) + 1 :]
        if any(call.name in ("fsync", "fdatasync") and call.worked for call in later):
            return []
        return ["the peer has a receipt for KILL, and what closes the door is not on the disk"]

    def may_be_silent(self, fault):
        """A peer who has gone before it could be identified is nobody; syslog(3) gives up when its socket fails."""
        if fault is None:
            return False
        return fault.call == "getpeername" or (self.all_fds and fault.call in ("socket", "connect", "sendto"))

    def outcome(self, run, table):
        if run.in_loader and (run.status == LOADER_STATUS or run.status < 0):
            return LOADER_ENDS_IT
        words = []
        lines = [re.sub(r"^(<\d+>)?(ostiaryd(\[\d+\])?: )?", "", line) for line in run.said.splitlines()]
        verdicts = [line for line in lines if re.match(r"(accepted|rejected|refused|locked|closed) ", line)]
        causes = [line for line in lines if line not in verdicts and not line.startswith(("LOCKOUT_ACTION", "granted "))]
        words += [re.sub(r" source=\S+| uid=.*| until=\S+| of=\S+| strikes=\S+| socket=\S+", "", line) for line in verdicts]
        words.append({0: "no seed", LEN: "no receipt", 2 * LEN: "receipt"}.get(len(run.got), "half a receipt"))
        words.append(f"strikes {self.before}->{table.strikes(self.source)}")
        if run.actions or run.told.strip(b"|"):
            words.append("ran")
            for report in run.actions:
                groups = re.search(r"^Groups:(.*)$", report, re.M).group(1).split()
                if len(groups) < len(GROUPS):
                    words.append(f"with {len(groups)} of {len(GROUPS)} groups")
        if run.opened:
            words.append("open")
        if table.closed and not self.closed:
            words.append("closed")
        if run.status != 0:
            words.append(f"status {run.status}")
        text = ", ".join(words)
        if causes:
            cause = re.sub(r"\S*/(state|bin/dump-self|ostiary(?:-sealed)?.cfg|relay)\b", r"\1", causes[-1])
            text += f" ({cause[:70]})"
        return text
