#!/usr/bin/env python3
"""Puts the programs of bindings/kotlin/README.md, as they stand there, into files that the tests compile and run.

Argument: the folder, which is made anew.
"""

import re
import shutil
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "bindings/kotlin/README.md"


def main():
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    blocks = re.findall(r"^```kotlin\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    programs = [block for block in blocks if "suspend fun main()" in block]
    first = [line for line in programs[0].splitlines() if line.strip()]
    if len(first) > 12:
        sys.exit(f"{README}: the first program has {len(first)} lines, and should have 12 at most")
    for number, program in enumerate(programs, 1):
        # A package for each, because they all have a function of the same name.
        (folder / f"Program{number}.kt").write_text(f"package readme.program{number}\n\n{program}")


main()
