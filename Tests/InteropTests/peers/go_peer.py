#!/usr/bin/env python3
"""A go-libp2p peer (p2pd) driven by JSON lines on standard input, for Tests/InteropTests.

First line out: {"peer": id, "addresses": [...]}. A request is {"op": name, ...}; its answer {"ok": result} or
{"error": text}. Ends, and p2pd with it, when standard input ends.
"""
import json
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from p2pdctl import Ctl, Node, base58, decode, from_base58, multiaddr_text, read_varint  # noqa: E402

ECHO = "/dsmp/echo/1.0.0"
BLOCK = 1 << 18


def serve_echo(path):
    """Sends back what comes on every stream that p2pd hands over."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(128)

    def serve(connection):
        try:
            Ctl._read(connection)
            while data := connection.recv(BLOCK):
                connection.sendall(data)
        except OSError:
            pass  # The other side reset the stream.
        finally:
            connection.close()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def echo_once(node, peer, count, seed, failures):
    """Sends `count` bytes on one stream and compares what comes back."""
    try:
        stream, _ = node.stream_open(peer, [ECHO])
        pattern = bytes((index * 31 + seed) & 0xFF for index in range(256)) * 256

        def send():
            left = count
            while left > 0:
                stream.sendall(pattern[: min(left, len(pattern))])
                left -= min(left, len(pattern))

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        received, buffer = 0, bytearray(BLOCK)
        while received < count:
            size = stream.recv_into(buffer, min(BLOCK, count - received))
            if size == 0:
                raise ValueError(f"the stream ended after {received} of {count} bytes")
            start = received % len(pattern)
            expected = (pattern * 5)[start : start + size]
            if buffer[:size] != expected:
                raise ValueError(f"wrong bytes after {received}")
            received += size
        sender.join()
        stream.close()
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}")


def echo(node, peer, count, streams):
    failures = []
    threads = [
        threading.Thread(target=echo_once, args=(node, peer, count, seed, failures)) for seed in range(streams)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise ValueError("; ".join(failures[:3]))
    return streams * count


def ping(node, peer, count):
    stream, _ = node.stream_open(peer, ["/ipfs/ping/1.0.0"])
    for _ in range(count):
        payload = os.urandom(32)
        stream.sendall(payload)
        if Ctl._receive(stream, 32) != payload:
            raise ValueError("wrong answer to a ping")
    stream.close()
    return count


def identify(node, peer):
    """What the peer says about itself, asked on a stream of our own."""
    stream, _ = node.stream_open(peer, ["/ipfs/id/1.0.0"])
    data = b""
    while piece := stream.recv(BLOCK):
        data += piece
    length, start = read_varint(data)
    fields = decode(data[start : start + length])
    return {
        "agent": fields[6][0].decode(),
        "protocolVersion": fields[5][0].decode(),
        "protocols": sorted(name.decode() for name in fields.get(3, [])),
        "listen": [multiaddr_text(address) for address in fields.get(2, [])],
        "observed": multiaddr_text(fields[4][0]) if 4 in fields else "",
        "key": fields[1][0].hex(),
        "recordBytes": len(fields[8][0]) if 8 in fields else 0,
    }


def answer(node, request):
    peer = from_base58(request["peer"]) if "peer" in request else None
    match request["op"]:
        case "connect":
            return node.connect(peer, request["addresses"])
        case "disconnect":
            return node.disconnect(peer)
        case "peers":
            return [base58(entry[0]) for entry in node.list_peers()]
        case "ping":
            return ping(node, peer, request["count"])
        case "identify":
            return identify(node, peer)
        case "echo":
            return echo(node, peer, request["bytes"], request["streams"])
        case "open":
            stream, agreed = node.stream_open(peer, request["protocols"])
            stream.close()
            return agreed
        case "findPeer":
            return node.find_peer(peer)[1]
        case "closest":
            return [base58(found) for found in node.closest(bytes.fromhex(request["key"]))]
        case "put":
            return node.put_value(bytes.fromhex(request["key"]), bytes.fromhex(request["value"]))
        case "get":
            return node.get_value(bytes.fromhex(request["key"])).hex()
        case "provide":
            return node.provide(bytes.fromhex(request["cid"]))
        case "findProviders":
            return [base58(found[0]) for found in node.find_providers(bytes.fromhex(request["cid"]), request["count"])]
        case unknown:
            raise ValueError(f"no request {unknown}")


def main():
    with Node(*sys.argv[1:]) as node:
        path = node.folder + "/echo.sock"
        serve_echo(path)
        node.stream_handler(path, [ECHO])
        print(json.dumps({"peer": node.peer, "addresses": node.tcp}), flush=True)
        for line in sys.stdin:
            try:
                result = {"ok": answer(node, json.loads(line))}
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
