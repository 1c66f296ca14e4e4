#!/usr/bin/env python3
"""Runs the examples that talk to each other as people would use them, each once under valgrind.

The argument is the directory with the programs that scripts/test-c.sh compiled. Nothing sleeps here:
every step waits for a line of a program, or for its end.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading

LIMIT = 120  # seconds; longer than anything takes
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--error-exitcode=99",
            "--errors-for-leak-kinds=definite,indirect,possible"]
BUILD = sys.argv[1]


class Program:
    """A running example, with its output line by line."""

    running = []

    def __init__(self, name, *arguments, valgrind=False):
        program = os.path.join(BUILD, f"examples-c-{name}.c.test")
        self.what = " ".join((name, *arguments))
        self.process = subprocess.Popen(
            (VALGRIND if valgrind else []) + [program, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.outputs = {}
        self.seen = {}
        for stream in ("stdout", "stderr"):
            self.outputs[stream] = queue.Queue()
            self.seen[stream] = []
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()
        Program.running.append(self)

    def _read(self, stream):
        for line in getattr(self.process, stream):
            self.outputs[stream].put(line.decode().rstrip("\n"))
        self.outputs[stream].put(None)

    def line(self, text="", stream="stdout"):
        """Waits for a line that has this text in it."""
        while True:
            try:
                line = self.outputs[stream].get(timeout=LIMIT)
            except queue.Empty:
                self.fail(f"no line with {text!r}")
            if line is None:
                self.outputs[stream].put(None)
                self.fail(f"ended without a line with {text!r}")
            self.seen[stream].append(line)
            if text in line:
                return line

    def told(self, text):
        return self.line(text, "stderr")

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_of_input(self):
        self.process.stdin.close()

    def ends(self, status=0):
        """Waits for the end."""
        try:
            found = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.fail("does not end")
        if found != status:
            self.fail(f"ended with {found}, not {status}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT)

    def fail(self, why):
        for stream, output in self.outputs.items():
            while not output.empty():
                line = output.get()
                if line is not None:
                    self.seen[stream].append(line)
            print(f"--- {stream}", *self.seen[stream], sep="\n")
        fail(f"{self.what}: {why}")


def fail(why):
    print(why)
    for program in Program.running:
        if program.process.poll() is None:
            program.process.kill()
    sys.exit(1)


def check(condition, what):
    if not condition:
        fail(f"not true: {what}")


def server(valgrind=False):
    program = Program("server", valgrind=valgrind)
    return program, program.line("ws://"), program.line()


def chat_with_its_own_server():
    initiator = Program("chat", "initiate", valgrind=True)
    initiator.told("█")
    invitation = initiator.line("ws://")
    responder = Program("chat", "join", invitation, valgrind=True)
    for program in (initiator, responder):
        program.told("connected")
    initiator.type("Hello, Bob!\n")
    responder.line("Hello, Bob!")
    responder.type("Grüße, Alice!\nand another line\n")
    initiator.line("Grüße, Alice!")
    initiator.line("and another line")
    # Many lines at once, and one that is longer than the buffer.
    initiator.type("".join(f"line {i}\n" for i in range(100)) + "x" * 10000 + "\n")
    for i in range(100):
        check(responder.line() == f"line {i}", f"line {i} comes next")
    received = ""
    while len(received) < 10000:
        received += responder.line("x")
    check(received == "x" * 10000, "a long line arrives in parts")
    # The last line without an end, and the end.
    initiator.type("bye")
    initiator.end_of_input()
    responder.line("bye")
    responder.told("closed")
    initiator.ends()
    responder.ends()
    print("ok  chat")


def chat_with_another_server():
    signalling, url, key = server(valgrind=True)
    initiator = Program("chat", "initiate", "--server", url, "--server-key", key)
    invitation = initiator.line("ws://")
    check(key in invitation, "the invitation has the server's key")
    responder = Program("chat", "join", invitation)
    initiator.told("connected")
    responder.told("connected")
    responder.end_of_input()
    responder.ends()
    initiator.ends()

    # A peer that vanishes.
    initiator = Program("chat", "initiate", "--server", url, "--server-key", key)
    responder = Program("chat", "join", initiator.line("ws://"))
    initiator.told("connected")
    responder.told("connected")
    responder.kill()
    initiator.told("left")
    initiator.ends(1)

    # What people type wrong.
    wrong_key = ("1" if key[0] != "1" else "2") + key[1:]
    impostor = Program("chat", "initiate", "--server", url, "--server-key", wrong_key)
    impostor.told("check the server's address")
    impostor.ends(1)
    wrong = Program("chat", "join", invitation[:-3])
    wrong.told("not an invitation")
    wrong.ends(1)
    for arguments in ((), ("invite",), ("join",), ("initiate", "--server")):
        usage = Program("chat", *arguments)
        usage.told("usage")
        usage.ends(1)
    signalling.end_of_input()
    signalling.ends()
    print("ok  chat with another server, and what goes wrong")


def trusted():
    signalling, url, _ = server()
    with tempfile.TemporaryDirectory() as directory:
        alice, bob = (os.path.join(directory, name) for name in ("alice", "bob"))
        # The first time, with an invitation.
        initiator = Program("trusted", alice, "initiate", url, "1", valgrind=True)
        invitation = initiator.line("invitation: ").split()[1]
        check("#" in invitation, "the first invitation has a token")
        responder = Program("trusted", bob, "join", invitation, valgrind=True)
        check(responder.line("connected") == "connected", "with a token")
        responder.line("received: hello yourself")
        responder.ends()
        initiator.ends()
        for path in (alice, bob):
            check(os.stat(path).st_mode & 0o077 == 0, "nobody else can read the file")

        # Both restarted, without one.
        initiator = Program("trusted", alice, "initiate", url)
        for _ in range(2):
            responder = Program("trusted", bob, "join")
            responder.line("connected without a token")
            responder.ends()
            initiator.line("connected without a token")
        # The responder is killed, and joins again; the initiator stays connected.
        for _ in range(2):
            responder = Program("trusted", bob, "join", "stay")
            initiator.line("connected without a token")
            responder.line("received: hello yourself")
            responder.kill()
            initiator.line("the other one left")
        # The initiator is restarted while the responder stays.
        responder = Program("trusted", bob, "join", "stay")
        responder.line("connected without a token")
        responder.line("received: hello yourself")
        initiator.kill()
        responder.line("the other one left")
        initiator = Program("trusted", alice, "initiate", url, "1")
        responder.line("connected without a token")
        responder.line("received: hello yourself")
        responder.kill()
        initiator.line("the other one left")
        initiator.ends()

        # Files that are damaged, or cannot be written.
        for content in (b"", b"x\n", b"00\nx\n", b"\xff\x00\n"):
            with open(alice, "wb") as file:
                file.write(content)
            damaged = Program("trusted", alice, "initiate", url)
            damaged.told("damaged")
            damaged.ends(1)
        nowhere = Program("trusted", directory, "join")
        nowhere.told(directory)
        nowhere.ends(1)
        no_invitation = Program("trusted", os.path.join(directory, "new"), "join")
        no_invitation.told("an invitation is needed")
        no_invitation.ends(2)
    signalling.end_of_input()
    signalling.ends()
    print("ok  trusted")


def gstreamer_webrtc():
    initiator = Program("gstreamer_webrtc", "initiate")
    responder = Program("gstreamer_webrtc", "join", initiator.line("ws://"))
    for program in (initiator, responder):
        program.told("connected")
        program.told("needs no server any more")
    initiator.type("Hello, Bob!\n")
    responder.line("Hello, Bob!")
    # More than the buffers take, and an end without an end of the line.
    lines = [f"{number} {'x' * 3000}" for number in range(1000)]
    typing = threading.Thread(target=lambda: (responder.type("\n".join(lines)), responder.end_of_input()))
    typing.start()
    for line in lines:
        check(initiator.line() == line, "all lines arrive, in order")
    typing.join()
    responder.ends()
    initiator.ends()

    # A peer that vanishes.
    initiator = Program("gstreamer_webrtc", "initiate")
    responder = Program("gstreamer_webrtc", "join", initiator.line("ws://"))
    responder.told("needs no server any more")
    responder.kill()
    initiator.told("the connection to the peer is lost")
    initiator.ends(1)
    for arguments in ((), ("invite",), ("join",)):
        usage = Program("gstreamer_webrtc", *arguments)
        usage.told("usage")
        usage.ends(1)
    print("ok  gstreamer_webrtc")


if __name__ == "__main__":
    chat_with_its_own_server()
    chat_with_another_server()
    trusted()
    gstreamer_webrtc()
