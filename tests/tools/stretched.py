#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Make the secret that a label and a passphrase stand for, as STRETCHED PASSPHRASES of ostclient(1) says, with nothing of
ours: argon2(1), and what Python has of scrypt and PBKDF2.

usage: stretched.py LABEL PASSPHRASE
"""
import base64
import hashlib
import subprocess
import sys

DEFAULTS = {"argon2id": "m=64MiB,t=3", "scrypt": "N=32768,p=3", "pbkdf2-sha256": "c=600000"}


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def argon2id(passphrase, salt, costs):
    kibibytes = 1024 * int(costs["m"].removesuffix("MiB"))
    said = subprocess.run(
        ["argon2", salt, "-id", "-v", "13", "-t", costs["t"], "-k", str(kibibytes), "-p", "1", "-l", "32", "-r"],
        input=passphrase, stdout=subprocess.PIPE, check=True)
    return bytes.fromhex(said.stdout.decode())


def scrypt(passphrase, salt, costs):
    blocks = int(costs["N"])
    return hashlib.scrypt(passphrase, salt=salt.encode(), n=blocks, r=8, p=int(costs["p"]), maxmem=2048 * blocks, dklen=32)


def pbkdf2(passphrase, salt, costs):
    return hashlib.pbkdf2_hmac("sha256", passphrase, salt.encode(), int(costs["c"]), 32)


def main():
    label, passphrase = sys.argv[1:]
    *parts, name = label.split(":")
    kind = parts[0] if parts else "argon2id"
    written = parts[2] if len(parts) > 2 else DEFAULTS[kind]
    costs = dict(cost.split("=") for cost in written.split(","))
    salt = base64url(hashlib.sha256(b"ostiary-stretch-v1:" + name.encode()).digest())[:16]
    derive = {"argon2id": argon2id, "scrypt": scrypt, "pbkdf2-sha256": pbkdf2}[kind]
    print(base64url(derive(passphrase.encode("utf-8", "surrogateescape"), salt, costs)))


main()
