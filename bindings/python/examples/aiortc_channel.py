"""WebRTC with a stack of one's own: aiortc makes the connection, and libsaltyrtc carries what it needs for that.

    pip install saltyrtc aiortc
    python aiortc_channel.py

Both sides are in this program; each is what a program of its own would do. After the connection is there, the signalling
is handed over to a data channel of it, and the server is not needed any more. The data channel of the application is
encrypted a second time, with the keys of the two peers.
"""

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

import saltyrtc

CHAT_ID = 1
#: More than aiortc says that it takes in one message is never sent.
MAX_MESSAGE_SIZE = 65536


class Connection:
    """A connection of aiortc to an authenticated peer."""

    def __init__(self, peer: saltyrtc.Peer) -> None:
        self.peer = peer
        self.rtc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        signalling = peer.signalling_channel()
        self.signalling = self.rtc.createDataChannel(
            signalling.label, protocol=signalling.protocol, negotiated=True, id=signalling.id
        )
        self.signalling.on("message", peer.transport_receive)
        self.signalling.on("close", peer.transport_closed)
        self.chat = self.rtc.createDataChannel("chat", negotiated=True, id=CHAT_ID)
        self.keys = saltyrtc.SecureChannel(peer, CHAT_ID)
        self.lines: "asyncio.Queue[str]" = asyncio.Queue()
        self.chat.on("message", lambda message: self.lines.put_nowait(self.keys.decrypt(message).decode()))

    async def offer(self) -> None:
        """The initiator makes the offer."""
        await self.rtc.setLocalDescription(await self.rtc.createOffer())
        # aiortc has all candidates in the description; others send theirs one by one.
        await self.peer.send(saltyrtc.Description("offer", self.rtc.localDescription.sdp))

    async def negotiate(self) -> None:
        """Takes what the peer's stack says, until the end of the connection."""
        async for message in self.peer:
            if isinstance(message, saltyrtc.Description):
                await self.rtc.setRemoteDescription(RTCSessionDescription(message.sdp, message.type))
                if message.type == "offer":
                    await self.rtc.setLocalDescription(await self.rtc.createAnswer())
                    await self.peer.send(saltyrtc.Description("answer", self.rtc.localDescription.sdp))
            elif message.candidate:
                candidate = candidate_from_sdp(message.candidate.split(":", 1)[1])
                candidate.sdpMid, candidate.sdpMLineIndex = message.sdp_mid, message.sdp_m_line_index
                await self.rtc.addIceCandidate(candidate)

    async def hand_over(self) -> None:
        """Waits for the data channels, and hands the signalling over to the one that is for it."""
        for channel in (self.signalling, self.chat):
            if channel.readyState != "open":
                opened = asyncio.Event()
                channel.on("open", opened.set)
                await opened.wait()
        self.peer.hand_over(MAX_MESSAGE_SIZE, self.signalling.send, self.signalling.close)
        await self.peer.handed_over()

    def say(self, line: str) -> None:
        self.chat.send(self.keys.encrypt(line.encode()))


async def side(peer: saltyrtc.Peer, says: str) -> None:
    async with peer:
        await peer.connected()
        connection = Connection(peer)
        negotiating = asyncio.ensure_future(connection.negotiate())
        try:
            if isinstance(peer, saltyrtc.Initiator):
                await connection.offer()
            await connection.hand_over()
            connection.say(says)
            print(await connection.lines.get(), flush=True)
            # Over the data channel now: a message for the application, so that nobody closes before the other has heard.
            await peer.application.send("heard")
            print(await peer.application.receive(), flush=True)
            if isinstance(peer, saltyrtc.Initiator):
                await peer.close()
            else:
                print((await peer.wait_closed()).status.name, flush=True)
        finally:
            negotiating.cancel()
            await asyncio.gather(negotiating, return_exceptions=True)
            await connection.rtc.close()


async def main() -> None:
    tasks = [saltyrtc.OwnWebRTC(exclude=[CHAT_ID])]
    async with saltyrtc.Server() as server:
        alice = saltyrtc.Initiator(server.url, tasks=tasks)
        bob = saltyrtc.Responder(alice.invitation, tasks=tasks)
        await asyncio.gather(side(alice, "Hello, Bob"), side(bob, "Hello, Alice"))


if __name__ == "__main__":
    asyncio.run(main())
