"""Networks that die without a word, and peers that come back over another one."""

import time
import unittest

from network import Nat, Network
from peer import Client
import programs

# A peer that is on another network is with its peer again in so many seconds.
BACK_WITHIN = 3

# What clients and server are told, in seconds.
PING_INTERVAL = 1
PATIENCE = 2
PONG_TIMEOUT = 2
STALL_TIMEOUT = 1
# The operating system adds to the last, as it knows only how long nothing was acknowledged.
STALL_SLACK = 5
# How late a program may be on a machine that is busy with other things.
LATE = 1


class Silence(unittest.TestCase):
    def pair(self, network, server, task="relayed", options_of_host=None, options_of_phone=None):
        """The host is at A, the phone at B. They have met."""
        host = Client(network, "a", "host", server, task, **(options_of_host or {}))
        invitation = host.wait_for("invitation")["uri"]
        phone = Client(network, "b", "phone", invitation, task, **(options_of_phone or {}))
        phone.wait_for("met")
        return host, phone

    def returns(self, task):
        """The network of the phone dies, and it is told of another one. Nobody tells server and host."""
        with Network(nat_a=Nat.PORT_RESTRICTED, nat_b=Nat.PORT_RESTRICTED) as network:
            server = network.start_server(programs.SERVER)
            options = {}
            if task == "webrtc":
                network.start_turn()
                options["ice_servers"] = [network.turn_url("stun")]
            host, phone = self.pair(network, server, task, options, options)
            network.swallow("b")
            network.change_address("b")
            back = time.monotonic()
            phone.tell("network")
            self.assertTrue(phone.wait_for("ended")["retryable"])
            self.assertLess(phone.wait_for("met")["at"] - back, BACK_WITHIN)
            host.wait_for("left")
            phone.tell("say I am on another network")
            phone.wait_for("heard", text="I am on another network")
            self.assertNotIn("ended", [event["event"] for event in host.seen])

    def test_who_is_on_another_network_is_with_its_peer_again(self):
        self.returns("relayed")

    def test_who_is_on_another_network_is_with_its_peer_again_by_webrtc(self):
        self.returns("webrtc")

    def test_a_dead_network_is_noticed_in_time_by_clients_and_by_the_server(self):
        with Network() as network:
            server = network.start_server(programs.SERVER, "--pong-timeout", f"{PONG_TIMEOUT}s",
                                          "--stall-timeout", f"{STALL_TIMEOUT}s")
            patience = {"response_timeout": PATIENCE}
            # One asks for pings and says nothing; one says something; to one something is said; and all of that is
            # at the same time.
            idle = self.pair(network, server, options_of_phone={**patience, "ping_interval": PING_INTERVAL})
            speaking = self.pair(network, server, options_of_phone=patience)
            spoken_to = self.pair(network, server)
            network.swallow("b")
            dead = time.monotonic()
            speaking[1].tell("say is anybody there?")
            spoken_to[0].tell("say are you there?")

            def noticed(client, event, limit):
                self.assertLess(client.wait_for(event)["at"] - dead, limit + LATE)

            noticed(speaking[1], "ended", PATIENCE)
            noticed(idle[1], "ended", PING_INTERVAL + PATIENCE)
            noticed(idle[0], "left", PING_INTERVAL + PONG_TIMEOUT)
            noticed(spoken_to[0], "left", STALL_TIMEOUT + STALL_SLACK)


if __name__ == "__main__":
    unittest.main()
