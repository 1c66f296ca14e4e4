"""The built-in WebRTC against itself and against GStreamer, in all roles: README.md says what each meeting shows."""

import concurrent.futures
import os
import re
import secrets
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rtc_network"))
import programs
from network import die_with_parent
from peer import JsonProgram

MIB = 1024 * 1024
# The initiator and the responder.
PAIRS = (("rtc", "rtc"), ("rtc", "gst"), ("gst", "rtc"), ("gst", "gst"))
ROLES = ("initiator", "responder")
MESSAGES = 30
# Longer than anything takes, in seconds.
LIMIT = 300


class Peer(JsonProgram):
    """A watched peer. `known` is what it has from an earlier meeting, and other options."""

    def __init__(self, kind, role, where, size, closer, key=None, known=()):
        self.kind, self.role, self.size = kind, role, size
        self.key = key or secrets.token_hex(32)
        super().__init__(f"{kind}_peer ({role})", subprocess.Popen(
            [programs.PEERS / f"{kind}_peer", f"--role={role}", where, f"--key={self.key}", f"--send={size}",
             f"--receive={size}", f"--messages={MESSAGES}", f"--close={closer}", "--stay", *known],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent))

    def await_event(self, event, **fields):
        return self.wait_for(event, LIMIT, **fields)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Meetings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.killings = {}
        cls.threads = concurrent.futures.ThreadPoolExecutor(len(PAIRS) * len(ROLES))
        cls.directory = tempfile.TemporaryDirectory()
        key = Path(cls.directory.name, "server.key")
        subprocess.run([programs.SERVER, "generate", key], check=True, stdout=subprocess.DEVNULL)
        log = Path(cls.directory.name, "server.log")
        with log.open("w") as file:
            cls.server = subprocess.Popen(
                [programs.SERVER, "serve", "-h", "127.0.0.1", "-p", "0", "-k", key, "--admin", "off"],
                env={**os.environ, "SALTYRTC_SAFETY_OFF": "yes-and-i-know-what-im-doing"},
                stdout=subprocess.PIPE, stderr=file, text=True, preexec_fn=die_with_parent)
        for line in cls.server.stdout:
            if line.startswith("Started"):
                break
        cls.url = "ws://" + re.search(r"127\.0\.0\.1:\d+", log.read_text())[0]

    @classmethod
    def tearDownClass(cls):
        cls.threads.shutdown()
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()
        cls.directory.cleanup()

    def start(self, peers, *arguments, **options):
        peer = Peer(*arguments, **options)
        self.addCleanup(peer.kill)
        peers.append(peer)
        return peer

    def meet(self, pair, size, closer, of_gst=()):
        """Starts both peers, webrtcbin with these options."""
        peers = []
        options = [of_gst if kind == "gst" else () for kind in pair]
        initiator = self.start(peers, pair[0], ROLES[0], f"--server={self.url}", size, closer, known=options[0])
        uri = initiator.await_event("invitation")["uri"]
        self.start(peers, pair[1], ROLES[1], f"--invitation={uri}", size, closer, known=options[1])
        return peers

    def finish(self, peers, closer, trusted):
        """All that is to happen between two peers that have just been started, and how they end."""
        for peer in peers:
            self.assertEqual(peer.await_event("peer")["trusted"], trusted)
            if peer.kind == "gst":
                peer.await_event("offer", by="us" if peer.role == "initiator" else "peer")
                # With the right fingerprint: our engine refuses others, webrtcbin does not.
                peer.await_event("certificates", ours="EC", of_peer="EC", described=True)
            # The program checks each byte, and that nothing is there twice.
            peer.await_event("received", bytes=peer.size)
            peer.await_event("sent", bytes=peer.size)
        for peer in peers:
            text = peer.await_event("closed")["text"]
            self.assertEqual(text, "closed as requested" if peer.role == closer else "the peer closed the connection")
            status = peer.process.wait(LIMIT)
            if status != 0:
                peer.fail(f"exit status {status}")
            self.check_messages(peer)

    def check_messages(self, peer):
        """They came in order, as the program checked: before, during and after the handover."""
        # What came before the peer was lost is not of this meeting.
        lost = [index for index, event in enumerate(peer.seen) if event["event"] == "lost"]
        events = peer.seen[lost[-1] if lost else 0:]
        names = [event["event"] for event in events]
        handover = names.index("handover")
        self.assertEqual([event["number"] for event in events if event["event"] == "message"], list(range(MESSAGES)))
        self.assertIn("message", names[:handover])
        self.assertIn("message", names[handover:])

    def test_100_mib_each_way_and_the_initiator_closes(self):
        self.start_killing()
        for pair in PAIRS:
            with self.subTest(pair=pair):
                # GStreamer on both sides shows nothing of our engine, and takes as long.
                size = 10 * MIB if pair == ("gst", "gst") else 100 * MIB
                self.finish(self.meet(pair, size, "initiator"), "initiator", False)

    def test_the_responder_closes(self):
        for pair in PAIRS:
            with self.subTest(pair=pair):
                self.finish(self.meet(pair, MIB, "responder"), "responder", False)

    def test_a_peer_with_an_rsa_certificate_is_refused(self):
        peers = self.meet(("rtc", "gst"), MIB, "initiator", ("--rsa",))
        self.assertIn("the peer's certificate has an RSA key", peers[0].await_event("lost")["text"])
        # As the server of DTLS, webrtcbin gives up by itself, and does not tell us why.
        peers = self.meet(("gst", "rtc"), MIB, "initiator", ("--rsa",))
        peers[0].await_event("lost")

    def killed(self, pair, role):
        """The peer with this role is killed in mid-transfer, and started again with what it knows."""
        try:
            self.kill_and_join_again(pair, role)
        finally:
            self.doCleanups()

    def kill_and_join_again(self, pair, role):
        peers = self.meet(pair, 4 * MIB, "initiator")
        for peer in peers:
            peer.await_event("handover")
        victim = peers[ROLES.index(role)]
        stays = peers[1 - ROLES.index(role)]
        known = victim.await_event("peer")
        stays.await_event("peer")
        victim.await_event("progress")
        victim.kill()
        where = f"--server={self.url}" if role == "initiator" else f"--invitation={known['uri']}"
        again = self.start([], victim.kind, role, where, victim.size, "initiator", key=victim.key,
                           known=(f"--trust={known['key']}",))
        stays.await_event("lost")
        self.finish([again, stays], "initiator", True)

    @classmethod
    def start_killing(cls):
        """Side by side, and beside other tests: it takes long until a peer that says nothing any more counts as lost."""
        if not cls.killings:
            cls.killings.update({(pair, role): cls.threads.submit(cls("killed").killed, pair, role)
                                 for pair in PAIRS for role in ROLES})

    def test_a_peer_is_killed_and_joins_again_with_the_trusted_key(self):
        self.start_killing()
        for case, meeting in self.killings.items():
            with self.subTest(case=case):
                meeting.result()


if __name__ == "__main__":
    unittest.main()
