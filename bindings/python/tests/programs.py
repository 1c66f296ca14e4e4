"""Programs that talk to each other as people would use them. Every step waits for a line, or for the end."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from support import LIMIT

ROOT = Path(__file__).resolve().parents[3]
#: Where scripts/build-examples.sh has put the C examples.
PROGRAMS = Path(os.environ.get("SALTYRTC_TEST_PROGRAMS", ROOT / "build/python/programs"))


class Program:
    """A running program, with its output line by line. Killed at the end of the `with` block, if it still runs."""

    def __init__(self, *command, environment=None):
        self.command = list(map(str, command))
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            # A shell that runs the tests in the background has its children ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.outputs = {}
        self.seen = []
        self.readers = []
        for name in ("stdout", "stderr"):
            self.outputs[name] = queue.Queue()
            reader = threading.Thread(target=self._read, args=(name,))
            reader.start()
            self.readers.append(reader)

    def _read(self, name):
        for line in getattr(self.process, name):
            line = line.decode("utf-8", "replace").rstrip("\n")
            self.seen.append(f"{name}: {line}")
            self.outputs[name].put(line)
        self.outputs[name].put(None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()
        for reader in self.readers:
            reader.join(LIMIT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass

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

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT)

    def fail(self, why):
        raise AssertionError("\n".join([f"{' '.join(self.command)}: {why}", *self.seen]))


def command(*arguments, **options):
    """`python -m saltyrtc`."""
    return Program(sys.executable, "-X", "dev", "-W", "error", "-m", "saltyrtc", *arguments, **options)


def c_program(name, *arguments):
    """One of examples-c."""
    return Program(PROGRAMS / name, *arguments)


class Page(Program):
    """The page of examples-web in a headless Chromium, driven by tests/interop/js/page.mjs."""

    def __init__(self, certificate):
        self.events = []
        super().__init__("node", ROOT / "tests/interop/js/page.mjs", certificate)

    def __enter__(self):
        self.wait_for("ready")
        return self

    def do(self, what, **arguments):
        self.type(json.dumps({"command": what, **arguments}) + "\n")

    def wait_for(self, name, /, **fields):
        """The first event with this name and these fields that nobody has waited for yet."""

        def is_it(event):
            return event["event"] == name and all(event.get(key) == value for key, value in fields.items())

        for at, event in enumerate(self.events):
            if is_it(event):
                return self.events.pop(at)
        while True:
            event = json.loads(self.line("{"))
            assert event["event"] not in ("uncaught", "failed"), event
            if is_it(event):
                return event
            self.events.append(event)
