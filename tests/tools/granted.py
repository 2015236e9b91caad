#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""What the kernel lets through, and whether the record says the same.

usage: granted.py kernel              a line for each element: GATE NETWORK SECONDS-LEFT SECONDS-IN-ALL PACKETS USER
       granted.py ends GATE NETWORK   CLOCK_BOOTTIME in milliseconds, by when it is over at the latest, which is at most
                                      1.5 s after it is; "none"
       granted.py agree OSTGRANT...   compare the two; OSTGRANT... is the command, to which "list --json" is added
       granted.py mended MOST OSTGRANT...
                                      whatever is open in the kernel ends within MOST seconds, and is shown; whatever is
                                      called open is in the kernel; and after a "tick" the two agree

The kernel is asked by nft alone; nothing here knows how ostgrant works, but for the table's name and its sets'. An
element that would never end has "never" for its seconds.
"""

import ipaddress
import json
import os
import re
import subprocess
import sys
import time


# How long a look at the kernel may take, where it matters when that was.
LOOK_S = 0.5


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def network(text, bits=None):
    """One way to write it: a host without its bits."""
    address = ipaddress.ip_network(text if bits is None else f"{text}/{bits}")
    return str(address.network_address) if address.prefixlen == address.max_prefixlen else str(address)


def elements():
    said = subprocess.run(["nft", "-j", "list", "ruleset"], stdout=subprocess.PIPE, check=True)
    for item in json.loads(said.stdout)["nftables"]:
        held = item.get("set", {})
        # GATE_4_32, GATE_6_64.
        name = re.fullmatch(r"(.*)_([46])_(\d+)", held.get("name", ""))
        if not name or held["table"] != "ostiary_grants":
            continue
        for element in held.get("elem", []):
            element = element["elem"] if isinstance(element, dict) and "elem" in element else {"val": element}
            yield {
                "gate": name[1],
                "network": network(element["val"], name[3]),
                "left": element.get("expires"),
                "timeout": element.get("timeout"),
                "packets": element.get("counter", {}).get("packets", 0),
                "user": element.get("comment", "-"),
            }


def kernel():
    for element in sorted(elements(), key=lambda element: (element["gate"], element["network"])):
        left, whole = (str(element[key]) if element[key] is not None else "never" for key in ("left", "timeout"))
        print(element["gate"], element["network"], left, whole, element["packets"], element["user"])


def looked_at_once():
    """The elements, and a time behind the look, which was short: else whoever is told of an end knows little of it."""
    # On a busy machine it would be long before one is.
    os.nice(-20)
    while True:
        before = boottime()
        found = list(elements())
        after = boottime()
        if after - before < LOOK_S:
            return found, after


def ends(gate, text):
    found, now = looked_at_once()
    for element in found:
        if (element["gate"], element["network"]) == (gate, network(text)):
            if element["left"] is None:
                sys.exit("it would never end")
            # Whole seconds: it may have been almost one more.
            print(int((now + element["left"] + 1) * 1000))
            return
    print("none")


def both(command):
    """What the command shows, and what the kernel has, by gate and network. Several users may be behind one address."""
    said = subprocess.run([*command, "list", "--json"], stdout=subprocess.PIPE, check=True)
    recorded = {}
    for grant in json.loads(said.stdout):
        # Of a gate that the configuration has no more: it is shown, and has no effect.
        if grant["state"] == "nogate":
            continue
        recorded.setdefault((grant["gate"], network(grant["network"])), []).append(grant)
    return recorded, {(element["gate"], element["network"]): element for element in elements()}


def finish(faults):
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)


def mended(most, command):
    recorded, known = both(command)
    faults = [f"open, and not shown: {key}" for key in sorted(known.keys() - recorded.keys())]
    for key, element in known.items():
        if element["left"] is None or element["left"] > most:
            faults.append(f"{key}: {element['left']} s are left, of at most {most}")
    for key, grants in recorded.items():
        if key not in known and any(grant["state"] == "open" for grant in grants):
            faults.append(f"shown as open, and not in the kernel: {key}")
    finish(faults)
    subprocess.run([*command, "tick"], check=True)
    agree(command)


def agree(command):
    before = boottime()
    recorded, known = both(command)
    apart = boottime() - before + 2
    faults = [f"only in the record: {key}" for key in sorted(recorded.keys() - known.keys())]
    faults += [f"only in the kernel: {key}" for key in sorted(known.keys() - recorded.keys())]
    for key in recorded.keys() & known.keys():
        grants, element = recorded[key], known[key]
        if element["user"] not in [grant["user"] or "-" for grant in grants]:
            faults.append(f"{key}: users {[grant['user'] for grant in grants]}, in the kernel {element['user']}")
        # It is open for as long as whoever of them has the longest.
        left = max(grant["left"] for grant in grants)
        if element["left"] is None or abs(left - element["left"]) > apart:
            faults.append(f"{key}: left {left}, in the kernel {element['left']}")
        faults += [f"{key}: state {grant['state']}" for grant in grants if grant["state"] != "open"]
    print(f"{len(recorded)} recorded, {len(known)} in the kernel")
    finish(faults)


def main():
    match sys.argv[1:]:
        case ["kernel"]:
            kernel()
        case ["ends", gate, text]:
            ends(gate, text)
        case ["agree", *command]:
            agree(command)
        case ["mended", most, *command]:
            mended(int(most), command)
        case _:
            sys.exit("usage: granted.py kernel | ends GATE NETWORK | agree OSTGRANT... | mended MOST OSTGRANT...")


main()
