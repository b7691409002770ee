#!/usr/bin/env bash
# Runs every test there is: cargo's, in a browser, on PostgreSQL, and with independent clients of the platforms.
# On Debian as root it installs what is missing. Servers listen on loopback and end with this script.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0
failed=0
scratch=""
postgres=""
bucket=""

finish() {
    if [ -n "$postgres" ]; then
        as_postgres "$postgres/pg_ctl" stop --pgdata="$scratch/data" --mode=immediate --silent || true
    fi
    if [ -n "$bucket" ]; then kill "$bucket" 2>/dev/null || true; fi
    if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# Where the server's programs are: Debian keeps them outside the path.
postgres_folder() {
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V -r) /usr/local/bin /usr/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then echo "$folder"; return; fi
    done
}

missing_packages() {
    command -v chromium >/dev/null || echo chromium
    command -v chromedriver >/dev/null || echo chromium-driver
    fc-list :lang=zh 2>/dev/null | grep -q . || echo fonts-noto-cjk fontconfig
    [ -n "$(postgres_folder)" ] || echo postgresql
    python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
    command -v cc >/dev/null || echo build-essential
    command -v git >/dev/null || echo git
    [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || echo nginx-light
}

prepare() {
    command -v cargo >/dev/null || { echo "cargo is missing: install Rust as https://rustup.rs says" >&2; exit 1; }
    local missing
    missing=$(missing_packages | xargs)
    if [ -z "$missing" ]; then return; fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing on this machine: $missing" >&2
        echo "run this script as root on Debian, or install them: apt-get install $missing" >&2
        exit 1
    fi
    echo "installing: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

# The database server refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}

free_port() {
    python3 -c '
import random, socket
while True:
    port = random.randrange(20000, 32768)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            print(port)
            break'
}

start_postgres() {
    local folder port
    folder=$(postgres_folder)
    scratch=$(mktemp -d)
    if [ "$(id -u)" = 0 ]; then chown postgres "$scratch"; fi
    as_postgres "$folder/initdb" --pgdata="$scratch/data" --username=minhutest --auth=trust --encoding=UTF8 --locale=C \
        --no-sync >"$scratch.log" 2>&1 || { cat "$scratch.log" >&2; rm -f "$scratch.log"; exit 1; }
    rm -f "$scratch.log"
    port=$(free_port)
    postgres=$folder
    as_postgres "$folder/pg_ctl" start --wait --silent --pgdata="$scratch/data" --log="$scratch/data/log" \
        --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$scratch -c fsync=off -c max_connections=200"
    as_postgres "$folder/psql" --quiet --host=127.0.0.1 --port="$port" --username=minhutest --dbname=postgres \
        --command='CREATE DATABASE minhutest'
    export MINHUTEST_DATABASE_URL="postgres://minhutest@127.0.0.1:$port/minhutest"
}

# An S3-compatible store of somebody else's, for media.
start_bucket() {
    local venv port
    venv=$(tests/peers/venv.sh)
    port=$(free_port)
    "$venv/bin/moto_server" --host 127.0.0.1 --port "$port" >/dev/null 2>&1 &
    bucket=$!
    export MINHUTEST_S3="http://127.0.0.1:$port/minhutest"
    "$venv/bin/python" -c '
import sys, time, urllib.request
for _ in range(300):
    try:
        urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="PUT"), timeout=5)
        break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit("the store did not start")' "$MINHUTEST_S3"
}

# Runs cargo test, adds what it counted; a run that ends without a count is one failure.
cargo_test() {
    local log status=0
    log=$(mktemp)
    cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
    local counts
    counts=$(awk '/^test result:/ { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$log")
    rm -f "$log"
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    if [ "$status" != 0 ] && [ "${counts#* }" = 0 ]; then failed=$((failed + 1)); fi
}

# Runs something that is one test.
one_test() {
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $*"; fi
}

prepare
start_bucket

echo "── SQLite, and the simulator in a browser"
MINHUTEST_BROWSER=1 cargo_test

echo "── PostgreSQL"
start_postgres
MINHUTEST_NGINX=1 cargo_test
unset MINHUTEST_DATABASE_URL

echo "── independent clients of the platforms"
cargo build --locked
one_test tests/peers/run.sh --self-check
one_test tests/peers/run.sh target/debug/minhu

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
