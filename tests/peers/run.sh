#!/bin/sh
# Plays a story through a running minhu with independent clients: tests/peers/run.sh target/debug/minhu
# `tests/peers/run.sh --self-check` checks the clients themselves, without minhu.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$("$here/venv.sh")
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/story.py" "$@"
