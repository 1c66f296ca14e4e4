"""Clients behind a proxy, in a network that has no other way out.

The proxies are tinyproxy and microsocks, on the router. Started with an argument, this is the pair of clients.
"""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROUTER = "10.1.0.1"
HTTP_PORT, SOCKS_PORT = 3128, 1080
USER, PASSWORD = "user", "secret"


def meet(server, proxy):
    """Two clients meet by way of a proxy; '-' for none, and 'environment' for that of the environment."""
    import saltyrtc.sync

    options = {}
    if proxy == "environment":
        options["environment_proxy"] = True
    elif proxy != "-":
        options["proxy"] = proxy
    with saltyrtc.sync.Initiator(server, **options) as alice:
        with saltyrtc.sync.Responder(alice.invitation, **options) as bob:
            for peer in (alice, bob):
                try:
                    peer.connected(60)
                except saltyrtc.SaltyRTCError as error:
                    print(f"{error.status.name}: {error.text}")
                    return
            bob.send("by way of a proxy")
            print(alice.receive(60))


class Proxies(unittest.TestCase):
    def setUp(self):
        from network import Network

        self.network = Network()
        self.addCleanup(self.network.close)
        import programs

        self.programs = programs
        self.server = self.network.start_server(programs.SERVER)
        # The router is no way out any more.
        self.network._nft("a", "add rule inet filter forward reject")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(programs.ROOT / "bindings/python/src"),
            "SALTYRTC_LIBRARY": str(programs.TARGET / "debug/libsaltyrtc.so"),
        }

    def start(self, port, *command):
        from network import listens

        proxy = self.network.popen("nat-a", *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.network.call("nat-a", listens, (ROUTER, port)):
            self.assertIsNone(proxy.poll(), f"{command[0]} did not start")

    def start_http(self):
        config = Path(self.network.directory.name, "tinyproxy.conf")
        port = re.search(r":(\d+)$", self.server)[1]
        config.write_text(
            f"Port {HTTP_PORT}\nListen {ROUTER}\nTimeout 600\nMaxClients 20\nConnectPort {port}\n"
            f"BasicAuth {USER} {PASSWORD}\nLogLevel Critical\n"
        )
        self.start(HTTP_PORT, "tinyproxy", "-d", "-c", config)

    def start_socks(self):
        self.start(SOCKS_PORT, "microsocks", "-i", ROUTER, "-p", SOCKS_PORT, "-u", USER, "-P", PASSWORD)

    def meet(self, proxy, **environment):
        clients = self.network.popen(
            "client-a", sys.executable, __file__, self.server, proxy,
            env={**self.environment, **environment}, stdout=subprocess.PIPE, text=True,
        )
        output, _ = clients.communicate(timeout=120)
        return output.strip()

    def test_without_the_proxy_there_is_no_way(self):
        self.assertIn("CONNECT_FAILED", self.meet("-"))

    def test_http(self):
        self.start_http()
        url = f"http://{USER}:{PASSWORD}@{ROUTER}:{HTTP_PORT}"
        self.assertEqual(self.meet(url), "by way of a proxy")
        self.assertEqual(self.meet("environment", ALL_PROXY=url), "by way of a proxy")
        refused = self.meet(f"http://{USER}:wrong@{ROUTER}:{HTTP_PORT}")
        self.assertRegex(refused, "^PROXY_REFUSED: .*40[17]")

    def test_socks(self):
        self.start_socks()
        url = f"socks5://{USER}:{PASSWORD}@{ROUTER}:{SOCKS_PORT}"
        self.assertEqual(self.meet(url), "by way of a proxy")
        self.assertEqual(self.meet("environment", all_proxy=url), "by way of a proxy")
        refused = self.meet(f"socks5://{USER}:wrong@{ROUTER}:{SOCKS_PORT}")
        self.assertRegex(refused, "^PROXY_REFUSED: .*status")


if __name__ == "__main__":
    meet(*sys.argv[1:])
