"""Our library on both sides, in networks as they are."""

import sys
import time
import unittest

from meeting import MIB, Meeting
from network import Link, Nat, Network
import programs

# Peers that cannot find each other any more are told so in so many seconds: 30, and what it takes to look around.
LOST_WITHIN = 45


class Peers(Meeting):
    def test_between_lenient_nats_they_meet_without_a_relay(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            peers = self.meet(network, 8 * MIB, transports=("stun",))
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn(path["local"], ("host", "srflx", "prflx"))
                self.assertIn(path["remote"], ("srflx", "prflx"))
                peer.wait_for("handover")
            self.finish(peers)

    def test_a_relay_gives_way_to_a_direct_path(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED, link_a=Link(delay_ms=10)) as network:
            network.block_direct_paths()
            peers = self.meet(network, 64 * MIB, 0)
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn("relay", (path["local"], path["remote"]))
            network.allow_direct_paths()
            for peer in peers:
                path = peer.wait_for("path")
                while "relay" in (path["local"], path["remote"]):
                    path = peer.wait_for("path")
            self.finish(peers, limit=300)

    def test_between_nats_that_let_nothing_in_they_meet_over_turn(self):
        with Network() as network:
            peers = self.meet(network, 8 * MIB)
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn("relay", (path["local"], path["remote"]))
                peer.wait_for("handover")
            self.finish(peers)

    def test_without_udp_they_meet_over_turn_with_tcp_and_tls(self):
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport), Network() as network:
                for side in "ab":
                    network.block_udp(side)
                peers = self.meet(network, 4 * MIB, transports=("udp", transport))
                for peer in peers:
                    path = peer.wait_for("path")
                    self.assertEqual((path["local"], path["relay_protocol"]), ("relay", transport))
                self.finish(peers)

    def test_relay_only_uses_nothing_but_the_relay(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            peers = self.meet(network, MIB, options=("--relay-only",))
            for peer in peers:
                path = peer.wait_for("path")
                self.assertEqual((path["local"], path["remote"]), ("relay", "relay"))
            self.finish(peers)

    def test_a_link_that_loses_and_delays(self):
        link = Link(delay_ms=50, loss_percent=2)
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED, link_a=link) as network:
            self.finish(self.meet(network, 2 * MIB), limit=300)

    def test_the_address_of_the_sender_changes(self):
        self.moves("a", 16 * MIB, 0)

    def test_the_address_of_the_receiver_changes(self):
        self.moves("b", 16 * MIB, 0)

    def test_the_address_of_the_initiator_changes_on_a_direct_path(self):
        self.moves("a", 0, 16 * MIB, nat=Nat.PORT_RESTRICTED)

    def test_the_address_of_the_responder_changes_on_a_direct_path(self):
        self.moves("b", 16 * MIB, 0, nat=Nat.PORT_RESTRICTED)

    def test_the_address_changes_where_the_system_does_not_tell_it(self):
        runner = (sys.executable, programs.WITHOUT_NETLINK)
        self.moves("a", 0, 16 * MIB, nat=Nat.PORT_RESTRICTED, runner=runner)

    def test_the_address_changes_with_turn_over_tcp(self):
        self.moves("a", 0, 16 * MIB, ("tcp",))

    def test_the_address_of_the_initiator_changes_with_relays_only(self):
        self.moves("a", 16 * MIB, 0, options=("--relay-only",), restarts=False)

    def test_the_address_of_the_responder_changes_with_relays_only(self):
        self.moves("b", 16 * MIB, 0, options=("--relay-only",), restarts=False)

    def test_if_both_addresses_change_with_relays_only_that_is_told(self):
        with Network(link_a=Link(delay_ms=10)) as network:
            peers = self.meet(network, 64 * MIB, 0, ("--relay-only",))
            for peer in peers:
                peer.wait_for("handover")
            peers[1].wait_for("progress")
            for side in "ab":
                network.change_address(side)
            moved = time.monotonic()
            for peer in peers:
                unreachable = peer.wait_for("state", state="unreachable")
                self.assertLess(unreachable["at"] - moved, LOST_WITHIN)
                self.assertIn("meet the peer again over the server", peer.wait_for("failed")["text"])


if __name__ == "__main__":
    unittest.main()
