"""The page of examples-web in a browser on each side: a WebRTC stack that is not ours, in this network."""

import json
import subprocess
import unittest

from network import ROOT, TURN_PASSWORD, TURN_USER, Network
import programs
from peer import JsonProgram


class Page(JsonProgram):
    """A headless Chromium with the page, in the namespace of a client."""

    def __init__(self, network, side):
        super().__init__(f"the page of {side}", network.popen(
            f"client-{side}", "node", ROOT / "tests/interop/js/page.mjs", network.turn_ca,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.wait_for("ready")

    def do(self, command, **arguments):
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()


class Pages(unittest.TestCase):
    def test_pages_meet_over_turn_with_tcp_alone(self):
        with Network() as network:
            server = network.start_server(programs.SERVER)
            network.start_turn()
            for side in "ab":
                network.block_udp(side)
            alice, bob = (Page(network, side) for side in "ab")
            query = f"ice={network.turn_url('tcp')},{TURN_USER},{TURN_PASSWORD}"
            alice.do("open", query=query, fragment=f"invite={server}/?{network.server_key}")
            bob.do("open", query=query, fragment=alice.wait_for("invitation")["uri"])
            for page in (alice, bob):
                page.wait_for("handover")
                self.assertEqual(page.wait_for("path")["local"], "relay")
            alice.do("chat", text="over TCP")
            self.assertEqual(bob.wait_for("chat")["text"], "over TCP")


if __name__ == "__main__":
    unittest.main()
