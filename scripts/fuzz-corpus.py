#!/usr/bin/env python3
"""The inputs that the fuzz targets begin with: fuzz/corpus/TARGET, one in base64 on each line.

    fuzz-corpus.py unpack TARGET DIRECTORY    makes files of them
    fuzz-corpus.py pack TARGET DIRECTORY      replaces them by the smallest files there: at most 120, of 1 KiB at most.
                                              `build/fuzz/…/TARGET -set_cover_merge=1 DIRECTORY …` chooses them
"""

import base64
import sys
from pathlib import Path

MOST, LARGEST = 120, 1024


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__)
    action, target, directory = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    packed = Path(__file__).resolve().parent.parent / "fuzz/corpus" / target
    if action == "unpack":
        directory.mkdir(parents=True, exist_ok=True)
        for number, line in enumerate(packed.read_text().split()):
            (directory / f"{number:03}").write_bytes(base64.b64decode(line))
        return
    inputs = sorted((path.read_bytes() for path in directory.iterdir()), key=lambda data: (len(data), data))
    kept = [data for data in inputs if 0 < len(data) <= LARGEST][:MOST]
    packed.write_text("".join(base64.b64encode(data).decode() + "\n" for data in kept))
    print(f"{target}: {len(kept)} of {len(inputs)}")


if __name__ == "__main__":
    main()
