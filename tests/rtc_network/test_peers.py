"""Our library on both sides, in networks as they are."""

import unittest

from network import Link, Nat, Network
import programs
from peer import RtcPeer

MIB = 1024 * 1024


class Peers(unittest.TestCase):
    def meet(self, network, size, *options, transports=("udp",)):
        """Starts both peers, each of which sends this many bytes."""
        server = network.start_server(programs.SERVER)
        network.start_turn()
        options = (f"--send={size}", f"--receive={size}", *options)
        alice = RtcPeer(network, "a", "initiator", f"--server={server}", f"--server-key={network.server_key}",
                        *options, transports=transports)
        invitation = alice.wait_for("invitation")["uri"]
        bob = RtcPeer(network, "b", "responder", f"--invitation={invitation}", *options, transports=transports)
        return alice, bob

    def finish(self, size, *peers, limit=120):
        for peer in peers:
            peer.wait_for("received", bytes=size, limit=limit)
        for peer in peers:
            peer.wait_for("closed")
            peer.ends_well()

    def test_between_lenient_nats_they_meet_without_a_relay(self):
        size = 20 * MIB
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            peers = self.meet(network, size)
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn(path["local"], ("host", "srflx", "prflx"))
                self.assertIn(path["remote"], ("srflx", "prflx"))
                peer.wait_for("handover")
            self.finish(size, *peers)

    def test_between_nats_that_let_nothing_in_they_meet_over_turn(self):
        size = 20 * MIB
        with Network() as network:
            peers = self.meet(network, size)
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn("relay", (path["local"], path["remote"]))
                peer.wait_for("handover")
            self.finish(size, *peers)

    def test_without_udp_they_meet_over_turn_with_tcp_and_tls(self):
        size = 20 * MIB
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport), Network() as network:
                for side in "ab":
                    network.block_udp(side)
                peers = self.meet(network, size, transports=(transport,))
                for peer in peers:
                    path = peer.wait_for("path")
                    self.assertEqual((path["local"], path["relay_protocol"]), ("relay", transport))
                self.finish(size, *peers)

    def test_relay_only_uses_nothing_but_the_relay(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            peers = self.meet(network, MIB, "--relay-only")
            for peer in peers:
                path = peer.wait_for("path")
                self.assertEqual((path["local"], path["remote"]), ("relay", "relay"))
            self.finish(MIB, *peers)

    def test_a_link_that_loses_and_delays(self):
        size = 4 * MIB
        link = Link(delay_ms=50, loss_percent=2)
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED, link_a=link) as network:
            self.finish(size, *self.meet(network, size), limit=300)

    def test_the_address_changes_in_mid_transfer(self):
        size = 24 * MIB
        for side, transport, nat in (("a", "udp", Nat.SYMMETRIC), ("b", "udp", Nat.SYMMETRIC),
                                     ("a", "tcp", Nat.SYMMETRIC), ("b", "udp", Nat.PORT_RESTRICTED)):
            # The delay keeps the transfer from being over too soon.
            with (self.subTest(moving=side, transport=transport, nat=nat),
                  Network(nat_a=nat, nat_b=nat, link_a=Link(delay_ms=10)) as network):
                if transport != "udp":
                    for blocked in "ab":
                        network.block_udp(blocked)
                peers = self.meet(network, size, transports=(transport,))
                for peer in peers:
                    peer.wait_for("handover")
                    while peer.wait_for("progress")["received"] < MIB:
                        pass
                network.change_address(side)
                # The old path is dead, and the signalling with it. First there is some path again, on
                # which the initiator then asks for an ICE restart.
                for peer in peers:
                    peer.wait_for("restart")
                    self.assertNotIn("sent", [event["event"] for event in peer.seen], "the transfer was over too soon")
                self.finish(size, *peers, limit=300)


if __name__ == "__main__":
    unittest.main()
