#!/usr/bin/env python3
"""The guide: its programs are compiled by the commands on its pages, against the installed library alone, and run; all
other code on them stands in a program that is; and the links of the book, which `make docs` made, lead somewhere.

The argument is a directory that is made anew.
"""

import html.parser
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from installed import ENVIRONMENT, LIMIT, OUT, PREFIX, ROOT, check, make, prepare, run, start

BOOK = ROOT / "build/docs/book"
GUIDE = BOOK / "docs"
PORT = "8765"  # of the server, on the pages; here it is a free one
ENVIRONMENT["PATH"] = f"{PREFIX / 'bin'}:{ENVIRONMENT['PATH']}"


class Page(html.parser.HTMLParser):
    """The blocks of code of a page of the book: what its reader copies."""

    def __init__(self, path):
        super().__init__()
        self.language, self.blocks = None, []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        named = re.search(r"language-(\S+)", dict(attributes).get("class") or "")
        if tag == "code" and named:
            self.language = named[1]
            self.blocks.append((self.language, ""))

    def handle_endtag(self, tag):
        if tag == "code":
            self.language = None

    def handle_data(self, data):
        if self.language:
            language, text = self.blocks[-1]
            self.blocks[-1] = (language, text + data)


def chapters():
    """The pages of the guide, in its order."""
    names = re.findall(r"^ *- \[.*\]\(docs/(.*)\.md\)", (ROOT / "docs/SUMMARY.md").read_text(), re.MULTILINE)
    return {name: Page(GUIDE / f"{name}.html").blocks for name in names if name not in ("operating", "abuse")}


def links_lead_somewhere():
    """Of a copy: linkchecker becomes nobody, who may not be allowed to read this directory."""
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory)
        copy.chmod(0o755)
        shutil.copytree(BOOK, copy / "book")
        settings = shutil.copy(ROOT / "docs/linkchecker.ini", copy)
        run("chmod", "-R", "a+rX", copy)
        result = subprocess.run(["linkchecker", "--no-status", f"--config={settings}", copy / "book/index.html"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
    check(result.returncode == 0, f"all links of the book lead somewhere:\n{result.stdout}")
    checked = re.search(r"(\d+) links in", result.stdout)
    check(checked and int(checked[1]) > 200, f"links were checked:\n{result.stdout}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def compile_programs(pages):
    """Writes and compiles all programs. Returns them, and for each of them what else is done in its block of commands."""
    sources, commands, steps = {}, {}, {}
    for name, blocks in pages.items():
        for language, text in blocks:
            check(language in ("c", "sh", "text"), f"{name} has {language}, which this test does not know")
            if language == "sh":
                lines = [line.split(" #")[0].strip() for line in text.splitlines()]
                check(lines[0].startswith("cc "), f"commands on {name} begin by compiling a program: {lines}")
                commands[lines[0].split()[1]] = lines[0]
                steps[lines[0].split()[1]] = lines[1:]
            if language == "c" and "int main(" in text:
                source = re.match(r"/\* (\S+\.c):", text)
                check(source, f"a program on {name} begins with its name")
                sources[source[1]] = text
    for source, text in sources.items():
        (OUT / source).write_text(text)
    for source in sources:
        check(source in commands, f"a page says how {source} is compiled")
        run("sh", "-c", commands[source])
        flags = re.search(r"pkg-config --cflags --libs ([^)]*)\)", commands[source])[1]
        others = run("pkg-config", "--cflags", *flags.split()).replace("-I", "-isystem ").split()
        run("gcc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", source,
            *others)
    check(set(commands) == set(sources), f"nothing else is compiled: {set(commands) ^ set(sources)}")
    check(set(sources) == set(PROGRAMS), f"each program is run here: {set(sources) ^ set(PROGRAMS)}")
    return sources, steps


def parts_are_of_programs(pages, sources):
    """What is no program stands in one: of these pages, or of the examples, which have tests of their own."""
    def plain(text):
        return "\n".join(line.strip() for line in text.splitlines() if line.strip())

    programs = [plain(text) for text in sources.values()]
    programs += [plain(path.read_text()) for path in sorted((ROOT / "examples-c").iterdir())]
    for name, blocks in pages.items():
        for language, text in blocks:
            if language == "c" and "int main(" not in text:
                check(any(plain(text) in program for program in programs), f"this, on {name}, stands in a program:\n{text}")


def names_exist(pages):
    """What the text calls by a name of C, or of an event or a status, is in the header."""
    header = (ROOT / "include/saltyrtc.h").read_text()
    others = {"SALTYRTC_BLESS", "SALTYRTC_SAFETY_OFF"} | {path.stem for path in (ROOT / "include").glob("*.hpp")}
    for name in pages:
        text = re.sub("```.*?```", "", (ROOT / f"docs/{name}.md").read_text(), flags=re.DOTALL)
        for word in set(re.findall(r"\bsaltyrtc_\w+|\b[A-Z]+(?:_[A-Z0-9]+)+\b", text)) - others:
            check(re.search(rf"\b(SALTYRTC_\w+_)?{word}\b", header), f"{word}, on {name}, is in the header")


class Server:
    """The server, as the first page starts it."""

    def __init__(self, command):
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        command = command.replace(PORT, self.port)
        check("saltyrtc-server serve" in command, f"a server is started: {command}")
        self.process = subprocess.Popen(["sh", "-c", f"exec env {command} --admin=off"], cwd=OUT, env=ENVIRONMENT, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        check(any("Started" in line for line in self.process.stdout), "the server starts")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=LIMIT)
        check(self.process.returncode == 0, "the server stops")


def said(program, words):
    """Waits for a line with these words in it."""
    for line in program.stdout:
        if words in line:
            return line.strip()
    sys.exit(f"{program.args} ends without saying {words}")


def ends(program, *words, status=0):
    output, _ = program.communicate(timeout=LIMIT)
    check(program.returncode == status, f"{program.args} ends with {status}: {program.returncode}, {output}")
    for word in words:
        check(word in output, f"{program.args} says {word}: {output}")


def invited(server):
    """The first program, waiting, and its invitation."""
    initiator = start(f"./pair invite {server.url}")
    return initiator, said(initiator, "ws://")


def two_sides(*, of_initiator, of_responder):
    """By the steps of a page, as they stand there but for the port and the invitation."""
    def test(server, steps):
        check(len(steps) == 2, f"steps as they are known: {steps}")
        invite, join = steps[0].replace(PORT, server.port), steps[1].split("'")[0]
        initiator = start(invite)
        responder = start(join, said(initiator, "ws://"))
        ends(responder, "closed: ", *of_responder)
        ends(initiator, "closed: ", *of_initiator)
    return test


def flow(_, steps):
    check(steps == ["./flow"], f"steps as they are known: {steps}")
    output, _ = start(*steps).communicate(timeout=LIMIT)
    received = re.fullmatch(r"received (\d+) of (\d+) messages, (\d+) under way at most\n", output)
    check(received and received[1] == received[2] == "2048", f"all messages arrive: {output}")
    check(int(received[3]) < 1024, f"the sender waits for the receiver: {output}")


def loop(name, greeting):
    def test(server, steps):
        check(steps == [], f"no steps: {steps}")
        initiator, invitation = invited(server)
        joined = start(f"./{name}", invitation)
        ends(joined, "received: Hello from the one who invited", "closed: ")
        ends(initiator, f"received: {greeting}")
    return test


def threads(server, steps):
    """Those who join also end: by the end of the input, or because the other one closes."""
    check(steps == [], f"no steps: {steps}")
    initiator, invitation = invited(server)
    joined = start("./threads", invitation)
    said(joined, "received: Hello from the one who invited")
    joined.stdin.write("Hello from a thread\n")
    joined.stdin.close()
    ends(initiator, "received: Hello from a thread", "closed: ")
    check("closed: " in joined.stdout.read() and joined.wait(LIMIT) == 0, "the program with threads ends")


def trace(server, pages):
    """What the page on the protocol shows is what the first pair says, but for what is random."""
    [shown] = [text.splitlines() for language, text in pages["protocol"] if language == "text" and "server-hello" in text]
    proxy = start(f"{ROOT / 'scripts/trace.py'} 0 {server.port}")
    initiator = start(f"./pair invite {said(proxy, 'ws://')}")
    invitation = said(initiator, "ws://")
    # As on the page, it is there before the responder comes.
    seen = [proxy.stdout.readline() for _ in range(3)]
    responder = start("./pair join", invitation)
    ends(responder)
    ends(initiator)
    # Both have said why they go.
    while sum(" > close" in line for line in seen) < 2:
        seen.append(proxy.stdout.readline())
        check(seen[-1] != "", f"the trace goes on: {seen}")
    proxy.terminate()
    seen = "".join(seen) + proxy.communicate(timeout=LIMIT)[0]

    def ways(lines):
        """What goes each way on each connection. In between, the order is that of the threads of the server."""
        plain = [re.sub(r"(cookie|number) +\w+", r"\1", line) for line in lines]
        return {way: [line for line in plain if line.startswith(way)] for way in ("1 >", "1 <", "2 >", "2 <")}

    # What the server says to those who are leaving is a matter of luck.
    for way, lines in ways(shown).items():
        check(lines and ways(seen.splitlines())[way][:len(lines)] == lines, f"{way}, the trace of the page is right:\n{seen}")


PROGRAMS = {
    "pair.c": two_sides(of_initiator=["received: Hello from the one who joined"],
                        of_responder=["received: Hello from the one who invited"]),
    "direct.c": two_sides(of_initiator=["connection: connected to the peer", "received: Hello, directly"],
                          of_responder=["connection: connected to the peer", "received: Hello, directly"]),
    "flow.c": flow,
    "loop_uv.c": loop("loop_uv", "Hello from libuv"),
    "loop_glib.c": loop("loop_glib", "Hello from GLib"),
    "threads.c": threads,
}


def main():
    signal.alarm(2 * LIMIT)  # a program that hangs is no reason to wait for ever
    prepare()
    links_lead_somewhere()
    pages = chapters()
    make("install", "LDCONFIG=true")
    sources, steps = compile_programs(pages)
    parts_are_of_programs(pages, sources)
    names_exist(pages)
    server = Server(steps["pair.c"].pop(0))
    for source, test in PROGRAMS.items():
        test(server, steps[source])
        print(f"ok      {source}")
    trace(server, pages)
    print("ok      trace.py")
    server.stop()


main()
