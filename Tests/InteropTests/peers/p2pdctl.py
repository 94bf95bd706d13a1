"""Drives go-libp2p-daemon (p2pd) over its control socket. Standard library only.

Each message is an unsigned-varint length and a Protocol Buffers message (go-libp2p-daemon, pb/p2pd.proto). One connection
may carry many requests, except after STREAM_OPEN, which turns it into the raw stream. For STREAM_HANDLER the daemon dials
the address it was given, writes one StreamInfo and then passes the stream's bytes.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
P2PD = os.environ.get("P2PD", os.path.join(HERE, "..", "..", "..", ".peers", "p2pd"))
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


# Wire formats


def varint(value):
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_varint(data, index=0):
    value = shift = 0
    while True:
        byte = data[index]
        index += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, index


def encode(fields):
    """Fields as (number, value): an integer or a bool is a varint, bytes and text are length-delimited, None is absent."""
    encoded = b""
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(int(value) & (1 << 64) - 1)
        else:
            value = value.encode() if isinstance(value, str) else value
            encoded += varint(number << 3 | 2) + varint(len(value)) + value
    return encoded


def decode(data):
    """The values of each field number, in order."""
    fields, index = {}, 0
    while index < len(data):
        tag, index = read_varint(data, index)
        kind = tag & 7
        if kind == 0:
            value, index = read_varint(data, index)
        elif kind == 2:
            length, index = read_varint(data, index)
            value, index = data[index : index + length], index + length
        else:
            length = {1: 8, 5: 4}[kind]
            value, index = data[index : index + length], index + length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58(text):
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multiaddr(text):
    parts, encoded, index = text.strip("/").split("/"), b"", 0
    while index < len(parts):
        kind = parts[index]
        if kind == "unix":
            path = ("/" + "/".join(parts[index + 1 :])).encode()
            return encoded + varint(400) + varint(len(path)) + path
        value = parts[index + 1]
        if kind == "ip4":
            encoded += b"\x04" + socket.inet_aton(value)
        elif kind == "ip6":
            encoded += b"\x29" + socket.inet_pton(socket.AF_INET6, value)
        elif kind == "tcp":
            encoded += b"\x06" + int(value).to_bytes(2, "big")
        elif kind == "p2p":
            peer = from_base58(value)
            encoded += varint(421) + varint(len(peer)) + peer
        else:
            raise ValueError(f"{kind} in {text}")
        index += 2
    return encoded


def multiaddr_text(data):
    text, index = "", 0
    while index < len(data):
        code, index = read_varint(data, index)
        if code == 0x04:
            text, index = text + "/ip4/" + socket.inet_ntoa(data[index : index + 4]), index + 4
        elif code == 0x29:
            text, index = text + "/ip6/" + socket.inet_ntop(socket.AF_INET6, data[index : index + 16]), index + 16
        elif code in (0x06, 0x0111):
            name = "tcp" if code == 0x06 else "udp"
            text, index = f"{text}/{name}/{int.from_bytes(data[index : index + 2], 'big')}", index + 2
        elif code == 0x01A5:
            length, index = read_varint(data, index)
            text, index = text + "/p2p/" + base58(data[index : index + length]), index + length
        else:
            return f"{text}/?{code}"
    return text


class P2PDError(Exception):
    pass


class Ctl:
    """Requests to a running daemon."""

    def __init__(self, path):
        self.path = path

    def _connect(self, timeout=30):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(self.path)
        return connection

    @staticmethod
    def _receive(connection, count):
        data = bytearray()
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise P2PDError("the control socket was closed")
            data += piece
        return bytes(data)

    @staticmethod
    def _read(connection):
        length = shift = 0
        while True:
            byte = Ctl._receive(connection, 1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return Ctl._receive(connection, length)

    @staticmethod
    def _write(connection, message):
        connection.sendall(varint(len(message)) + message)

    @staticmethod
    def _answer(connection):
        answer = decode(Ctl._read(connection))
        if answer[1][0] != 0:
            raise P2PDError(decode(answer[2][0])[1][0].decode(errors="replace"))
        return answer

    def _request(self, kind, *fields, timeout=30):
        with self._connect(timeout) as connection:
            self._write(connection, encode([(1, kind), *fields]))
            return self._answer(connection)

    @staticmethod
    def _peer_info(data):
        info = decode(data)
        return info[1][0], [multiaddr_text(address) for address in info.get(2, [])]

    def identify(self):
        return self._peer_info(self._request(0)[4][0])

    def connect(self, peer, addresses, timeout=10):
        self._request(1, (2, encode([(1, peer)] + [(2, multiaddr(a)) for a in addresses] + [(3, timeout)])))

    def disconnect(self, peer):
        self._request(7, (7, encode([(1, peer)])))

    def list_peers(self):
        return [self._peer_info(entry) for entry in self._request(5).get(6, [])]

    def stream_open(self, peer, protocols, timeout=10):
        """The raw stream, and the protocol that was agreed on."""
        connection = self._connect(timeout + 5)
        message = encode([(1, peer)] + [(2, protocol) for protocol in protocols] + [(3, timeout)])
        self._write(connection, encode([(1, 2), (3, message)]))
        answer = self._answer(connection)
        connection.settimeout(120)
        return connection, decode(answer[3][0])[3][0].decode()

    def stream_handler(self, path, protocols):
        """Has streams for these protocols passed to whoever listens on a Unix socket."""
        self._request(3, (4, encode([(1, multiaddr("/unix" + path))] + [(2, p) for p in protocols] + [(3, False)])))

    # The DHT

    def _dht(self, kind, peer=None, cid=None, key=None, value=None, count=None, timeout=10):
        fields = [(1, kind), (2, peer), (3, cid), (4, key), (5, value), (6, count), (7, timeout)]
        connection = self._connect(timeout + 5)
        self._write(connection, encode([(1, 4), (5, encode(fields))]))
        return connection, self._answer(connection)

    def _dht_one(self, kind, **fields):
        connection, answer = self._dht(kind, **fields)
        connection.close()
        return decode(answer[5][0]) if 5 in answer else {}

    def _dht_many(self, kind, **fields):
        connection, _ = self._dht(kind, **fields)
        with connection:
            while True:
                item = decode(self._read(connection))
                if item[1][0] == 2:
                    return
                yield item

    def find_peer(self, peer, timeout=10):
        return self._peer_info(self._dht_one(0, peer=peer, timeout=timeout)[2][0])

    def find_providers(self, cid, count=20, timeout=10):
        return [self._peer_info(item[2][0]) for item in self._dht_many(2, cid=cid, count=count, timeout=timeout)]

    def closest(self, key, timeout=10):
        return [item[3][0] for item in self._dht_many(3, key=key, timeout=timeout)]

    def get_value(self, key, timeout=10):
        return self._dht_one(5, key=key, timeout=timeout)[3][0]

    def put_value(self, key, value, timeout=10):
        self._dht_one(7, key=key, value=value, timeout=timeout)

    def provide(self, cid, timeout=10):
        self._dht_one(8, cid=cid, timeout=timeout)


class Node(Ctl):
    """One p2pd process on 127.0.0.1, without bootstrap peers, NAT mapping and relays."""

    def __init__(self, *arguments, dht="-dhtServer"):
        self.folder = tempfile.mkdtemp(prefix="p2pd.")
        super().__init__(self.folder + "/ctl.sock")
        command = [P2PD, "-listen", "/unix" + self.path, "-hostAddrs", "/ip4/127.0.0.1/tcp/0"]
        command += ["-autoRelay=false", "-relayDiscovery=false", *([dht] if dht else []), *arguments]
        with open(self.folder + "/log", "wb") as log:
            self.proc = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            self.id, self.addrs = self._wait()
        except Exception:
            self.close()
            raise
        self.peer = base58(self.id)
        self.tcp = [address for address in self.addrs if "/tcp/" in address]

    def _wait(self):
        for _ in range(500):
            try:
                return self.identify()
            except (OSError, P2PDError):
                if self.proc.poll() is not None:
                    raise P2PDError(open(self.folder + "/log").read()) from None
                time.sleep(0.02)
        raise P2PDError("p2pd did not start")

    def close(self):
        self.proc.terminate()
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
