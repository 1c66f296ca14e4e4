"""Links that carry less than others: a tunnel in a tunnel, for example."""

import unittest

from meeting import MIB, Meeting
from network import Link, Nat, Network

CONNECTED_WITHIN = 30


class Mtu(Meeting):
    def meets(self, network):
        peers = self.meet(network, MIB)
        for peer in peers:
            peer.wait_for("state", state="connected", limit=CONNECTED_WITHIN)
        paths = [peer.wait_for("path") for peer in peers]
        self.finish(peers)
        return paths

    def test_a_narrow_link(self):
        for mtu, icmp in ((1000, True), (700, False), (576, True)):
            with self.subTest(mtu=mtu, icmp=icmp), Network(Nat.PORT_RESTRICTED, Nat.PORT_RESTRICTED) as network:
                network.set_mtu("b", mtu)
                if not icmp:
                    network.block_icmp("b")
                self.meets(network)

    def test_a_narrow_link_to_the_relay(self):
        with Network() as network:
            network.set_mtu("b", 576)
            network.block_icmp("b")
            for path in self.meets(network):
                self.assertIn("relay", (path["local"], path["remote"]))

    def test_a_link_that_becomes_narrow(self):
        # The delay keeps the transfer from being over too soon.
        with Network(Nat.PORT_RESTRICTED, Nat.PORT_RESTRICTED, link_a=Link(delay_ms=10)) as network:
            peers = self.meet(network, 24 * MIB)
            for peer in peers:
                while peer.wait_for("progress")["received"] < MIB:
                    pass
            network.set_mtu("b", 700)
            network.block_icmp("b")
            for peer in peers:
                self.assertNotIn("received", [event["event"] for event in peer.seen], "it was over too soon")
            self.finish(peers)


if __name__ == "__main__":
    unittest.main()
