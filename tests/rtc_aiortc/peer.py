#!/usr/bin/env python3
"""An ORTC peer that shares nothing with the library: a SaltyRTC client made of PyNaCl and websockets, and the transports of
aiortc, whose API follows that of ORTC. It meets the library, echoes what comes on its channels, and says on the standard
output what happens.

    ortc_peer.py initiator SERVER-URL DTLS-ROLE            prints "invitation PATH-KEY TOKEN" in hexadecimal
    ortc_peer.py responder SERVER-URL DTLS-ROLE PATH TOKEN

DTLS-ROLE is auto, client or server. With WRONG_FINGERPRINT in the environment, it announces another certificate.
"""

import asyncio
import os
import secrets
import struct
import sys

import msgpack
import websockets
from aiortc import (
    RTCCertificate, RTCDataChannel, RTCDataChannelParameters, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport,
    RTCIceCandidate, RTCIceGatherer, RTCIceParameters, RTCIceTransport, RTCSctpCapabilities, RTCSctpTransport,
)
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox

TASK = "v0.ortc.tasks.saltyrtc.org"
SUBPROTOCOL = "v1.saltyrtc.org"


def say(*words):
    print(*words, flush=True)


class Stream:
    """Nonces of what is sent to one receiver."""

    def __init__(self):
        self.cookie = secrets.token_bytes(16)
        self.number = secrets.randbits(32)

    def nonce(self, source, destination):
        nonce = self.cookie + bytes([source, destination]) + self.number.to_bytes(6, "big")
        self.number += 1
        return nonce

    def channel_nonce(self, channel):
        nonce = self.cookie + channel.to_bytes(2, "big") + self.number.to_bytes(6, "big")
        self.number += 1
        return nonce


class Signalling:
    """The client: the handshakes with the server and with the peer, and messages of the task."""

    def __init__(self, socket, role, key, path, token):
        self.socket, self.role, self.key, self.path, self.token = socket, role, key, path, token
        self.address, self.peer = 0, None
        self.to_server, self.to_peer = Stream(), Stream()
        self.over_channel = None

    async def send(self, stream, destination, box, message):
        nonce = stream.nonce(self.address, destination)
        data = msgpack.packb(message)
        await self.socket.send(nonce + (box.encrypt(data, nonce).ciphertext if box else data))

    async def receive(self):
        data = await self.socket.recv()
        return data[:24], data[24:]

    async def meet_server(self):
        nonce, data = await self.receive()
        hello = msgpack.unpackb(data)
        assert hello["type"] == "server-hello", hello
        if self.role == "responder":
            message = {"type": "client-hello", "key": bytes(self.key.public_key)}
            await self.send(self.to_server, 0, None, message)
        self.server_box = Box(self.key, PublicKey(hello["key"]))
        auth = {"type": "client-auth", "your_cookie": nonce[:16], "subprotocols": [SUBPROTOCOL], "ping_interval": 0}
        await self.send(self.to_server, 0, self.server_box, auth)
        nonce, data = await self.receive()
        auth = msgpack.unpackb(self.server_box.decrypt(data, nonce))
        assert auth["type"] == "server-auth" and auth["your_cookie"] == self.to_server.cookie, auth
        self.address = nonce[17]
        return auth

    async def from_server(self, kind):
        while True:
            nonce, data = await self.receive()
            assert nonce[16] == 0, nonce
            message = msgpack.unpackb(self.server_box.decrypt(data, nonce))
            if message["type"] == kind:
                return message

    async def meet_peer(self):
        auth = await self.meet_server()
        session = PrivateKey.generate()
        data = {TASK: {"exclude": [], "handover": ["sctp"]}}
        if self.role == "initiator":
            if auth["responders"]:
                self.peer = auth["responders"][0]
            else:
                self.peer = (await self.from_server("new-responder"))["id"]
            nonce, data_ = await self.receive()
            token = msgpack.unpackb(SecretBox(self.token).decrypt(data_, nonce))
            assert token["type"] == "token", token
            permanent = Box(self.key, PublicKey(token["key"]))
            nonce, data_ = await self.receive()
            key = msgpack.unpackb(permanent.decrypt(data_, nonce))
            assert key["type"] == "key", key
            await self.send(self.to_peer, self.peer, permanent, {"type": "key", "key": bytes(session.public_key)})
            self.box = Box(session, PublicKey(key["key"]))
            nonce, data_ = await self.receive()
            auth = msgpack.unpackb(self.box.decrypt(data_, nonce))
            assert auth["type"] == "auth" and TASK in auth["tasks"], auth
            reply = {"type": "auth", "your_cookie": nonce[:16], "task": TASK, "data": data}
            await self.send(self.to_peer, self.peer, self.box, reply)
        else:
            self.peer = 1
            if not auth["initiator_connected"]:
                await self.from_server("new-initiator")
            permanent = Box(self.key, PublicKey(self.path))
            message = {"type": "token", "key": bytes(self.key.public_key)}
            await self.send(self.to_peer, 1, SecretBox(self.token), message)
            await self.send(self.to_peer, 1, permanent, {"type": "key", "key": bytes(session.public_key)})
            nonce, data_ = await self.receive()
            key = msgpack.unpackb(permanent.decrypt(data_, nonce))
            assert key["type"] == "key", key
            self.box = Box(session, PublicKey(key["key"]))
            mine = {"type": "auth", "your_cookie": nonce[:16], "tasks": [TASK], "data": data}
            await self.send(self.to_peer, 1, self.box, mine)
            nonce, data_ = await self.receive()
            auth = msgpack.unpackb(self.box.decrypt(data_, nonce))
            assert auth["type"] == "auth" and auth["task"] == TASK, auth
        assert auth["your_cookie"] == self.to_peer.cookie
        assert auth["data"][TASK]["handover"] == ["sctp"], auth
        say("met")

    async def tell(self, message):
        """Sends a message of the task."""
        if self.over_channel:
            return self.over_channel.send(msgpack.packb(message))
        await self.send(self.to_peer, self.peer, self.box, message)

    async def next(self):
        while True:
            nonce, data = await self.receive()
            if nonce[16] == self.peer:
                return msgpack.unpackb(self.box.decrypt(data, nonce))


class Wrapped:
    """A wrapped data channel, with chunks in unreliable/unordered mode."""

    def __init__(self, channel, box, size):
        self.channel, self.box, self.size = channel, box, size
        self.stream, self.messages = Stream(), 0
        # Chunks of incomplete messages, and messages that wait for somebody who handles them.
        self.parts, self.waiting = {}, []
        self.handle = None
        channel.on("message", self.arrived)

    def send(self, plain):
        nonce = self.stream.channel_nonce(self.channel.id)
        sealed = nonce + self.box.encrypt(plain, nonce).ciphertext
        step = self.size - 9
        pieces = [sealed[at:at + step] for at in range(0, len(sealed), step)]
        for serial, piece in enumerate(pieces):
            last = serial + 1 == len(pieces)
            self.channel.send(struct.pack(">BII", last, self.messages, serial) + piece)
        self.messages += 1

    def arrived(self, data):
        options, number, serial = struct.unpack(">BII", data[:9])
        parts = self.parts.setdefault(number, {})
        parts[serial] = data[9:]
        if options & 1:
            parts["last"] = serial
        if "last" in parts and len(parts) == parts["last"] + 2:
            del self.parts[number]
            sealed = b"".join(parts[i] for i in range(parts["last"] + 1))
            nonce = sealed[:24]
            assert nonce[16:18] == self.channel.id.to_bytes(2, "big"), "another channel"
            self.waiting.append(self.box.decrypt(sealed[24:], nonce))
            self.flush()

    def flush(self):
        while self.handle and self.waiting:
            self.handle(self.waiting.pop(0))


async def run(role, url, dtls_role, path, token):
    key = PrivateKey.generate()
    if role == "initiator":
        path, token = bytes(key.public_key), secrets.token_bytes(32)
        say("invitation", path.hex(), token.hex())
    async with websockets.connect(f"{url}/{path.hex()}", subprotocols=[SUBPROTOCOL]) as socket:
        signalling = Signalling(socket, role, key, path, token)
        await signalling.meet_peer()
        await connect(signalling, role, dtls_role)


async def connect(signalling, role, dtls_role):
    gatherer = RTCIceGatherer(iceServers=[])
    ice = RTCIceTransport(gatherer)
    dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
    sctp = RTCSctpTransport(dtls)
    await gatherer.gather()
    ours = gatherer.getLocalParameters()
    controlling = role == "initiator"
    await signalling.tell({
        "type": "ice-parameters",
        "parameters": {"usernameFragment": ours.usernameFragment, "password": ours.password, "iceLite": False},
        "role": "controlling" if controlling else "controlled",
    })
    fingerprints = [{"algorithm": f.algorithm, "value": f.value} for f in dtls.getLocalParameters().fingerprints]
    if "WRONG_FINGERPRINT" in os.environ:
        for fingerprint in fingerprints:
            digits = fingerprint["value"]
            fingerprint["value"] = "".join(c if c == ":" else "0" for c in digits)
    await signalling.tell({"type": "dtls-parameters", "parameters": {"role": dtls_role, "fingerprints": fingerprints}})
    await signalling.tell({"type": "sctp-capabilities", "capabilities": {"maxMessageSize": 65535}})
    candidates = [{"candidate": {
        "foundation": c.foundation, "priority": c.priority, "ip": c.ip, "protocol": c.protocol, "port": c.port,
        "type": c.type, **({"relatedAddress": c.relatedAddress, "relatedPort": c.relatedPort} if c.relatedAddress else {}),
    }} for c in gatherer.getLocalCandidates()]
    await signalling.tell({"type": "ice-candidates", "candidates": candidates + [{"candidate": {"complete": True}}]})

    theirs, complete = {}, False
    while len(theirs) < 3 or not complete:
        message = await signalling.next()
        kind = message["type"]
        if kind == "ice-candidates":
            for entry in message["candidates"]:
                entry = entry["candidate"]
                complete = complete or entry.get("complete", False)
                if "ip" in entry:
                    await ice.addRemoteCandidate(RTCIceCandidate(
                        component=1, foundation=entry["foundation"], ip=entry["ip"], port=entry["port"],
                        priority=entry["priority"], protocol=entry["protocol"], type=entry["type"],
                        relatedAddress=entry.get("relatedAddress"), relatedPort=entry.get("relatedPort")))
        else:
            theirs[kind] = message
    await ice.addRemoteCandidate(None)
    parameters = theirs["ice-parameters"]["parameters"]
    remote = theirs["dtls-parameters"]["parameters"]
    size = theirs["sctp-capabilities"]["capabilities"]["maxMessageSize"]
    ice._connection.ice_controlling = controlling
    await ice.start(RTCIceParameters(usernameFragment=parameters["usernameFragment"], password=parameters["password"]))
    say("ice", ice.state)
    # aiortc decides about `auto` by the ICE role, as the ORTC API has it: the controlling side is the server. It does not
    # look at what the other side says.
    role = dtls_role
    if role == "auto":
        role = {"auto": "auto", "client": "server", "server": "client"}[remote["role"]]
    if role != "auto":
        dtls._set_role(role)
    await dtls.start(RTCDtlsParameters(role=remote["role"], fingerprints=[
        RTCDtlsFingerprint(algorithm=f["algorithm"], value=f["value"]) for f in remote["fingerprints"]]))
    say("dtls", dtls.state)
    if dtls.state != "connected":
        return

    closed = asyncio.Event()

    @sctp.on("datachannel")
    def channel_came(channel):
        say("channel", channel.label)
        wrapped = Wrapped(channel, signalling.box, min(size or 65535, 65535))
        wrapped.handle = wrapped.send
        wrapped.flush()

    await sctp.start(RTCSctpCapabilities(maxMessageSize=size or 65536), 5000)
    # Negotiated: both sides make it.
    channel = RTCDataChannel(sctp, RTCDataChannelParameters(
        label=SUBPROTOCOL, protocol=SUBPROTOCOL, ordered=True, negotiated=True, id=0))
    over = Wrapped(channel, signalling.box, min(size or 65535, 65535))
    opened = asyncio.Event()
    if channel.readyState == "open":
        opened.set()
    channel.on("open", opened.set)
    await opened.wait()
    await signalling.tell({"type": "handover"})
    signalling.over_channel = over
    while (await signalling.next())["type"] != "handover":
        pass
    await signalling.socket.close(3003)
    say("handed over")

    def signal(plain):
        message = msgpack.unpackb(plain)
        say("signal", message["type"])
        if message["type"] == "application":
            over.send(msgpack.packb({"type": "application", "data": message["data"]}))
        elif message["type"] == "close":
            closed.set()

    over.handle = signal
    over.flush()
    await closed.wait()
    await sctp.stop()
    await dtls.stop()
    await ice.stop()
    say("closed")


def main():
    role, url, dtls_role, *rest = sys.argv[1:]
    path, token = (bytes.fromhex(text) for text in rest) if rest else (None, None)
    asyncio.run(run(role, url, dtls_role, path, token))


if __name__ == "__main__":
    main()
