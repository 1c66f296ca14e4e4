"""The network itself: what gets through it, and what does not."""

import re
import socket
import statistics
import subprocess
import time
import unittest

from network import LIMIT, PREFIX, SERVER, SIGNALLING_PORT, TURN_PASSWORD, TURN_USER, TURN_PORT, TURNS_PORT, Link, Nat, Network, listens, run
import programs

SO_RCVBUFFORCE = 33  # not in Python's module

# For what must not arrive. Everything that does arrive takes less than a tenth of it.
NOTHING_COMES = 1.0
PACKETS = 20
MOST = 0.8


def received(udp, timeout=LIMIT):
    """The next datagram and who sent it, or None."""
    udp.settimeout(timeout)
    try:
        return udp.recvfrom(2048)
    except TimeoutError:
        return None


def uclient(network, side, *options):
    """Exchanges packets over a relay of the TURN server; returns the part of them that arrived.

    The program stops when it has sent its last packet, and may miss what comes after that.
    """
    output = network.run(f"client-{side}", "timeout", LIMIT, "turnutils_uclient", "-y", "-c", "-n", PACKETS, "-l", 200,
                         "-m", 1, "-u", TURN_USER, "-w", TURN_PASSWORD, *options, SERVER)
    sent, arrived = (int(re.findall(rf"tot_{which}_msgs=(\d+)", output)[-1]) for which in ("send", "recv"))
    return arrived / sent


def relay_works(network, side, *options):
    """Whether most of the packets arrive, in the best of three runs: a busy machine can be late for more of them."""
    return any(uclient(network, side, *options) > MOST for _ in range(3))


class Topology(unittest.TestCase):
    def test_nothing_gets_in_that_was_not_asked_for(self):
        with Network() as network:
            client = network.udp_socket("client-a", port=5000)
            outside = network.udp_socket("internet", SERVER)
            outside.sendto(b"unasked", (network.nat_address("a"), 5000))
            self.assertIsNone(received(client, NOTHING_COMES))
            # Nor is there another way to the client.
            outside.sendto(b"unasked", (network.client_address("a"), 5000))
            self.assertIsNone(received(client, NOTHING_COMES))
            client.sendto(b"ask", outside.getsockname())
            data, source = received(outside)
            self.assertEqual((data, source[0]), (b"ask", network.nat_address("a")))
            outside.sendto(b"answer", source)
            self.assertEqual(received(client)[0], b"answer")
            # Neither from another port of the same machine.
            network.udp_socket("internet", SERVER).sendto(b"unasked", source)
            self.assertIsNone(received(client, NOTHING_COMES))

    def test_hole_punching_works_through_lenient_nats_only(self):
        for nat, arrives in ((Nat.SYMMETRIC, False), (Nat.PORT_RESTRICTED, True)):
            with self.subTest(nat=nat), Network(nat_a=nat, nat_b=nat) as network:
                stun = network.udp_socket("internet", SERVER)
                clients = [network.udp_socket(f"client-{side}") for side in "ab"]
                addresses = []
                for client in clients:
                    client.sendto(b"who am I?", stun.getsockname())
                    addresses.append(received(stun)[1])
                clients[0].sendto(b"makes a hole", addresses[1])
                received(clients[1], NOTHING_COMES)
                clients[1].sendto(b"through the hole", addresses[0])
                self.assertEqual(received(clients[0], LIMIT if arrives else NOTHING_COMES) is not None, arrives)

    def test_turn_over_udp_tcp_and_tls(self):
        with Network() as network:
            network.start_turn()
            self.assertTrue(relay_works(network, "a"))
            self.assertTrue(relay_works(network, "b", "-t"))
            self.assertTrue(relay_works(network, "a", "-t", "-S", "-p", TURNS_PORT))

    def test_without_udp_only_tcp_is_left(self):
        with Network() as network:
            network.start_turn()
            outside = network.udp_socket("internet", SERVER)
            client = network.udp_socket("client-a")
            client.sendto(b"before", outside.getsockname())
            _, source = received(outside)
            network.block_udp("a")
            client.sendto(b"after", outside.getsockname())
            self.assertIsNone(received(outside, NOTHING_COMES))
            outside.sendto(b"to a known connection", source)
            self.assertIsNone(received(client, NOTHING_COMES))
            self.assertTrue(network.call("client-a", listens, (SERVER, TURN_PORT)))
            self.assertTrue(relay_works(network, "a", "-t"))

    def test_the_link_loses_and_delays(self):
        count = 3000
        with Network(link_a=Link(delay_ms=50, loss_percent=2)) as network:
            outside = network.udp_socket("internet", SERVER)
            outside.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            client = network.udp_socket("client-a")
            # The first one finds out addresses on the way.
            client.sendto(b"hello", outside.getsockname())
            _, source = received(outside)
            sent = {}
            for number in range(count):
                sent[number] = time.monotonic()
                client.sendto(number.to_bytes(4, "big") + bytes(1000), outside.getsockname())
                if number % 100 == 99:
                    # No faster than the queues take it: this comes back after the delay, if at all.
                    outside.sendto(b"go on", source)
                    received(client, 0.5)
            delays = []
            while (datagram := received(outside, NOTHING_COMES)) is not None:
                delays.append(time.monotonic() - sent[int.from_bytes(datagram[0][:4], "big")])
            self.assertTrue(0.01 < 1 - len(delays) / count < 0.03, f"{len(delays)} of {count} arrived")
            self.assertGreaterEqual(min(delays), 0.05)
            # One by one, so that nothing has to wait for anything.
            delays.clear()
            for _ in range(20):
                start = time.monotonic()
                client.sendto(b"ping", outside.getsockname())
                if received(outside, 0.5) is not None:
                    delays.append(time.monotonic() - start)
            self.assertLess(statistics.median(delays), 0.1)

    def test_the_link_has_a_rate_and_a_queue(self):
        count, size = 300, 1000
        frame_ms = (size + 42) * 8 / 8000  # with its headers, at 8 Mbit/s
        with Network(link_a=Link(rate_mbit=8, queue_ms=100)) as network:
            outside = network.udp_socket("internet", SERVER)
            client = network.udp_socket("client-a")
            client.sendto(b"hello", outside.getsockname())
            received(outside)
            start = time.monotonic()
            for _ in range(count):
                client.sendto(bytes(size), outside.getsockname())
            sent_ms = (time.monotonic() - start) * 1000
            arrivals = []
            while received(outside, NOTHING_COMES) is not None:
                arrivals.append(time.monotonic())
            # What went out meanwhile, what is in the queue, and the one at its end.
            self.assertLessEqual(len(arrivals), (100 + sent_ms) / frame_ms + 2)
            self.assertGreaterEqual(len(arrivals), 100 / frame_ms)
            # The last one waited for all others.
            self.assertGreaterEqual((arrivals[-1] - start) * 1000, len(arrivals) * frame_ms)

    def test_the_link_is_cut_for_a_while(self):
        with Network(link_a=Link()) as network:
            outside = network.udp_socket("internet", SERVER)
            client = network.udp_socket("client-a")

            def gets_through():
                client.sendto(b"through", outside.getsockname())
                return received(outside, NOTHING_COMES) is not None

            self.assertTrue(gets_through())
            network.cut_link("a", True)
            # The first one may have been there before the link heard of it.
            self.assertFalse(gets_through() and gets_through())
            network.cut_link("a", False)
            self.assertTrue(gets_through() or gets_through())

    def test_the_address_of_a_client_changes(self):
        with Network() as network:
            outside = network.udp_socket("internet", SERVER)
            bound = network.udp_socket("client-a", network.client_address("a"))
            bound.sendto(b"old", outside.getsockname())
            _, old = received(outside)
            network.change_address("a")
            with self.assertRaises(OSError):
                bound.sendto(b"from an address that is gone", outside.getsockname())
            outside.sendto(b"to the old address", old)
            client = network.udp_socket("client-a")
            client.sendto(b"new", outside.getsockname())
            data, new = received(outside)
            self.assertEqual((data, new[0]), (b"new", network.nat_address("a")))
            self.assertNotEqual(new, old)
            outside.sendto(b"answer", new)
            self.assertEqual(received(client)[0], b"answer")
            self.assertIsNone(received(bound, NOTHING_COMES))

    def test_everything_goes_away(self):
        network = Network(link_a=Link())
        ours = f"{PREFIX}-{network.id}-"
        process = network.popen("client-a", "cat", stdin=subprocess.PIPE)
        self.assertEqual(run("ip", "netns", "list").count(ours), 5)
        network.close()
        self.assertIsNotNone(process.poll())
        self.assertNotIn(ours, run("ip", "netns", "list"))
        self.assertNotIn(f"st{network.id}".replace("-", "x"), run("ip", "link"))


class Server(unittest.TestCase):
    def test_clients_reach_the_signalling_server(self):
        with Network() as network:
            network.start_server(programs.SERVER)
            for side in "ab":
                self.assertTrue(network.call(f"client-{side}", listens, (SERVER, SIGNALLING_PORT)))
            self.assertRegex(network.server_key, "^[0-9a-f]{64}$")


if __name__ == "__main__":
    unittest.main()
