#!/bin/sh
# SPDX-License-Identifier: ISC
# Put the service file where xinetd looks for it, and change none that an administrator has edited.
#
# usage: install.sh FILE DIRECTORY, by "meson install"
#
# Where another one stands, the new one is put beside it as ostiary.new: xinetd reads no file with a dot in its name.
# Uninstalling leaves both, since this script made them, like the rest of the configuration. It says nothing: Meson would
# not pass it on.
set -eu
file=$1
directory=${DESTDIR-}$2
target=$directory/ostiary

mkdir -p "$directory"
rm -f "$target.new"
if [ ! -e "$target" ]; then
    install -m 644 "$file" "$target"
elif ! cmp -s "$file" "$target"; then
    install -m 644 "$file" "$target.new"
fi
