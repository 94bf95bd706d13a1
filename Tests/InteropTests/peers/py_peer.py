#!/usr/bin/env python3
"""A py-libp2p 0.8.1 peer (TCP, Noise, yamux, DHT) driven by JSON lines on standard input, for Tests/InteropTests.

The same requests as go_peer.py. Run with the interpreter of the virtual environment that setup-peers makes.
"""
import json
import logging
import os
import sys

import multiaddr
import trio
from libp2p import create_yamux_muxer_option, new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519_key_pair
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.records.pubkey import PublicKeyValidator
from libp2p.records.validator import NamespacedValidator
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.tools.anyio_service import background_trio_service

ECHO = TProtocol("/dsmp/echo/1.0.0")
BLOCK = 1 << 16


async def serve_echo(stream):
    try:
        while data := await stream.read(BLOCK):
            await stream.write(data)
        await stream.close()
    except Exception:
        await stream.reset()  # The other side ended the stream; the library has an exception for each way.


async def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = await stream.read(count - len(data))
        if not piece:
            raise ValueError(f"the stream ended after {len(data)} of {count} bytes")
        data += piece
    return data


class Peer:
    def __init__(self, host, dht):
        self.host = host
        self.dht = dht

    async def echo_once(self, peer, count, seed):
        stream = await self.host.new_stream(peer, [ECHO])
        pattern = bytes((index * 31 + seed) & 0xFF for index in range(256)) * (BLOCK // 256)

        async def send():
            left = count
            while left > 0:
                await stream.write(pattern[: min(left, BLOCK)])
                left -= min(left, BLOCK)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            received = 0
            while received < count:
                data = await stream.read(BLOCK)
                if not data:
                    raise ValueError(f"the stream ended after {received} of {count} bytes")
                start = received % BLOCK
                if data != (pattern + pattern)[start : start + len(data)]:
                    raise ValueError(f"wrong bytes after {received}")
                received += len(data)
        await stream.close()

    async def echo(self, peer, count, streams):
        async with trio.open_nursery() as nursery:
            for seed in range(streams):
                nursery.start_soon(self.echo_once, peer, count, seed)
        return streams * count

    async def ping(self, peer, count):
        stream = await self.host.new_stream(peer, [TProtocol("/ipfs/ping/1.0.0")])
        for _ in range(count):
            payload = os.urandom(32)
            await stream.write(payload)
            if await read_exactly(stream, 32) != payload:
                raise ValueError("wrong answer to a ping")
        await stream.close()
        return count

    async def identify(self, peer):
        stream = await self.host.new_stream(peer, [TProtocol("/ipfs/id/1.0.0")])
        length = shift = 0
        while True:
            byte = (await read_exactly(stream, 1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        message = Identify()
        message.ParseFromString(await read_exactly(stream, length))
        return {
            "agent": message.agent_version,
            "protocolVersion": message.protocol_version,
            "protocols": sorted(message.protocols),
            "listen": [str(multiaddr.Multiaddr(address)) for address in message.listen_addrs],
            "observed": str(multiaddr.Multiaddr(message.observed_addr)) if message.observed_addr else "",
            "key": message.public_key.hex(),
            "recordBytes": len(message.signedPeerRecord),
        }

    async def answer(self, request):
        peer = ID.from_base58(request["peer"]) if "peer" in request else None
        match request["op"]:
            case "connect":
                address = multiaddr.Multiaddr(f"{request['addresses'][0]}/p2p/{request['peer']}")
                return await self.host.connect(info_from_p2p_addr(address))
            case "disconnect":
                return await self.host.disconnect(peer)
            case "peers":
                return [str(connected) for connected in self.host.get_connected_peers()]
            case "ping":
                return await self.ping(peer, request["count"])
            case "identify":
                return await self.identify(peer)
            case "echo":
                return await self.echo(peer, request["bytes"], request["streams"])
            case "findPeer":
                found = await self.dht.find_peer(peer)
                return [str(address) for address in found.addrs] if found else []
            case "provide":
                return await self.dht.provide(request["key"])
            case "findProviders":
                return [str(found.peer_id) for found in await self.dht.find_providers(request["key"])]
            case unknown:
                raise ValueError(f"no request {unknown}")


async def main():
    key_pair = create_new_key_pair()
    security = {NOISE: NoiseTransport(key_pair, noise_privkey=create_x25519_key_pair().private_key)}
    listen = [multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]
    host = new_host(
        key_pair=key_pair, sec_opt=security, muxer_opt=create_yamux_muxer_option(), listen_addrs=listen
    )
    async with host.run(listen_addrs=listen):
        host.set_stream_handler(ECHO, serve_echo)
        dht = KadDHT(host, DHTMode.SERVER, validator=NamespacedValidator({"pk": PublicKeyValidator()}))
        async with background_trio_service(dht):
            peer = Peer(host, dht)
            addresses = [str(address).split("/p2p/")[0] for address in host.get_addrs()]
            print(json.dumps({"peer": str(host.get_id()), "addresses": addresses}), flush=True)
            async for line in trio.wrap_file(sys.stdin):
                try:
                    with trio.fail_after(240):
                        result = {"ok": await peer.answer(json.loads(line))}
                except BaseException as error:
                    if isinstance(error, (KeyboardInterrupt, trio.Cancelled)):
                        raise
                    result = {"error": f"{type(error).__name__}: {error}"}
                print(json.dumps(result), flush=True)
    # The library leaves tasks behind that would keep the process.
    os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL)
    trio.run(main)
