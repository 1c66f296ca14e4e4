"""Our library on both sides, in networks as they are."""

import sys
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

# Peers that cannot find each other any more are told so in so many seconds: 30, and what it takes to look around.
LOST_WITHIN = 45


class Peers(unittest.TestCase):
    def meet(self, network, sent, received=None, options=(), transports=("udp",), runner=()):
        """Starts both peers. The first one sends so many bytes, the second one as many if nothing is said of it."""
        server = network.start_server(programs.SERVER)
        network.start_turn()
        sizes = (sent, sent if received is None else received)
        alice = RtcPeer(network, "a", "initiator", f"--server={server}", f"--server-key={network.server_key}",
                        f"--send={sizes[0]}", f"--receive={sizes[1]}", *options, transports=transports, runner=runner)
        invitation = alice.wait_for("invitation")["uri"]
        bob = RtcPeer(network, "b", "responder", f"--invitation={invitation}",
                      f"--send={sizes[1]}", f"--receive={sizes[0]}", *options, transports=transports, runner=runner)
        return alice, bob

    def finish(self, peers, limit=120):
        for peer in peers:
            if peer.expects:
                peer.wait_for("received", bytes=peer.expects, limit=limit)
        for peer in peers:
            peer.wait_for("closed")
            peer.ends_well()

    def test_between_lenient_nats_they_meet_without_a_relay(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            peers = self.meet(network, 8 * MIB, transports=("stun",))
            for peer in peers:
                path = peer.wait_for("path")
                self.assertIn(path["local"], ("host", "srflx", "prflx"))
                self.assertIn(path["remote"], ("srflx", "prflx"))
                peer.wait_for("handover")
            self.finish(peers)

    def test_with_ortc_they_meet_with_and_without_a_relay(self):
        for nat, transport, size in ((Nat.PORT_RESTRICTED, "stun", 100 * MIB), (Nat.SYMMETRIC, "udp", 8 * MIB)):
            with self.subTest(nat=nat), Network(nat_a=nat, nat_b=nat) as network:
                peers = self.meet(network, size, options=("--ortc",), transports=(transport,))
                for peer in peers:
                    path = peer.wait_for("path")
                    self.assertEqual("relay" in (path["local"], path["remote"]), nat == Nat.SYMMETRIC)
                    peer.wait_for("handover")
                self.finish(peers, limit=300)

    def test_with_ortc_the_address_changes(self):
        self.moves("a", 16 * MIB, 0, options=("--ortc",))
        self.moves("b", 16 * MIB, 0, options=("--ortc",))

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
