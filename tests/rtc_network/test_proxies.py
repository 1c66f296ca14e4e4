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


def meet(server, proxy, *turn):
    """Two clients meet by way of a proxy; '-' for none, and 'environment' for that of the environment. With a TURN server
    (URL, user, password, certificate) they have WebRTC over that and nothing else."""
    import saltyrtc.sync

    options = {}
    if proxy == "environment":
        options["environment_proxy"] = True
    elif proxy != "-":
        options["proxy"] = proxy
    if turn:
        return meet_over_turn(server, options, *turn)
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


def meet_over_turn(server, options, url, user, password, certificate):
    import saltyrtc.sync

    def on_event(event):
        if event.kind == saltyrtc.EventKind.CONNECTION_PROBLEM:
            # There is nothing else to wait for.
            print(event.text, flush=True)
            os._exit(0)

    webrtc = saltyrtc.WebRTC(ice_servers=[saltyrtc.IceServer(url, user, password)], relay_only=True)
    options = {"tasks": [webrtc], "tls_certificates": [certificate], "on_event": on_event, **options}
    with saltyrtc.sync.Initiator(server, **options) as alice:
        with saltyrtc.sync.Responder(alice.invitation, **options) as bob:
            bob.connected(60)
            bob.open_channel("lane", timeout=60).send(b"by way of a proxy and a relay")
            print(alice.accept_channel(60).receive(60).decode())


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
        from network import SERVER, listens

        # The proxy knows a name that the clients do not. Mounts stay in the namespace.
        hosts = Path(self.network.directory.name, "hosts")
        hosts.write_text(f"{SERVER} turn.test\n")
        command = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, *command]
        proxy = self.network.popen("nat-a", *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.network.call("nat-a", listens, (ROUTER, port)):
            self.assertIsNone(proxy.poll(), "the proxy did not start")

    def start_http(self):
        from network import TURN_PORT, TURNS_PORT

        config = Path(self.network.directory.name, "tinyproxy.conf")
        ports = [re.search(r":(\d+)$", self.server)[1], TURN_PORT, TURNS_PORT]
        config.write_text(
            f"Port {HTTP_PORT}\nListen {ROUTER}\nTimeout 600\nMaxClients 20\n"
            + "".join(f"ConnectPort {port}\n" for port in ports)
            + f"BasicAuth {USER} {PASSWORD}\nLogLevel Critical\n"
        )
        self.start(HTTP_PORT, "tinyproxy", "-d", "-c", config)

    def start_socks(self):
        self.start(SOCKS_PORT, "microsocks", "-i", ROUTER, "-p", SOCKS_PORT, "-u", USER, "-P", PASSWORD)

    def clients(self, proxy, *turn, **environment):
        return self.network.popen(
            "client-a", sys.executable, __file__, self.server, proxy, *turn,
            env={**self.environment, **environment}, stdout=subprocess.PIPE, text=True,
        )

    def meet(self, proxy, *turn, **environment):
        output, _ = self.clients(proxy, *turn, **environment).communicate(timeout=120)
        return output.strip()

    def meet_over_turn(self, proxy, refusing, refusal):
        """Over TCP and TLS, by address and by a name that only the proxy knows; and what is told if it refuses."""
        from network import SERVER, TURN_PASSWORD, TURN_USER

        self.network.start_turn()
        urls = [self.network.turn_url("tcp"), self.network.turn_url("tls")]
        urls.append(urls[1].replace(SERVER, "turn.test"))
        access = (TURN_USER, TURN_PASSWORD, self.network.turn_ca)
        # All at once, as they mostly wait.
        meetings = [self.clients(proxy, url, *access) for url in urls]
        for clients in meetings:
            self.assertEqual(clients.communicate(timeout=120)[0].strip(), "by way of a proxy and a relay")
        # To the server it leads all the same.
        port = re.search(r":(\d+)\?", urls[0])[1]
        self.assertRegex(self.meet(proxy, urls[0].replace(port, refusing), *access), refusal)

    def test_without_the_proxy_there_is_no_way(self):
        self.assertIn("CONNECT_FAILED", self.meet("-"))

    def test_http(self):
        self.start_http()
        url = f"http://{USER}:{PASSWORD}@{ROUTER}:{HTTP_PORT}"
        self.assertEqual(self.meet(url), "by way of a proxy")
        self.assertEqual(self.meet("environment", ALL_PROXY=url), "by way of a proxy")
        refused = self.meet(f"http://{USER}:wrong@{ROUTER}:{HTTP_PORT}")
        self.assertRegex(refused, "^PROXY_REFUSED: .*40[17]")

    def test_turn_by_http(self):
        self.start_http()
        # It may not connect to this port.
        self.meet_over_turn(f"http://{USER}:{PASSWORD}@{ROUTER}:{HTTP_PORT}", "9", "TURN server.*status 403")

    def test_turn_by_socks(self):
        self.start_socks()
        self.meet_over_turn(f"socks5://{USER}:{PASSWORD}@{ROUTER}:{SOCKS_PORT}", "9", "TURN server.*status 5")

    def test_socks(self):
        self.start_socks()
        url = f"socks5://{USER}:{PASSWORD}@{ROUTER}:{SOCKS_PORT}"
        self.assertEqual(self.meet(url), "by way of a proxy")
        self.assertEqual(self.meet("environment", all_proxy=url), "by way of a proxy")
        refused = self.meet(f"socks5://{USER}:wrong@{ROUTER}:{SOCKS_PORT}")
        self.assertRegex(refused, "^PROXY_REFUSED: .*status")


if __name__ == "__main__":
    meet(*sys.argv[1:])
