#!/usr/bin/env python3
"""The programs in bindings/swift/README.md, for scripts/test-swift.sh.

    swift-readme.py extract DIRECTORY     writes each program into a directory of its own in there
    swift-readme.py compare DIRECTORY     compares what they have printed (in `output`) with what their comments say
"""

import re
import shutil
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "bindings/swift/README.md"
PROGRAMS = re.findall(r"^```swift\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
MOST_LINES = 12


def main():
    do, directory = sys.argv[1], Path(sys.argv[2])
    if do == "extract":
        lines = [line for line in PROGRAMS[0].splitlines() if line]
        if len(PROGRAMS) < 6 or len(lines) > MOST_LINES:
            sys.exit(f"{README}: {len(PROGRAMS)} programs, the first with {len(lines)} lines")
        shutil.rmtree(directory, ignore_errors=True)
        for number, program in enumerate(PROGRAMS):
            (directory / str(number)).mkdir(parents=True)
            (directory / str(number) / "main.swift").write_text(program)
        return
    for number, program in enumerate(PROGRAMS):
        expected = re.findall(r"print\(.*\)  // (.*)$", program, re.MULTILINE)
        printed = (directory / str(number) / "output").read_text().splitlines()
        if not expected or sorted(printed) != sorted(expected):
            sys.exit(f"{README}: program {number} printed {printed}, and not {expected}")
    print(f"ok  {len(PROGRAMS)} programs of README.md")


main()
