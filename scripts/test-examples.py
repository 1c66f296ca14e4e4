#!/usr/bin/env python3
"""Runs the examples that talk to each other as people would use them, each once under valgrind.

The first argument is the directory with the programs that scripts/test-c.sh compiled; the others are the
names of tests to run in place of all. Nothing sleeps here:
every step waits for a line of a program, or for its end.
"""

import fcntl
import hashlib
import itertools
import os
import pty
import queue
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading

from screen import Screen, read_terminal

LIMIT = 120  # seconds; longer than anything takes
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--error-exitcode=99",
            "--errors-for-leak-kinds=definite,indirect,possible"]
BUILD = sys.argv[1]


class Program:
    """A running example, with its output line by line."""

    running = []

    def __init__(self, name, *arguments, valgrind=False, largest_file=None, stderr=subprocess.PIPE):
        program = os.path.join(BUILD, f"examples-c-{name}.c.test")
        self.what = " ".join((name, *arguments))
        self.process = subprocess.Popen(
            (VALGRIND if valgrind else []) + [program, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        if largest_file is not None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
        self.outputs = {}
        self.seen = {}
        for stream in ("stdout", "stderr") if stderr == subprocess.PIPE else ("stdout",):
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

    def lines(self, *texts):
        """Waits for lines with these texts in them, in any order."""
        missing = list(texts)
        while missing:
            line = self.line()
            missing = [text for text in missing if text not in line]

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


def server(*arguments, valgrind=False):
    program = Program("server", *arguments, valgrind=valgrind)
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

        # The server goes away and comes back, and both find each other.
        initiator = Program("trusted", alice, "initiate", url)
        responder = Program("trusted", bob, "join", "stay")
        responder.line("received: hello yourself")
        signalling.kill()
        for program in (initiator, responder):
            program.line("trying again")
        signalling, _, _ = server("127.0.0.1", url.rsplit(":", 1)[1])
        for program in (initiator, responder):
            program.line("connected without a token")
        responder.line("received: hello yourself")
        for program in (initiator, responder):
            program.kill()

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


def pairing_of_which_one_is_killed():
    """A file is replaced as a whole, so that being killed before that is the same as having the one before."""
    signalling, url, _ = server()
    with tempfile.TemporaryDirectory() as directory:
        alice, bob = (os.path.join(directory, name) for name in ("alice", "bob"))

        def content(path):
            with open(path, "rb") as file:
                return file.read()

        initiator = Program("trusted", alice, "initiate", url, "1")
        invitation = initiator.line("invitation: ").split()[1]
        alice_before = content(alice)
        # It stores the invitation before it needs a server.
        nowhere = Program("trusted", bob, "join", invitation.replace(url, "ws://127.0.0.1:1"))
        nowhere.line("trying again")
        nowhere.kill()
        bob_before = content(bob).replace(b"ws://127.0.0.1:1", url.encode())
        with open(bob, "wb") as file:
            file.write(bob_before)
        responder = Program("trusted", bob, "join")
        responder.ends()
        initiator.ends()
        alice_after, bob_after = content(alice), content(bob)
        check(alice_before != alice_after and bob_before != bob_after, "both have stored what they know now")

        for of_alice, of_bob in itertools.product((alice_before, alice_after), (bob_before, bob_after)):
            for path, text in ((alice, of_alice), (bob, of_bob)):
                with open(path, "wb") as file:
                    file.write(text)
            for _ in range(2):
                initiator = Program("trusted", alice, "initiate", url, "1")
                responder = Program("trusted", bob, "join")
                responder.line("connected")
                responder.line("received: hello yourself")
                responder.ends()
                initiator.ends()
            check(content(alice).startswith(b"paired") and content(bob).startswith(b"paired"), "both know that they have paired")
    signalling.end_of_input()
    signalling.ends()
    print("ok  pairing_of_which_one_is_killed")


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
    # The good-bye of the one arrives at the other.
    responder.told("the peer closed the connection")
    responder.ends()
    initiator.ends()

    # A peer that vanishes.
    initiator = Program("gstreamer_webrtc", "initiate")
    responder = Program("gstreamer_webrtc", "join", initiator.line("ws://"))
    for program in (initiator, responder):
        program.told("needs no server any more")
    responder.kill()
    initiator.told("the connection to the peer is lost")
    initiator.ends(1)
    for arguments in ((), ("invite",), ("join",)):
        usage = Program("gstreamer_webrtc", *arguments)
        usage.told("usage")
        usage.ends(1)
    print("ok  gstreamer_webrtc")


def make_file(*path, size):
    path = os.path.join(*path)
    with open(path, "wb") as file:
        file.write(os.urandom(size))
    return path


def sha256(*path):
    with open(os.path.join(*path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_this_time(line):
    """How much of a file was sent or received: `sent: NAME: N bytes, M of them this time`."""
    size, now = line.split(": ")[-1].split(" bytes, ")
    return int(size), int(now.split()[0])


def files_of_all_kinds():
    """Small files, one after another, to a directory that has files with these names."""
    with tempfile.TemporaryDirectory() as directory:
        here, there = (os.path.join(directory, name) for name in ("here", "there"))
        os.mkdir(here)
        os.mkdir(there)
        names = ["a.tar.gz", "empty", "Grüße an alle.txt", ".hidden", "x" * 250]
        for name, size in zip(names, (300_000, 0, 1, 65_000, 65_001)):
            make_file(here, name, size=size)
        for name in ("a.tar.gz", "a.tar (1).gz", "empty"):
            with open(os.path.join(there, name), "w", encoding="utf-8") as file:
                file.write("mine")

        sender = Program("send_file", "send", *(os.path.join(here, name) for name in names), valgrind=True)
        sender.told("█")
        invitation = sender.line("ws://")
        receiver = Program("send_file", "receive", invitation, there, valgrind=True)
        arrived = [receiver.line("received: ").split(": ")[1] for _ in names]
        for name in names:
            sender.line(f"sent: {name}")
        sender.ends()
        receiver.ends()

        check([os.path.basename(path) for path in arrived[:4]]
              == ["a.tar (2).gz", "empty (1)", "Grüße an alle.txt", "_hidden"], f"the names are right: {arrived}")
        for name, path in zip(names, arrived):
            check(sha256(here, name) == sha256(path), f"{name} is the same on both sides")
        for name in ("a.tar.gz", "a.tar (1).gz", "empty"):
            with open(os.path.join(there, name), encoding="utf-8") as file:
                check(file.read() == "mine", f"{name} is kept")
        check(len(os.listdir(there)) == len(names) + 3, "nothing else is left")
    print("ok  send_file, files of all kinds")


def files_both_ways():
    """Two programs that send each other files and chat at the same time."""
    signalling, url, key = server()
    with tempfile.TemporaryDirectory() as directory:
        here, there = (os.path.join(directory, name) for name in ("here", "there"))
        os.mkdir(here)
        os.mkdir(there)
        large = make_file(directory, "large", size=50 << 20)
        small, other = (make_file(directory, name, size=1 << 20) for name in ("small", "other"))
        alice = Program("send_file", "serve", here, large, "--server", url, "--server-key", key,
                        "--page", "http://localhost:8000/")
        invitation = alice.line("ws://")
        check(alice.line("http://localhost:8000/#ws://").split("/#")[1] == invitation.replace("#", "%23"),
              "the link has the invitation")
        bob = Program("send_file", "join", invitation, there, small)
        for program in (alice, bob):
            program.told("connected, end-to-end encrypted: directly")
        bob.told("large: 10%")
        bob.type(f"Hello!\n/send {other}\n")
        alice.type("Grüße\x1b[2J\n")
        alice.lines("peer: Hello!", "sent: large",
                    *("received: " + os.path.join(here, name) for name in ("small", "other")))
        bob.lines("peer: Grüße_[2J", "received: " + os.path.join(there, "large"))
        for name, where in (("large", there), ("small", here), ("other", here)):
            check(sha256(directory, name) == sha256(where, name), f"{name} is the same on both sides")

        # What is there already does not travel again, whatever its name is.
        renamed = os.path.join(directory, "renamed")
        os.rename(large, renamed)
        alice.type(f"/send {renamed}\n")
        check(bytes_this_time(alice.line("sent: renamed")) == (50 << 20, 0), "nothing was sent again")
        # Bob leaves. Alice waits for him to come back, but he has forgotten who he was.
        bob.end_of_input()
        bob.ends()
        alice.told("trying again")
        alice.told("waiting for the other side")
        alice.process.send_signal(signal.SIGTERM)
        alice.ends(1)
    signalling.end_of_input()
    signalling.ends()
    print("ok  send_file, both ways")


def stored(size, percent):
    """How much of a file is there for the next time, at least, when this part of it has been received."""
    # A checkpoint is made every 4 MiB, at the end of a message.
    return size * percent // 100 - (4 << 20) - (64 << 10)


def files_resume():
    """Either side is killed in mid-transfer. The one that remains finds the other one again."""
    # Much more than can be sent between a line that somebody prints and the end of that program.
    size = 128 << 20
    signalling, url, key = server()
    with tempfile.TemporaryDirectory() as directory:
        there = os.path.join(directory, "there")
        os.mkdir(there)
        large = make_file(directory, "large", size=size)
        keys = [("--keys", os.path.join(directory, name)) for name in ("alice", "bob")]
        sends = ("send_file", "send", large, "--server", url, "--server-key", key, *keys[0])
        sender = Program(*sends)
        invitation = sender.line("ws://")
        receives = ("send_file", "receive", invitation, there, *keys[1])
        receiver = Program(*receives)
        receiver.told("large: 20%")
        check(os.listdir(there) != [] and "large" not in os.listdir(there), "it has another name until it is complete")
        sender.kill()
        sender = Program(*sends)
        sender.told("known from before")
        first = int(sender.told("bytes already").split()[-3])
        check(stored(size, 20) <= first < size, f"what was received is not sent again: {first}")

        receiver.told("large: 40%")
        receiver.kill()
        receiver = Program(*receives)
        receiver.told("known from before")
        second = int(sender.told("bytes already").split()[-3])
        check(stored(size, 40) <= second < size, f"nor is what was received the second time: {second}")
        check(bytes_this_time(receiver.line("received: ")) == (size, size - second), "the rest was received")
        check(bytes_this_time(sender.line("sent: ")) == (size, size - second), "the rest was sent")
        sender.ends()
        receiver.ends()
        check(sha256(large) == sha256(there, "large"), "the file is the same on both sides")
        check(os.listdir(there) == ["large"], "nothing else is left")
        for _, path in keys:
            check(os.stat(path).st_mode & 0o077 == 0, "nobody else can read the keys")
    signalling.end_of_input()
    signalling.ends()
    print("ok  send_file, killed and resumed")


def files_of_which_one_is_killed():
    """Before it could store the key of the other one, which is the same as having the file of before."""
    signalling, url, key = server()
    with tempfile.TemporaryDirectory() as directory:
        alice, bob, there = (os.path.join(directory, name) for name in ("alice", "bob", "there"))
        os.mkdir(there)
        serves = ("send_file", "serve", there, "--server", url, "--server-key", key, "--keys", alice)

        def content(path):
            with open(path, "rb") as file:
                return file.read()

        def meet(invitation=None):
            programs = [Program(*serves)]
            invitation = programs[0].line("ws://") if invitation is None else invitation
            before = content(alice)
            programs.append(Program("send_file", "join", invitation, there, "--keys", bob))
            for program in programs:
                program.told("the other side is there")
            # Then both have stored what they know. Nobody is killed before: the other one would not get there.
            for program in programs:
                program.told("connected")
            for program in programs:
                program.kill()
            return before, invitation

        alice_before, invitation = meet()
        alice_after, bob_after = content(alice), content(bob)
        bob_before = bob_after.split(b"\n")[0] + b"\n-\n"
        check(alice_before.endswith(b"\n-\n") and not bob_after.endswith(b"\n-\n"), "own keys first, and then the other's")
        for of_alice, of_bob in itertools.product((alice_before, alice_after), (bob_before, bob_after)):
            for path, text in ((alice, of_alice), (bob, of_bob)):
                with open(path, "wb") as file:
                    file.write(text)
            # Who starts the same again has the same invitation. Only an initiator that knows nobody yet makes a new one.
            meet(invitation if of_alice == alice_after else None)
            check((content(alice), content(bob)) == (alice_after, bob_after), "both know each other")
    signalling.end_of_input()
    signalling.ends()
    print("ok  send_file, killed before it could store a key")


def files_that_are_damaged():
    """What is there of a file, or the file itself, is not what it was."""
    size = 16 << 20
    with tempfile.TemporaryDirectory() as directory:
        there = os.path.join(directory, "there")
        os.mkdir(there)
        path = make_file(directory, "file", size=size)
        for damage in ("nothing", "flipped", "shorter", "no checkpoint"):
            sender = Program("send_file", "send", path)
            # It ends before it has everything, even if the interruption comes late.
            receiver = Program("send_file", "receive", sender.line("ws://"), there, largest_file=12 << 20)
            receiver.told("file: 30%")
            # Ctrl-C: what is there stays.
            receiver.process.send_signal(signal.SIGINT)
            receiver.ends(1)
            sender.ends(1)
            part, = (os.path.join(there, name) for name in os.listdir(there) if name.endswith(".part"))
            if damage == "flipped":
                with open(part, "r+b") as file:
                    file.seek(1 << 20)
                    byte = file.read(1)
                    file.seek(1 << 20)
                    file.write(bytes((byte[0] ^ 1,)))
            elif damage == "shorter":
                os.truncate(part, 1 << 20)
            elif damage == "no checkpoint":
                os.remove(part.replace(".part", ".check"))
            sender = Program("send_file", "send", path)
            receiver = Program("send_file", "receive", sender.line("ws://"), there)
            if damage in ("flipped", "shorter"):
                receiver.told("damaged; once more from the beginning")
            _, received = bytes_this_time(receiver.line("received: "))
            check((received <= size - (4 << 20)) if damage == "nothing" else received == size,
                  f"{received} bytes are sent again after damage: {damage}")
            sender.ends()
            receiver.ends()
            check(os.listdir(there) == ["file"], "nothing else is left")
            check(sha256(path) == sha256(there, "file"), "the file is the same on both sides")
            os.remove(os.path.join(there, "file"))

        # The disk of the sender is not what it was.
        sender = Program("send_file", "send", path)
        invitation = sender.line("ws://")
        sender.told("file: read, ready to be sent")
        before = os.stat(path)
        with open(path, "r+b") as file:
            file.write(b"something else")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        receiver = Program("send_file", "receive", invitation, there)
        receiver.line("not received: file: the hash of what was received is wrong")
        sender.line("not sent: file: the hash of what was received is wrong")
        sender.ends(1)
        receiver.ends(1)
        check(os.listdir(there) == [], "nothing is left")

        # A file that was written to in the meantime is another file.
        sender = Program("send_file", "send", path)
        invitation = sender.line("ws://")
        sender.told("file: read, ready to be sent")
        with open(path, "ab") as file:
            file.write(b"more")
        receiver = Program("send_file", "receive", invitation, there)
        receiver.line("received: ")
        sender.ends()
        receiver.ends()
        check(sha256(path) == sha256(there, "file"), "the file is the same on both sides")
    print("ok  send_file, damaged files")


def files_on_a_terminal():
    """What fits on the screen, and what people are told about the rest."""
    with tempfile.TemporaryDirectory() as directory:
        there = os.path.join(directory, "there")
        os.mkdir(there)
        # Large enough that reading it takes time: the invitation comes first.
        path = make_file(directory, "a name of a file that is longer than it has to be", size=48 << 20)
        for rows, columns in ((24, 80), (20, 60), (60, 120)):
            master, screen = pty.openpty()
            fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            sender = Program("send_file", "send", path, stderr=screen)
            os.close(screen)
            sender.outputs["terminal"], sender.seen["terminal"] = queue.Queue(), []
            threading.Thread(target=read_terminal, args=(master, sender.outputs["terminal"]), daemon=True).start()
            invitation = sender.line("ws://")
            receiver = Program("send_file", "receive", invitation, there)
            sender.line("sent: ")
            sender.ends()
            receiver.ends()
            os.remove(os.path.join(there, os.listdir(there)[0]))
            shown = "".join(iter(lambda: sender.outputs["terminal"].get(timeout=LIMIT), None))
            code = [line for line in shown.split("\r\n") if "█" in line]
            told = "higher than this terminal" in shown
            check(told == (len(code) + 2 > rows), f"{len(code)} lines of a code in {rows}, told: {told}")
            check(shown.index("█") < shown.index("ready to be sent"), "the invitation comes before the file is read")
            # What is drawn again and again stays within one line.
            progress = [text.split("\r")[0] for text in shown.split("\r\x1b[K")[1:] if "%" in text]
            check(progress, "there is a line for the progress")
            check(all(len(text) < columns for text in progress), f"it fits into {columns} columns: {progress}")
    print("ok  send_file on terminals")


def chat_on_a_terminal():
    """What the other one says goes around a line that is half typed."""
    for rows, columns in ((24, 80), (6, 60)):
        other = Program("chat", "initiate")
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        chat = subprocess.Popen([os.path.join(BUILD, "examples-c-chat.c.test"), "join", other.line("ws://")],
                                stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        output, screen = queue.Queue(), Screen(rows, columns)
        threading.Thread(target=read_terminal, args=(master, output), daemon=True).start()

        def shows(*last):
            while screen.shown()[-len(last):] != list(last):
                try:
                    screen.feed(output.get(timeout=LIMIT))
                except (queue.Empty, TypeError):
                    fail(f"the screen does not show {last} but {screen.shown()}")

        shows("* connected, end-to-end encrypted")
        os.write(master, "Half of a lö".encode())
        shows("* connected, end-to-end encrypted", "Half of a lö")
        other.type("Grüße!\n")
        shows("* connected, end-to-end encrypted", "peer: Grüße!", "Half of a lö")
        # More than one row, and something that would clear the screen.
        other.type("\x1b[2J" + "x" * columns + "\n")
        shows("peer: Grüße!", ("peer: _[2J" + "x" * columns)[:columns], "x" * 10, "Half of a lö")
        os.write(master, b"ne\n")
        check(other.line() == "Half of a löne", "the line is sent as it was typed")
        shows("x" * 10, "Half of a löne")
        other.end_of_input()
        other.ends()
        check(chat.wait(LIMIT) == 0, "the chat ends with the other one")
        os.close(master)
    print("ok  chat on terminals")


def files_and_errors():
    with tempfile.TemporaryDirectory() as directory:
        there = os.path.join(directory, "there")
        os.mkdir(there)
        path = make_file(directory, "file", size=8 << 20)
        # No room at the receiver's. What was received is there for the next time.
        sender = Program("send_file", "send", path)
        receiver = Program("send_file", "receive", sender.line("ws://"), there, largest_file=6 << 20)
        receiver.line("not received: file: the receiver cannot write the file: File too large")
        sender.line("not sent: file: the receiver cannot write the file: File too large")
        sender.ends(1)
        receiver.ends(1)
        sender = Program("send_file", "send", path)
        receiver = Program("send_file", "receive", sender.line("ws://"), there)
        _, received = bytes_this_time(receiver.line("received: "))
        check(received <= 4 << 20, f"not all of it is sent again: {received}")
        sender.ends()
        receiver.ends()

        # Somebody who sends without being asked to. The file is small, so that it is offered before the
        # guest confirms that it has the sender's file, which ends the sender.
        unasked = make_file(there, "unasked", size=1)
        sender = Program("send_file", "send", path)
        guest = Program("send_file", "join", sender.line("ws://"), directory, unasked)
        guest.lines("not sent: unasked: this program takes no files at the moment", "received: ")
        sender.ends(1)
        guest.kill()

        # A receiver that gives up cannot come back without keys, nor can anybody else with this invitation. The sender
        # is still reading its file then, which has taken nothing from it so far.
        endless = os.path.join(directory, "endless")
        with open(endless, "wb") as file:
            file.truncate(1 << 40)
        sender = Program("send_file", "send", endless)
        receiver = Program("send_file", "receive", sender.line("ws://"), there)
        receiver.told("the other side is there")
        receiver.process.send_signal(signal.SIGINT)
        receiver.ends(1)
        sender.told("not all was sent. The invitation is used up")
        sender.ends(1)

        for what, *arguments in (
                ("No such file", "send", os.path.join(directory, "missing")),
                ("it is not a file", "send", there),
        ):
            wrong = Program("send_file", *arguments)
            wrong.line(what)
            wrong.ends(1)
        for what, *arguments in (
                ("no files can be put there", "receive", "ws://x", os.path.join(directory, "missing")),
                ("not an invitation", "receive", "ws://x"),
                ("--keys needs --server", "send", path, "--keys", os.path.join(directory, "keys")),
                ("url: ", "send", path, "--ice", "http://localhost"),
                ("usage", "send"),
                ("usage", "serve"),
                ("usage", "receive"),
                ("usage", "receive", "ws://x", "--server", "ws://localhost"),
                ("usage", "send", path, "--what", "x"),
                ("usage",),
        ):
            wrong = Program("send_file", *arguments)
            wrong.told(what)
            wrong.ends(1)
    print("ok  send_file, and what goes wrong")


if __name__ == "__main__":
    for test in (chat_with_its_own_server, chat_with_another_server, chat_on_a_terminal, trusted,
                 pairing_of_which_one_is_killed, gstreamer_webrtc,
                 files_of_all_kinds, files_both_ways, files_resume, files_of_which_one_is_killed, files_that_are_damaged,
                 files_on_a_terminal, files_and_errors):
        if not sys.argv[2:] or test.__name__ in sys.argv[2:]:
            test()
