#!/bin/sh
# Plays a story through a running minhu with independent clients: tests/peers/run.sh target/debug/minhu
# `tests/peers/run.sh --self-check` checks the clients themselves, without minhu.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../target/peers-venv"
if [ ! -x "$venv/bin/python" ] || ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/story.py" "$@"
