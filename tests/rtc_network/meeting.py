"""Two peers that meet in a network, move, and finish what they have begun."""

import time
import unittest

from network import Link, Nat, Network
import programs
from peer import RtcPeer

MIB = 1024 * 1024

# A peer that has moved is connected again in so many seconds; it is one or two if nothing else is going on.
BACK_WITHIN = 6

# After so many seconds another MiB has arrived, on a machine that is busy with other things: three otherwise.
GOES_ON_WITHIN = 20


class Meeting(unittest.TestCase):
    def meet(self, network, sent, received=None, options=(), transports=("udp",), runner=()):
        """Starts servers and both peers. The first one sends so many bytes, the second one as many if nothing is said
        of it."""
        server = network.start_server(programs.SERVER)
        network.start_turn()
        sizes = (sent, sent if received is None else received)
        return self.start(network, server, sizes, (options, options), transports, runner)

    def start(self, network, server, sizes, options, transports=(), runner=(), sides="ab",
              of_invitation=lambda uri: uri):
        """Starts both peers: initiator and responder, the latter with what is made of the invitation."""
        alice = RtcPeer(network, sides[0], "initiator", f"--server={server}", f"--server-key={network.server_key}",
                        f"--send={sizes[0]}", f"--receive={sizes[1]}", *options[0], transports=transports, runner=runner)
        invitation = of_invitation(alice.wait_for("invitation")["uri"])
        bob = RtcPeer(network, sides[1], "responder", f"--invitation={invitation}",
                      f"--send={sizes[1]}", f"--receive={sizes[0]}", *options[1], transports=transports, runner=runner)
        return alice, bob

    def finish(self, peers, limit=120):
        for peer in peers:
            if peer.expects:
                peer.wait_for("received", bytes=peer.expects, limit=limit)
        for peer in peers:
            peer.wait_for("closed")
            peer.ends_well()

    def moves(self, sides, sent, received, transports=("udp",), options=(), nat=Nat.SYMMETRIC, restarts=True,
              runner=()):
        """Peers get other addresses in the middle of what one of them sends; the transfer goes on in time."""
        # The delay keeps the transfer from being over too soon.
        with Network(nat_a=nat, nat_b=nat, link_a=Link(delay_ms=10)) as network:
            if "udp" not in transports:
                for blocked in "ab":
                    network.block_udp(blocked)
            peers = self.meet(network, sent, received, options, transports, runner)
            for peer in peers:
                peer.wait_for("state", state="connected")
                peer.wait_for("handover")
            receiver = next(peer for peer in peers if peer.expects)
            while receiver.wait_for("progress")["received"] < MIB:
                pass
            for side in sides:
                network.change_address(side)
            moved = time.monotonic()
            for side, peer in zip("ab", peers):
                if side in sides:
                    peer.wait_for("state", state="disconnected")
                    self.assertLess(peer.wait_for("state", state="connected")["at"] - moved, BACK_WITHIN)
            # What had arrived by then, and was still in buffers, does not count.
            before = MIB
            while True:
                progress = receiver.wait_for("progress")
                if progress["at"] < moved + 0.1:
                    before = progress["received"]
                elif progress["received"] >= before + MIB:
                    break
            self.assertLess(progress["at"] - moved, GOES_ON_WITHIN)
            if restarts:
                # The path was gone, and the signalling with it. First there is some path again, on which the
                # initiator then asks for an ICE restart.
                for peer in peers:
                    peer.wait_for("restart")
            self.assertNotIn("received", [event["event"] for event in receiver.seen], "it was over too soon")
            self.finish(peers, limit=300)
            # The peer that stayed where it was did not even count as disconnected, which takes 7 seconds.
            for side, peer in zip("ab", peers):
                if side not in sides:
                    self.assertNotIn("disconnected", [event.get("state") for event in peer.seen])
