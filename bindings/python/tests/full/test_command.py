"""`python -m saltyrtc`, with itself and with the C programs."""

import hashlib
import random

import pytest
import saltyrtc
from programs import c_program, command
from support import in_thread

CHATS = {"python": (command, ("chat",), ("chat",)), "C": (c_program, ("chat", "initiate"), ("chat", "join"))}


#: What C programs do with each other is in scripts/test-examples.py.
PAIRS = [("python", "python"), ("python", "C"), ("C", "python")]


@pytest.mark.parametrize(("invites", "joins"), PAIRS)
def test_chat(invites, joins):
    start, first, _ = CHATS[invites]
    join, _, second = CHATS[joins]
    with start(*first) as alice:
        alice.told("█")
        invitation = alice.line("ws://")
        with join(*second, invitation) as bob:
            for program in (alice, bob):
                program.told("connected, end-to-end encrypted")
            alice.type("Hello, Bob!\n")
            bob.line("Hello, Bob!")
            bob.type("Grüße, Alice!\nand another line\n")
            alice.line("Grüße, Alice!")
            alice.line("and another line")
            alice.type("".join(f"line {number}\n" for number in range(200)))
            for number in range(200):
                assert bob.line() == f"line {number}"
            # The last line without an end, and the end.
            bob.type("bye")
            bob.end_of_input()
            alice.line("bye")
            alice.told("closed")
            bob.ends()
            alice.ends()


def make_file(path, size, seed=0):
    """A file with random content. Returns its hash."""
    content = random.Random(seed).getrandbits(8 * size).to_bytes(size, "big") if size else b""
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


SENDS = {"python": lambda *files: command("send", *files), "C": lambda *files: c_program("send_file", "send", *files)}
RECEIVES = {
    "python": lambda invitation, directory: command("receive", invitation, directory),
    "C": lambda invitation, directory: c_program("send_file", "receive", invitation, directory),
}


@pytest.mark.parametrize(("sends", "receives"), PAIRS)
def test_files(sends, receives, tmp_path):
    there = tmp_path / "received"
    there.mkdir()
    files = {name: make_file(tmp_path / name, size) for name, size in
             (("empty.bin", 0), ("small.txt", 10), ("größer.bin", 3_000_001))}
    (there / "small.txt").write_text("was here before")
    with SENDS[sends](*[tmp_path / name for name in files]) as sender:
        invitation = sender.line("ws://")
        with RECEIVES[receives](invitation, there) as receiver:
            for name in files:
                receiver.line("received: ")
                assert name in sender.line("sent: ")
            sender.ends()
            receiver.ends()
    assert hash_of(there / "empty.bin") == files["empty.bin"]
    assert (there / "small.txt").read_text() == "was here before"
    assert hash_of(there / "small (1).txt") == files["small.txt"]
    assert hash_of(there / "größer.bin") == files["größer.bin"]
    assert not [path for path in there.iterdir() if path.name.startswith(".")]


def test_files_in_a_chat(tmp_path):
    make_file(tmp_path / "picture.png", 500_000)
    there = tmp_path / "there"
    there.mkdir()
    with command("chat", "--dir", there) as alice, command("chat", alice.line("ws://")) as bob:
        bob.told("connected")
        bob.type(f"/send {tmp_path / 'picture.png'}\n")
        alice.line("received: ")
        bob.line("sent: picture.png")
        # Bob has no directory.
        alice.type(f"/send {tmp_path / 'picture.png'}\n")
        alice.line("takes no files")
        alice.type(f"/send {tmp_path / 'nothing'}\nstill here\n")
        alice.line("not sent: nothing")
        bob.line("still here")
        alice.end_of_input()
        alice.ends()
        bob.ends()


def test_transfers_go_on_after_a_kill(tmp_path):
    """Both sides have stored keys: whoever is killed is started again, without an invitation, and nothing is sent twice.

    The other side notices after half a minute, so all of them wait at once.
    """
    jobs = []
    for killed in ("sender", "receiver"):
        (tmp_path / killed).mkdir()
        jobs.append(in_thread(transfer_with_a_kill, killed, tmp_path / killed))
    for job in jobs:
        job()


def transfer_with_a_kill(killed, here):
    size = 60_000_000
    digest = make_file(here / "big.bin", size)
    there = here / "there"
    there.mkdir()
    with saltyrtc.Server() as server:
        options = ("--server", server.url, "--server-key", server.public_key.hex(), "--keys", here / "sender.keys")

        def send():
            return command("send", here / "big.bin", *options)

        def receive(invitation):
            return command("receive", invitation, there, "--keys", here / "receiver.keys")

        with send() as sender:
            invitation = sender.line("ws://")
            with receive(invitation) as receiver:
                receiver.told("big.bin: 2")  # more than 20 %
                (sender if killed == "sender" else receiver).kill()
                if killed == "sender":
                    receiver.told("trying again")
                    with send() as again:
                        again.told("known from before")
                        begin = int(again.told("bytes already").split("has ")[1].split()[0])
                        again.ends()
                    receiver.line("received: ")
                    receiver.ends()
                else:
                    without_token = invitation.split("#")[0]
                    with receive(without_token) as again:
                        again.told("known from before")
                        begin = int(sender.told("bytes already").split("has ")[1].split()[0])
                        again.line("received: ")
                        again.ends()
                    sender.ends()
    assert 0 < begin < size
    assert hash_of(there / "big.bin") == digest
    assert oct((here / "sender.keys").stat().st_mode)[-3:] == "600"


def test_pairing_of_which_one_is_killed(tmp_path):
    """Before it could store the key of the other one, which is the same as having the file of before."""
    files = alice, bob = tmp_path / "alice.keys", tmp_path / "bob.keys"
    with saltyrtc.Server() as server:
        options = ("--server", server.url, "--server-key", server.public_key.hex(), "--keys", alice)

        def meet(invitation=None):
            with command("chat", *options) as initiator:
                invitation = invitation or initiator.line("ws://")
                before = alice.read_bytes()
                with command("chat", invitation, "--keys", bob) as responder:
                    for program in (initiator, responder):
                        program.told("connected")
                    responder.end_of_input()
                    responder.ends()
                    initiator.ends()
            return before, invitation

        alice_before, invitation = meet()
        alice_after, bob_after = (path.read_bytes() for path in files)
        bob_before = bob_after.splitlines()[0] + b"\n-\n"
        assert alice_before.endswith(b"\n-\n") and not bob_after.endswith(b"\n-\n")
        for of_alice in (alice_before, alice_after):
            for of_bob in (bob_before, bob_after):
                alice.write_bytes(of_alice)
                bob.write_bytes(of_bob)
                # Who starts the same again has the same invitation. Only who knows nobody yet makes a new one.
                meet(invitation if of_alice == alice_after else None)
                assert [path.read_bytes() for path in files] == [alice_after, bob_after]


def test_wrong_use(tmp_path):
    for arguments, status in (
        ((), 2), (("receive",), 2), (("chat", "no invitation"), 1), (("send", tmp_path / "nothing"), 1),
        (("receive", "wss://example.org", tmp_path / "nowhere"), 1),
        (("send", __file__, "--keys", tmp_path / "keys"), 1), (("chat", "--server", "http://example.org"), 1),
    ):
        with command(*arguments) as program:
            program.ends(status)
            assert not any("Traceback" in line for line in program.seen), program.seen


def test_pictures_links_and_interrupts(tmp_path):
    with command("chat", "--svg", tmp_path / "code.svg", "--page", "https://example.org/") as program:
        invitation = program.line("ws://")
        assert program.line("https://") == "https://example.org/#" + invitation.replace("#", "%23")
        assert (tmp_path / "code.svg").read_text().startswith("<svg")
        program.told("waiting")
        program.interrupt()
        program.ends(130)
        assert not any("Traceback" in line for line in program.seen), program.seen


