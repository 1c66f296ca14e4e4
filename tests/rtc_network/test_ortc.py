"""The ORTC task on both sides, over each kind of path."""

import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from meeting import MIB, Meeting
from network import LIMIT, Nat, Network
from peer import JsonProgram, RtcPeer
import programs

# Who says what about its role in DTLS. Whoever says nothing says "auto".
DTLS_ROLES = (("auto", "auto"), ("client", "auto"), ("server", "auto"), ("auto", "client"), ("auto", "server"),
              ("client", "server"), ("server", "client"))


class Ortc(Meeting):
    def test_on_one_host_they_meet_directly_in_all_roles_of_dtls(self):
        with Network() as network:
            server = network.start_server(programs.SERVER)
            pairs = []
            for number, roles in enumerate(DTLS_ROLES):
                # One of the two closes in the end; either can.
                common = ("--ortc", "--messages=6", f"--close={('initiator', 'responder')[number % 2]}")
                options = [(*common, f"--dtls={role}") for role in roles]
                pairs.append(self.start(network, server, (MIB, MIB), options, sides="aa"))
            for peers in pairs:
                for peer in peers:
                    path = peer.wait_for("path")
                    self.assertEqual((path["local"], path["remote"]), ("host", "host"))
                    peer.wait_for("handover")
                self.finish(peers)

    def test_peers_that_insist_on_the_same_role_are_told_so(self):
        with Network() as network:
            server = network.start_server(programs.SERVER)
            options = ("--ortc", "--dtls=client", "--linger")
            for peer in self.start(network, server, (0, 0), (options, options), sides="aa"):
                self.assertIn("DTLS role contradicts ours", peer.wait_for("problem")["text"])

    def test_another_fingerprint_than_that_of_the_certificate_ends_the_connection(self):
        with Network() as network:
            server = network.start_server(programs.SERVER)
            options = (f"--server={server}", f"--server-key={network.server_key}")
            alice = RtcPeer(network, "a", "initiator", *options, "--ortc", "--send=1", "--receive=1")
            middle = JsonProgram("ortc_middle", network.popen(
                "client-a", programs.ORTC_MIDDLE, *options, f"--invitation={alice.wait_for('invitation')['uri']}",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
            bob = RtcPeer(network, "a", "responder", f"--invitation={middle.wait_for('invitation')['uri']}", "--ortc",
                          "--send=1", "--receive=1")
            middle.wait_for("between")
            for peer in (alice, bob):
                self.assertIn("not the one that was announced over the signalling", peer.wait_for("failed")["text"])
                # Nothing was sent on a connection that nobody answers for.
                self.assertNotIn("connected", [event.get("state") for event in peer.seen])
            self.assertEqual(middle.process.wait(LIMIT), 0)

    def test_they_meet_with_and_without_a_relay(self):
        for nat, transport, size in ((Nat.PORT_RESTRICTED, "stun", 100 * MIB), (Nat.SYMMETRIC, "udp", 8 * MIB)):
            with self.subTest(nat=nat), Network(nat_a=nat, nat_b=nat) as network:
                peers = self.meet(network, size, options=("--ortc",), transports=(transport,))
                for peer in peers:
                    path = peer.wait_for("path")
                    self.assertEqual("relay" in (path["local"], path["remote"]), nat == Nat.SYMMETRIC)
                    peer.wait_for("handover")
                self.finish(peers, limit=300)

    def test_the_address_changes(self):
        # Both at once, each in a network of its own: they wait most of the time.
        with ThreadPoolExecutor() as pool:
            runs = [pool.submit(self.moves, side, 16 * MIB, 0, options=("--ortc",)) for side in "ab"]
        for run in runs:
            run.result()


if __name__ == "__main__":
    unittest.main()
