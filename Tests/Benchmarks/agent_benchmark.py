#!/usr/bin/env python3
"""Measures whole agents as a local program sees them: idle memory, and calls over the control socket, to workers on the
same agent and on another one. Prints one JSON object a line: {"name", "unit", "median", "runs"}.
"""
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DSMP = os.path.join(ROOT, ".build", "release", "dsmp")
CALLS = 300
EXEC_CALLS = 50
REST_SECONDS = 3


def report(name, unit, values):
    print(json.dumps({"name": name, "unit": unit, "median": statistics.median(values), "runs": len(values)}), flush=True)


def dsmp(*words):
    return subprocess.run([DSMP, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


class ControlConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, kept open between calls."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def call(connection, worker, method, body):
    publisher, name = worker.removeprefix("dsmp://").split("/")
    connection.request("POST", f"/v1/call/{publisher}/{name}/{method}", body)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        sys.exit(f"calling {worker} failed: {content.decode()}")
    return content


def measure(name, data, worker, method, body, count):
    connection = ControlConnection(os.path.join(data, "control.sock"))
    values = []
    for round_number in range(count + 5):
        start = time.perf_counter()
        call(connection, worker, method, body)
        if round_number >= 5:
            values.append(1e6 * (time.perf_counter() - start))
    connection.close()
    report(name, "us", values)


def idle_memory(folder):
    """An agent of its own that was just started and has nothing to do."""
    data = os.path.join(folder, "idle")
    agent = subprocess.Popen(
        [DSMP, "agent", "run", "--data", data, "--listen", "/ip4/127.0.0.1/tcp/0"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        dsmp("status", "--wait", "20", "--data", data)
        time.sleep(REST_SECONDS)  # Lets the agent come to rest; a benchmark may wait for time itself.
        with open(f"/proc/{agent.pid}/smaps_rollup") as rollup:
            figures = {line.split(":")[0]: int(line.split()[1]) for line in rollup.read().splitlines()[1:]}
    finally:
        agent.terminate()
        agent.wait()
    report("idle memory, resident", "MiB", [figures["Rss"] / 1024])
    report("idle memory, anonymous", "MiB", [figures["Anonymous"] / 1024])


def calls(folder):
    base = os.path.join(folder, "net")
    try:
        agents = json.loads(dsmp("devnet", "up", "-n", "2", "--data", base, "--json"))
        workers = os.path.join(folder, "workers")
        subprocess.run([os.path.join(ROOT, "Plugins/Workers/assemble"), workers], check=True, stdout=subprocess.DEVNULL)
        near, far = agents[0]["data"], agents[1]["data"]
        text = b"the quick brown fox\n"
        for name, method, count in (("digest", "sha256", CALLS), ("wordfreq", "count", CALLS), ("sort", "sort", EXEC_CALLS)):
            extra = ["--trust-library"] if name == "digest" else []
            published = json.loads(
                dsmp("worker", "publish", os.path.join(workers, name), *extra, "--data", near, "--json"))["worker"]
            kind = {"digest": "library", "wordfreq": "subprocess", "sort": "exec"}[name]
            measure(f"call over HTTP, same agent, {kind}", near, published, method, text, count)
            measure(f"call over HTTP, other agent, {kind}", far, published, method, text, count)
    finally:
        subprocess.run([DSMP, "devnet", "down", "--data", base], stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    scratch = tempfile.mkdtemp(prefix="dsmp-bench.")
    try:
        idle_memory(scratch)
        calls(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
