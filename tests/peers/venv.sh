#!/bin/sh
# Makes the Python environment of the independent programs, unless it is there, and says where it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../target/peers-venv"
if [ ! -x "$venv/bin/python" ] || ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
echo "$venv"
