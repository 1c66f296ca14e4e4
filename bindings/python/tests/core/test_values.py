"""Keys, invitations, MessagePack, exceptions: what needs no connection."""

import array
import pickle
import xml.etree.ElementTree

import pytest
import saltyrtc
from saltyrtc import errors, msgpack


def test_keys():
    pair = saltyrtc.KeyPair.generate()
    assert len(pair.public) == len(pair.secret) == 32
    for form in (pair.secret, pair.secret.hex(), pair.secret.hex().upper(), bytearray(pair.secret), memoryview(pair.secret)):
        assert saltyrtc.KeyPair(form) == pair
    assert saltyrtc.KeyPair.generate() != pair
    assert saltyrtc.key_from(pair.public.hex()) == pair.public
    assert len({pair, saltyrtc.KeyPair(pair.secret)}) == 1


@pytest.mark.parametrize("wrong", ["", "ab", "g" * 64, "\0" * 64, b"", b"a" * 31, b"a" * 33])
def test_wrong_keys(wrong):
    with pytest.raises(ValueError):
        saltyrtc.KeyPair(wrong)


def test_secrets_are_not_shown():
    pair = saltyrtc.KeyPair.generate()
    token = saltyrtc.new_token()
    invitation = saltyrtc.Invitation.from_parts("wss://example.org", pair.public, token=token)
    initiator = saltyrtc.Initiator("wss://example.org", keys=pair, token=token)
    ice = saltyrtc.IceServer("turn:example.org", "user", "password-of-turn")
    shown = "".join(repr(it) for it in (pair, invitation, initiator, initiator._settings, ice, saltyrtc.WebRTC([ice])))
    for secret in (pair.secret.hex(), token.hex(), repr(pair.secret), repr(token), "password-of-turn"):
        assert secret not in shown
    with pytest.raises(TypeError):
        pickle.dumps(pair)


def test_the_memory_of_a_secret_is_overwritten():
    pair = saltyrtc.KeyPair.generate()
    memory = pair._secret
    assert any(memory)
    pair.__del__()
    assert memory == bytes(32)


def test_invitations():
    pair, server = saltyrtc.KeyPair.generate(), saltyrtc.KeyPair.generate()
    token = saltyrtc.new_token()
    full = saltyrtc.Invitation.from_parts("wss://example.org:1234", pair.public, server_key=server.public.hex(), token=token)
    assert str(full) == full.uri == f"wss://example.org:1234/{pair.public.hex()}?{server.public.hex()}#{token.hex()}"
    assert (full.server_url, full.initiator_key) == ("wss://example.org:1234", pair.public)
    assert (full.server_key, full.token) == (server.public, token)
    assert saltyrtc.Invitation(full.uri) == full
    bare = saltyrtc.Invitation.from_parts("ws://example.org", pair.public)
    assert (bare.server_key, bare.token) == (None, None)
    for wrong in ("", "http://example.org", full.uri[:-1], full.uri + "\0"):
        with pytest.raises(ValueError):
            saltyrtc.Invitation(wrong)


def test_qr_codes_show_the_same():
    invitation = saltyrtc.Initiator("wss://example.org").invitation
    terminal = invitation.qr()
    assert set(terminal) <= set("█▀▄ \n")
    svg = xml.etree.ElementTree.fromstring(invitation.qr_svg(module=4))
    size = int(svg.attrib["viewBox"].split()[2])
    assert (size - 8 - 17) % 4 == 0, "the size of a QR code, with its margin of four modules"
    assert svg.attrib["width"] == str(4 * size)
    path = svg.find("{http://www.w3.org/2000/svg}path").attrib["d"]
    dark = {tuple(map(int, move.split("h")[0].split())) for move in path.split("M")[1:]}
    # The three finder patterns: a ring of 7 modules, and a dark square of 3 in it.
    for left, top in ((4, 4), (size - 11, 4), (4, size - 11)):
        ring = {(x, y) for x in range(7) for y in range(7) if 0 in (x, y) or 6 in (x, y)}
        square = {(x, y) for x in range(2, 5) for y in range(2, 5)}
        seen = {(x, y) for x in range(7) for y in range(7) if (left + x, top + y) in dark}
        assert seen == ring | square
    assert not any(x < 4 or y < 4 or x >= size - 4 or y >= size - 4 for x, y in dark)


VALUES = [
    None, True, False, 0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63, 2**64 - 1,
    -1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63), 0.0, 1.5, float("inf"),
    "", "a", "ü" * 20, "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 65536, "a\0b",
    b"", b"a", b"x" * 255, b"x" * 256, b"x" * 65536,
    [], [1, [2, [3, {"a": None}]]], list(range(15)), list(range(16)), list(range(65536)),
    {}, {"type": "move", 1: b"x", None: [True]}, {str(i): i for i in range(16)}, {i: str(i) for i in range(65536)},
    msgpack.Extension(-1, b"\0" * 4), msgpack.Extension(5, b"abc"), msgpack.Extension(127, b"x" * 300),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_msgpack_and_back(value):
    encoded = msgpack.encode(value)
    assert msgpack.decode(encoded) == value
    assert type(msgpack.decode(encoded)) is type(value)
    for cut in {0, 1, len(encoded) // 2, len(encoded) - 1} - {len(encoded)}:
        with pytest.raises(ValueError):
            msgpack.decode(encoded[:cut])
    with pytest.raises(ValueError):
        msgpack.decode(encoded + b"\0")


def test_msgpack_has_the_bytes_of_the_specification():
    assert msgpack.encode({"compact": True, "schema": 0}) == b"\x82\xa7compact\xc3\xa6schema\x00"
    assert msgpack.encode((b"\1", -33, 2**16, 1.5)) == b"\x94\xc4\x01\x01\xd0\xdf\xce\x00\x01\x00\x00\xcb\x3f\xf8" + bytes(6)
    assert msgpack.decode(b"\xca\x3f\xc0\x00\x00") == 1.5
    assert msgpack.encode(bytearray(b"a")) == msgpack.encode(memoryview(b"a")) == b"\xc4\x01a"


def test_msgpack_refuses():
    for wrong in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError):
            msgpack.encode(wrong)
    with pytest.raises(TypeError):
        msgpack.encode(object())
    nested = []
    for _ in range(1000):
        nested = [nested]
    with pytest.raises(ValueError):
        msgpack.encode(nested)
    # Deep, a size that is a lie, not UTF-8, a byte that is never used, and a key that Python cannot have.
    for wrong in (b"\x91" * 100_000 + b"\0", b"\xdd\xff\xff\xff\xff\0", b"\xdf\x7f\xff\xff\xff\0", b"\xa1\xff", b"\xc1", b"\x81\x90\x00"):
        with pytest.raises(ValueError):
            msgpack.decode(wrong)
    assert msgpack.decode_any(b"\x81\x90\x00") == msgpack.Raw(b"\x81\x90\x00")
    assert msgpack.encode([msgpack.Raw(b"\x81\x90\x00")]) == b"\x91\x81\x90\x00"


def test_every_status_has_an_exception_with_its_text():
    kinds = set()
    for status in saltyrtc.Status:
        if status == saltyrtc.Status.OK:
            continue
        error = errors.error_from_status(status, close_code=3001)
        assert isinstance(error, errors.SaltyRTCError) and error.status is status and error.text
        assert status.name in str(error) and "3001" in str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
        kinds.add(type(error).__name__)
    assert kinds == set(errors.__all__) - {"SaltyRTCError"}
    for name, builtin in (("BAD_ARGUMENT", ValueError), ("CONNECT_FAILED", ConnectionError), ("TIMEOUT", TimeoutError),
                          ("LISTEN_FAILED", OSError)):
        assert isinstance(errors.error_from_status(saltyrtc.Status[name]), builtin)
    unknown = errors.error_from_status(-12345)
    assert unknown.status == -12345 and unknown.status.name == "UNKNOWN_-12345"


@pytest.mark.parametrize("options", [
    {"max_message_size": 1}, {"trusted_peer": b"short"}, {"tls_certificates": [b"no certificate"]},
    {"tasks": [saltyrtc.CustomTask("")]}, {"tasks": [saltyrtc.WebRTC(ports=(5, 4))]},
    {"tasks": [saltyrtc.WebRTC(disconnected_timeout=0.999)]}, {"tasks": [saltyrtc.WebRTC(unreachable_timeout=30.001)]},
    {"tasks": [saltyrtc.WebRTC(setup_timeout=0)]},
    {"tasks": [saltyrtc.WebRTC(ice_servers=["http://example.org"])]}, {"tasks": [saltyrtc.OwnWebRTC(exclude=[65535])]},
], ids=repr)
def test_wrong_settings(options):
    with pytest.raises(ValueError):
        saltyrtc.Initiator("wss://example.org", **options)


def test_wrong_arguments():
    for server in ("", "example.org", "https://example.org", "wss://example.org\0"):
        with pytest.raises(ValueError):
            saltyrtc.Initiator(server)
    with pytest.raises(TypeError):
        saltyrtc.Initiator("wss://example.org", no_such_option=1)
    with pytest.raises(ValueError):
        saltyrtc.Responder("wss://example.org")


def test_chunks_with_all_kinds_of_bytes():
    message = bytes(range(256)) * 10
    odd = array.array("H", range(500))
    for mode in saltyrtc.ChunkingMode:
        chunker, unchunker = saltyrtc.Chunker(mode), saltyrtc.Unchunker(mode)
        for form in (message, bytearray(message), memoryview(message), memoryview(message)[::2], odd):
            chunks = chunker.split(form, 100)
            assert max(map(len, chunks)) == 100
            *rest, last = [unchunker.add(memoryview(chunk)) for chunk in chunks]
            assert last == memoryview(form).tobytes() and not any(rest)
        assert unchunker.expire() == 0
    with pytest.raises(errors.InvalidArgument) as info:
        saltyrtc.Unchunker().add(b"")
    assert info.value.status == saltyrtc.Status.BAD_CHUNK
