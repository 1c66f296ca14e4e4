"""With the page of examples-web in Chromium: as a program, and as the command."""

import asyncio
import hashlib
import random
import subprocess

import pytest
import saltyrtc
from programs import Page, command
from support import asynchronous

HOST = "localhost"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and a certificate for this host: (authority, chain, key)."""
    here = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=here)

    (here / "extensions").write_text(f"subjectAltName=DNS:{HOST},IP:127.0.0.1\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", 1, "-subj", "/CN=Authority of one test", "-out", "ca.pem", "-keyout", "ca.key",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-subj", f"/CN={HOST}", "-out", "request.pem", "-keyout", "key.pem")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 1,
            "-extfile", "extensions", "-out", "own.pem")
    # A browser that is told to accept the authority looks for it in the chain.
    (here / "chain.pem").write_bytes((here / "own.pem").read_bytes() + (here / "ca.pem").read_bytes())
    return here / "ca.pem", here / "chain.pem", here / "key.pem"


@pytest.fixture
def tls_server(certificates):
    with saltyrtc.Server(tls=certificates[1:]) as server:
        yield server


@asynchronous
async def test_a_program_talks_with_the_page(tls_server, certificates):
    loop = asyncio.get_running_loop()
    options = {
        "tasks": [saltyrtc.WebRTC()], "server_key": tls_server.public_key, "tls_certificates": [certificates[0]],
        "system_roots": False,
    }
    with Page(certificates[0]) as page:
        async with saltyrtc.Initiator(f"wss://{HOST}:{tls_server.port}", **options) as peer:
            page.do("open", fragment=str(peer.invitation))
            session = await peer.connected()
            event = await loop.run_in_executor(None, page.wait_for, "peer")
            assert event["peerKey"] == peer.public_key.hex() != session.peer_key.hex()
            await peer.application.send("from Python")
            assert (await loop.run_in_executor(None, page.wait_for, "chat"))["text"] == "from Python"
            await peer.handed_over()
            await loop.run_in_executor(None, page.wait_for, "handover")
            page.do("chat", text="from the browser, over the connection")
            assert await peer.application.receive() == "from the browser, over the connection"
            page.do("leave")
            assert (await peer.wait_closed()).status == saltyrtc.Status.PEER_CLOSED


def test_the_command_and_the_page_exchange_files(tls_server, certificates, tmp_path):
    content = random.Random(1).getrandbits(8 * 3_000_000).to_bytes(3_000_000, "big")
    (tmp_path / "from python.bin").write_bytes(content)
    (tmp_path / "from the page.bin").write_bytes(content[::-1])
    there = tmp_path / "there"
    there.mkdir()
    with Page(certificates[0]) as page:
        page.do("open", fragment=f"invite=wss://{HOST}:{tls_server.port}/?{tls_server.public_key.hex()}")
        invitation = page.wait_for("invitation")["uri"]
        with command("chat", invitation, "--ca", certificates[0], "--dir", there) as chat:
            chat.told("connected")
            chat.type("Hello, browser\n")
            assert page.wait_for("chat")["text"] == "Hello, browser"
            page.do("chat", text="Hello, Python")
            chat.line("Hello, Python")
            page.do("send", path=str(tmp_path / "from the page.bin"))
            chat.line("received: ")
            page.wait_for("transfer", name="from the page.bin", state="done")
            chat.type(f"/send {tmp_path / 'from python.bin'}\n")
            chat.line("sent: from python.bin")
            page.wait_for("transfer", name="from python.bin", state="done")
            page.do("save", name="from python.bin", path=str(tmp_path / "saved"))
            page.wait_for("saved")
            chat.end_of_input()
            chat.ends()
            page.wait_for("end")
    for received, sent in ((there / "from the page.bin", content[::-1]), (tmp_path / "saved", content)):
        assert hashlib.sha256(received.read_bytes()).digest() == hashlib.sha256(sent).digest()
