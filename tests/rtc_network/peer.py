"""Programs that print events as JSON, one per line: rtc_peer above all."""

import json
import queue
import subprocess
import sys
import threading
import time

from network import LIMIT, TURN_PASSWORD, TURN_USER
import programs


class JsonProgram:
    """A running program, its events one by one. `at` is when they came, by the monotonic clock."""

    def __init__(self, name, process):
        self.name = name
        self.process = process
        self.seen = []
        self._waiting = []
        self._events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.process.stdout:
                self._events.put({**json.loads(line), "at": time.monotonic()})
        except ValueError as error:  # no JSON, or closed with the network
            self._events.put({"event": "no JSON", "text": str(error)})
        self._events.put(None)

    def wait_for(self, event, limit=LIMIT, **fields):
        """The first event with this name and these fields that was not waited for yet."""
        while True:
            for index, found in enumerate(self._waiting):
                if found.get("event") == event and all(found.get(key) == value for key, value in fields.items()):
                    return self._waiting.pop(index)
            try:
                found = self._events.get(timeout=limit)
            except queue.Empty:
                self.fail(f"silent for {limit} s, awaited: {event} {fields}")
            if found is None:
                self.fail(f"has ended, awaited: {event} {fields}")
            self.seen.append(found)
            self._waiting.append(found)
            if found.get("event") == "failed" and event != "failed":
                self.fail(f"failed, awaited: {event} {fields}")

    def fail(self, why):
        raise AssertionError("\n  ".join([f"{self.name}: {why}; its events:", *map(json.dumps, self.seen)]))


class RtcPeer(JsonProgram):
    """rtc_peer in the namespace of a client. README.md has its command line and its events."""

    def __init__(self, network, side, role, *options, transports=(), runner=()):
        ice = [f"--ice={network.turn_url('stun')}"] if {"stun", "udp"} & set(transports) else []
        ice += [f"--ice={network.turn_url(transport)},{TURN_USER},{TURN_PASSWORD}" for transport in transports
                if transport != "stun"]
        if transports:
            ice.append(f"--ca={network.turn_ca}")
        sizes = [option.partition("=")[2] for option in options if option.startswith("--receive=")]
        self.expects = int(sizes[0]) if sizes else 0
        super().__init__(f"rtc_peer of {side} ({role})", network.popen(
            f"client-{side}", *runner, programs.RTC_PEER, f"--role={role}", *ice, *options,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))

    def ends_well(self):
        status = self.process.wait(LIMIT)
        if status != 0:
            self.fail(f"exit status {status}")


class Client(JsonProgram):
    """client.py in the namespace of a client: its documentation says what it is told and what it tells."""

    def __init__(self, network, side, role, where, task="relayed", **options):
        super().__init__(f"client.py of {side} ({role})", network.popen(
            f"client-{side}", sys.executable, programs.CLIENT, role, where, task, json.dumps(options),
            env=programs.PYTHON_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def tell(self, command):
        """Gives it a command."""
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
