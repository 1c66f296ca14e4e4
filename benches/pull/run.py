#!/usr/bin/env python3
"""Measures how fast C programs take events that wait, and writes the figures into benches/README.md.

Argument: the program (waiting.c). With --quick it only prints rough figures.
"""

import datetime
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- bench-pull: begin (written by make bench-pull) -->"
END = "<!-- bench-pull: end -->"
WAYS = {
    "one": "one by one (`saltyrtc_client_next_event`)",
    "events": "in batches from a queue (`saltyrtc_queue_next_events`)",
    "records": "as records from a queue (`saltyrtc_queue_read`)",
}
CLIENTS = 50


def measure(program, way):
    """Nanoseconds of processor time per event."""
    output = subprocess.run([program, way, str(CLIENTS)], stdout=subprocess.PIPE, text=True, check=True).stdout
    count, _, thread = output.split()
    return float(thread) / int(count) * 1e9


def main():
    quick = "--quick" in sys.argv
    (program,) = (argument for argument in sys.argv[1:] if argument != "--quick")
    rounds = 3 if quick else 9
    results = {way: [] for way in WAYS}
    for _ in range(rounds):
        # Right after each other, so that what else the machine does is the same for all.
        for way in WAYS:
            results[way].append(measure(program, way))
    lines = [
        f"{datetime.date.today()}: {os.cpu_count()} cores, {platform.system()} {platform.release()}. "
        f"Medians of {rounds} rounds of {CLIENTS * 1000} events, of {CLIENTS} clients.",
        "",
        "| | processor time per event, ns | events/s of one core | one by one / this |",
        "|---|--:|--:|--:|",
    ]
    for way, name in WAYS.items():
        nanoseconds = statistics.median(results[way])
        ratio = statistics.median(one / this for one, this in zip(results["one"], results[way]))
        lines.append(f"| {name} | {nanoseconds:.0f} | {1e9 / nanoseconds:,.0f} | {ratio:.2f} |".replace(",", " "))
    text = "\n".join(lines)
    print(text)
    if not quick:
        before, begin, rest = README.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise SystemExit(f"{README} has lost its lines {BEGIN} and {END}")
        README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


main()
