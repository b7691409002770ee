#!/usr/bin/env python3
"""Start time and memory of the demonstration: tests/figures.py target/release/minhu"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ADDRESS = "http://127.0.0.1:8080/hook/sim"


def post(number):
    body = json.dumps({"id": str(number), "account": "laozhou", "group": None, "text": "你好"}).encode()
    request = urllib.request.Request(ADDRESS, body, {"content-type": "application/json"})
    return urllib.request.urlopen(request, timeout=5).status


def start_to_answer(program, folder):
    begun = time.perf_counter()
    process = subprocess.Popen([program], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while time.perf_counter() - begun < 20:
        try:
            post(time.time_ns())
            return process, time.perf_counter() - begun
        except OSError:
            time.sleep(0.002)
    process.kill()
    sys.exit("no answer in 20 s: is something else on port 8080?")


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(8):
            process, took = start_to_answer(program, folder)
            times.append(took)
            if run == 7:
                time.sleep(20)
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            process.send_signal(signal.SIGTERM)
            process.wait()
    again = sorted(times[1:])
    print(f"empty database {times[0]:.3f} s; existing: {again[0]:.3f} to {again[-1]:.3f} s, median {again[3]:.3f} s")
    print(" ".join(resident.split()))


main()
