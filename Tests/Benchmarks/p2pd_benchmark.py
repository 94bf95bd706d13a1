#!/usr/bin/env python3
"""Measures two go-libp2p daemons (p2pd) on loopback: the peer that our own figures stand beside.

Prints one JSON object a line: {"name": ..., "unit": ..., "median": ..., "runs": ...}. Needs P2PD (Tests/Support/setup-peers).
"""
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "InteropTests", "peers"))
from p2pdctl import Ctl, Node  # noqa: E402

CONNECTS = 50
PINGS = 500
STREAM_BYTES = 512 << 20
STREAM_RUNS = 3
BLOCK = 1 << 20
SINK = "/dsmp/bench-sink/1.0.0"


def report(name, unit, values):
    print(json.dumps({"name": name, "unit": unit, "median": statistics.median(values), "runs": len(values)}), flush=True)


def serve_sink(path):
    """Accepts what p2pd hands over: one StreamInfo, eight bytes of length, then so many bytes; answers one byte."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)

    def serve(connection):
        Ctl._read(connection)
        length = b""
        while len(length) < 8:
            length += connection.recv(8 - len(length))
        left = int.from_bytes(length, "big")
        block = bytearray(BLOCK)
        while left > 0:
            left -= connection.recv_into(block, min(BLOCK, left))
        connection.sendall(b"\1")
        connection.close()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def connects(dialer, listener):
    values = []
    for _ in range(CONNECTS):
        start = time.perf_counter()
        dialer.connect(listener.id, listener.tcp)
        values.append(1e3 * (time.perf_counter() - start))
        dialer.disconnect(listener.id)
    report("connect to identified", "ms", values)


def pings(dialer, listener):
    stream, _ = dialer.stream_open(listener.id, ["/ipfs/ping/1.0.0"])
    values = []
    for _ in range(PINGS):
        payload = os.urandom(32)
        start = time.perf_counter()
        stream.sendall(payload)
        answer = b""
        while len(answer) < 32:
            answer += stream.recv(32 - len(answer))
        values.append(1e3 * (time.perf_counter() - start))
        assert answer == payload
    stream.close()
    report("ping through the control socket", "ms", values)


def streams(dialer, listener):
    path = tempfile.mkdtemp(prefix="p2pd-bench.") + "/sink.sock"
    serve_sink(path)
    listener.stream_handler(path, [SINK])
    block = os.urandom(BLOCK)
    values = []
    for _ in range(STREAM_RUNS):
        stream, _ = dialer.stream_open(listener.id, [SINK])
        start = time.perf_counter()
        stream.sendall(STREAM_BYTES.to_bytes(8, "big"))
        for _ in range(STREAM_BYTES // BLOCK):
            stream.sendall(block)
        assert stream.recv(1) == b"\1"
        values.append(STREAM_BYTES / (time.perf_counter() - start) / 1e6)
        stream.close()
    report("one-way stream", "MB/s", values)


def memory(node):
    time.sleep(2)  # Lets the daemon come to rest; a benchmark may wait for time itself.
    rollup = open(f"/proc/{node.proc.pid}/smaps_rollup").read().splitlines()
    figures = {line.split(":")[0]: int(line.split()[1]) for line in rollup[1:]}
    report("idle memory, resident", "MiB", [figures["Rss"] / 1024])
    report("idle memory, anonymous", "MiB", [figures["Anonymous"] / 1024])


if __name__ == "__main__":
    with Node() as idle:
        memory(idle)
    with Node() as dialer, Node() as listener:
        connects(dialer, listener)
        dialer.connect(listener.id, listener.tcp)
        pings(dialer, listener)
        streams(dialer, listener)
