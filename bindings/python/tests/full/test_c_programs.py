"""The C programs `trusted` and `server` with Python at the other end. (`chat` and `send_file` are in test_command.py,
`gstreamer_webrtc` in test_own_webrtc.py; the others meet nobody but themselves.)"""

import pytest
import saltyrtc
from saltyrtc import Status
from programs import c_program
from support import LIMIT


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "trusted.txt"


def test_python_joins_c(server, memory):
    keys = saltyrtc.KeyPair.generate()
    with c_program("trusted", memory, "initiate", server.url, "3") as program:
        uri = program.line("invitation: ").split()[1]
        with saltyrtc.sync.Responder(uri, keys=keys) as bob:
            program.line("connected")
            bob.connected(LIMIT)
            key = bob.trust()
            bob.send("hello")
            assert bob.receive(LIMIT) == "hello yourself"
        # From now on: without a token. Both have the other's key.
        again = saltyrtc.Invitation.from_parts(server.url, key)
        for _ in range(2):
            with saltyrtc.sync.Responder(again, keys=keys, trusted_peer=key) as bob:
                program.line("connected without a token")
                assert bob.connected(LIMIT).peer_key == key
                bob.send("hello")
                assert bob.receive(LIMIT) == "hello yourself"
        program.ends()
    _, secret, _, peer = memory.read_text().split()
    assert saltyrtc.KeyPair(secret).public == key and peer == keys.public.hex()


def test_c_joins_python(server, memory):
    keys = saltyrtc.KeyPair.generate()
    with saltyrtc.sync.Initiator(server.url, keys=keys) as alice:
        with c_program("trusted", memory, "join", alice.invitation) as program:
            key = alice.connected(LIMIT).peer_key
            assert alice.trust() == key
            assert alice.receive(LIMIT) == "hello"
            alice.send("hello yourself")
            program.line("received: hello yourself")
            program.ends()
    _, secret, _, peer = memory.read_text().split()
    assert saltyrtc.KeyPair(secret).public == key and saltyrtc.Invitation(peer).token is None
    # It has all that it needs in its file, also after it was killed in the middle.
    with saltyrtc.sync.Initiator(server.url, keys=keys, trusted_peer=key, rejoin=True) as alice:
        with c_program("trusted", memory, "join", "stay") as program:
            program.line("connected without a token")
            assert alice.receive(LIMIT) == "hello"
            program.kill()
        with c_program("trusted", memory, "join") as program:
            program.line("connected without a token")
            assert alice.receive(LIMIT) == "hello"
            alice.send("hello yourself")
            program.ends()


def test_somebody_else_does_not_get_in(server, memory):
    keys, stranger = saltyrtc.KeyPair.generate(), saltyrtc.KeyPair.generate()
    with saltyrtc.sync.Initiator(server.url, keys=keys, trusted_peer=stranger.public) as alice:
        # It was invited by somebody, but Alice trusts another one.
        with c_program("trusted", memory, "join", alice.invitation) as program:
            program.ends(1)
        with pytest.raises(saltyrtc.WaitTimeout):
            alice.connected(0)
        assert not memory.exists()


def test_on_a_server_in_c():
    with c_program("server") as program:
        url, key = program.line("ws://"), program.line()
        with saltyrtc.sync.Initiator(url, server_key=key) as alice:
            with saltyrtc.sync.Responder(alice.invitation) as bob:
                alice.connected(LIMIT)
                bob.connected(LIMIT)
                assert alice.server_verified and bob.server_verified
                alice.send("by way of C")
                assert bob.receive(LIMIT) == "by way of C"
                # It goes away in good order, and says so.
                program.end_of_input()
                program.ends()
                for peer in (alice, bob):
                    why = peer.wait_closed(LIMIT)
                    assert isinstance(why, saltyrtc.ConnectionFailed) and why.retryable, why
                    assert (why.status, why.close_code) == (Status.SERVER_GOING_AWAY, 1001), why
        with saltyrtc.sync.Initiator(url, server_key=saltyrtc.KeyPair.generate().public) as nobody:
            assert nobody.wait_closed(LIMIT).status == Status.CONNECT_FAILED
