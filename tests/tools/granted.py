#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""What the kernel lets through, and whether the record says the same.

usage: granted.py kernel              a line for each element: GATE NETWORK SECONDS-LEFT SECONDS-IN-ALL PACKETS USER
       granted.py ends GATE NETWORK   CLOCK_BOOTTIME in milliseconds, by when it is over at the latest; "none"
       granted.py agree OSTGRANT...   run this command, which has to print "list --json", and compare the two

The kernel is asked by nft alone; nothing here knows how ostgrant works, but for the table's name and its sets'. An
element that would never end has "never" for its seconds.
"""

import ipaddress
import json
import re
import subprocess
import sys
import time


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def network(text, bits=None):
    """One way to write it: a host without its bits."""
    address = ipaddress.ip_network(text if bits is None else f"{text}/{bits}")
    return str(address.network_address) if address.prefixlen == address.max_prefixlen else str(address)


def elements():
    said = subprocess.run(["nft", "-j", "list", "table", "inet", "ostiary_grants"], stdout=subprocess.PIPE, check=True)
    for item in json.loads(said.stdout)["nftables"]:
        held = item.get("set", {})
        # GATE_4_32, GATE_6_64.
        name = re.fullmatch(r"(.*)_([46])_(\d+)", held.get("name", ""))
        if not name:
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


def ends(gate, text):
    for element in elements():
        if (element["gate"], element["network"]) == (gate, network(text)):
            if element["left"] is None:
                sys.exit("it would never end")
            # Whole seconds: it may have been almost one more.
            print(int((boottime() + element["left"] + 1) * 1000))
            return
    print("none")


def agree(command):
    before = boottime()
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    recorded = {(grant["gate"], network(grant["network"])): grant for grant in json.loads(said.stdout)}
    known = {(element["gate"], element["network"]): element for element in elements()}
    apart = boottime() - before + 2
    faults = [f"only in the record: {key}" for key in sorted(recorded.keys() - known.keys())]
    faults += [f"only in the kernel: {key}" for key in sorted(known.keys() - recorded.keys())]
    for key in recorded.keys() & known.keys():
        grant, element = recorded[key], known[key]
        if grant["user"] != element["user"] and (grant["user"] or "-") != element["user"]:
            faults.append(f"{key}: user {grant['user']}, in the kernel {element['user']}")
        if element["left"] is None or abs(grant["left"] - element["left"]) > apart:
            faults.append(f"{key}: left {grant['left']}, in the kernel {element['left']}")
        if grant["state"] != "open":
            faults.append(f"{key}: state {grant['state']}")
    print(f"{len(recorded)} recorded, {len(known)} in the kernel")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


def main():
    match sys.argv[1:]:
        case ["kernel"]:
            kernel()
        case ["ends", gate, text]:
            ends(gate, text)
        case ["agree", *command]:
            agree(command)
        case _:
            sys.exit("usage: granted.py kernel | ends GATE NETWORK | agree OSTGRANT...")


main()
