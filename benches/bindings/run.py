#!/usr/bin/env python3
"""Measures the bindings against C, and writes the figures into benches/README.md (--quick: only prints rough ones).

Arguments: the C program (peer.c), the Python with the package, and for each other language NAME=COMMAND, a program that
has `receive INVITATION` and `send COUNT`.
"""

import datetime
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- bench-bindings: begin (written by make bench-bindings) -->", "<!-- bench-bindings: end -->"


def measure(sender, receiver, count):
    """Messages per second, and microseconds of the processor per message: of the thread, and of the whole process."""
    sending = subprocess.Popen([*sender, str(count)], stdout=subprocess.PIPE, text=True)
    invitation = sending.stdout.readline().strip()
    received = subprocess.run([*receiver, invitation], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    sent = sending.communicate()[0].split()
    if sending.returncode or int(received[0]) != count or int(sent[0]) != count:
        raise SystemExit(f"{sender} {receiver}: {sent} {received}")
    return [figures(it) for it in (sent, received)]


def figures(output):
    count, seconds, thread, process = int(output[0]), *map(float, output[1:])
    return count / seconds, thread / count * 1e6, process / count * 1e6


def main():
    quick = "--quick" in sys.argv
    c, python, *others = [argument for argument in sys.argv[1:] if argument != "--quick"]
    count, rounds = (100_000, 1) if quick else (300_000, 7)
    send_c = [c, "send"]
    in_python = [python, HERE / "peer.py"]
    ways = {
        "C, event by event (`saltyrtc_client_next_event`)": (send_c, [c, "pull"], 1),
        "C, in batches (`saltyrtc_queue_next_events`)": (send_c, [c, "queue"], 1),
        "Python, asyncio": (send_c, [*in_python, "asyncio"], 1),
        "Python, `saltyrtc.sync`": (send_c, [*in_python, "sync"], 1),
        "C, sending": (send_c, [c, "queue"], 0),
        "Python, asyncio, sending": ([*in_python, "send-asyncio"], [c, "queue"], 0),
        "Python, `saltyrtc.sync`, sending": ([*in_python, "send-sync"], [c, "queue"], 0),
    }
    for name, _, command in (other.partition("=") for other in others):
        ways[name] = (send_c, [*shlex.split(command), "receive"], 1)
        ways[f"{name}, sending"] = ([*shlex.split(command), "send"], [c, "queue"], 0)
    results = {name: [] for name in ways}
    for _ in range(rounds):
        # Right after each other, so that what else the machine does is the same for all.
        for name, (sender, receiver, side) in ways.items():
            results[name].append(measure(sender, receiver, count)[side])
    text = table(results, count, rounds, python)
    print(text)
    if not quick:
        write(text)


def table(results, count, rounds, python):
    version = subprocess.run([python, "-c", "import platform as p; print(p.python_implementation(), p.python_version())"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    lines = [f"{datetime.date.today()}: {os.cpu_count()} cores, {platform.system()} {platform.release()}, {version}. "
             f"Medians of {rounds} rounds of {count} messages of 64 B; load of the machine: {os.getloadavg()[2]:.0f}.", "",
             "| | messages/s | against C | CPU of the thread, µs per message | CPU of the process, µs per message |",
             "|---|--:|--:|--:|--:|"]
    for name, rows in results.items():
        base = results["C, sending" if "sending" in name else next(iter(results))]
        ratio = statistics.median(row[0] / other[0] for row, other in zip(rows, base))
        rate, thread, process = (statistics.median(row[i] for row in rows) for i in range(3))
        # Not of those that do not know on which thread they run.
        thread = f"{thread:.2f}" if thread == thread else ""
        lines.append(f"| {name} | {rate:,.0f} | {ratio:.2f} | {thread} | {process:.2f} |")
    return "\n".join(lines)


def write(text):
    page = README.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


main()
