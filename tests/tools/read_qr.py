#!/usr/bin/python3 -IB
# SPDX-License-Identifier: ISC
"""Read the QR code that a terminal was shown: what is on standard input, with its colours and blocks, to what it says.

It is turned into a picture, of ten points for each module, and read by zbar, as a telephone reads it.
"""

import re
import sys

import zbar

SCALE = 10
BLOCKS = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}

rows = []
for line in sys.stdin.read().replace("\r", "").split("\n"):
    # Black on bright white, whatever the terminal's own colours are.
    match = re.fullmatch("\x1b\\[0m\x1b\\[30;107m([ \u2580\u2584\u2588]+)\x1b\\[0m", line)
    if match:
        for half in (0, 1):
            rows.append([BLOCKS[block][half] for block in match[1]])
if not rows:
    sys.exit("read_qr.py: there is no code")
width, height = len(rows[0]) * SCALE, len(rows) * SCALE
points = bytearray()
for row in rows:
    points += bytes(0 if dark else 255 for dark in row for _ in range(SCALE)) * SCALE
image = zbar.Image(width, height, "Y800", bytes(points))
zbar.ImageScanner().scan(image)
for symbol in image:
    print(symbol.data)
