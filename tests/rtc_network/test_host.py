"""Unit tests of the library about this host and its links: they change addresses, so each has a namespace."""

import unittest

from network import LIMIT, Network
import programs


class Host(unittest.TestCase):
    def unit_test(self, name):
        with Network() as network:
            output = network.run("client-a", "timeout", LIMIT, programs.UNIT_TESTS, "--ignored", "--exact",
                                 f"client::engine::sockets::{name}")
            self.assertIn("1 passed", output)

    def test_new_and_removed_addresses_are_told(self):
        self.unit_test("watch::tests::network_new_and_removed_addresses_are_told")

    def test_a_name_whose_owner_has_only_ipv6_is_resolved(self):
        self.unit_test("mdns::tests::network_a_name_whose_owner_has_only_ipv6_is_resolved")


if __name__ == "__main__":
    unittest.main()
