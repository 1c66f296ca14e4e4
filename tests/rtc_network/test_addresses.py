"""Hosts with more addresses than anybody can try."""

import time

from meeting import MIB, Meeting
from network import SERVER, SERVER6, Nat, Network
import programs

# However many there are, so many seconds have to do.
CONNECTED_WITHIN = 5


class Addresses(Meeting):
    def meets_in_time(self, network, transports=(), of_invitation=lambda uri: uri):
        server = network.start_server(programs.SERVER)
        if transports:
            network.start_turn()
        begun = time.monotonic()
        peers = self.start(network, server, (MIB, MIB), ((), ()), transports, of_invitation=of_invitation)
        for peer in peers:
            self.assertLess(peer.wait_for("state", state="connected")["at"] - begun, CONNECTED_WITHIN)
        paths = [peer.wait_for("path") for peer in peers]
        self.finish(peers)
        self.peers = peers
        return paths

    def test_bridges_on_both_sides_do_not_hide_the_network_that_they_share(self):
        for bridges in ((10, 10), (25, 3), (40, 0)):
            with self.subTest(bridges=bridges), Network() as network:
                for side, count in zip("ab", bridges):
                    network.add_bridges(side, count)
                network.join_sides()
                for path in self.meets_in_time(network):
                    self.assertTrue(path["local_address"].startswith("192.168.99."), path)

    def test_bridges_on_both_sides_do_not_hide_the_relay(self):
        with Network() as network:
            for side in "ab":
                network.add_bridges(side, 10)
            for path in self.meets_in_time(network, transports=("udp",)):
                self.assertIn("relay", (path["local"], path["remote"]))
            for peer in self.peers:
                # Four bridges are used; that the others are not is told once.
                told = [event["text"] for event in peer.seen if event["event"] == "problem" and "left out" in event["text"]]
                self.assertEqual(len(told), 1, peer.seen)
                self.assertRegex(told[0], "16 are left out besides the 5")

    def test_forty_bridges_on_both_sides_one_of_which_has_nothing_but_ipv6(self):
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            network.add_ipv6()
            network.remove_ipv4("b")
            for side in "ab":
                network.add_bridges(side, 40)
            for path in self.meets_in_time(network, of_invitation=lambda uri: uri.replace(SERVER, f"[{SERVER6}]")):
                self.assertTrue(path["local_address"].startswith("[2001:db8:"), path)
