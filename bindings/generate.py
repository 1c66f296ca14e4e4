#!/usr/bin/env python3
"""Writes the declarations of the bindings, and the table of features in README.md, from include/saltyrtc.json.

    generate.py            writes what is out of date
    generate.py --check    says what is out of date, and fails then

No binding has a declaration of a C function that was written by hand.
"""

import copy
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
# What this leaves behind would be a file that nobody asked for.
sys.dont_write_bytecode = True

from generator import cpp, kotlin, python, swift, table  # noqa: E402

HERE = Path(__file__).resolve().parent


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    description = json.loads((HERE.parent / "include/saltyrtc.json").read_text())
    # Each with a description of its own: they put it into words of their language.
    files = {}
    for language in (cpp, kotlin, python, swift):
        files.update(language.files(copy.deepcopy(description)))
    files["README.md"] = table.page(description, (HERE / "README.md").read_text())
    stale = [HERE / name for name, text in files.items() if not same(HERE / name, text)]
    if sys.argv[1:] == ["--check"]:
        if stale:
            names = ", ".join(str(path.relative_to(HERE.parent)) for path in stale)
            sys.exit(f"out of date: {names}: run bindings/generate.py, and commit the result")
        print(f"ok  {len(files)} files of the bindings say what include/saltyrtc.json says")
        return
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[str(path.relative_to(HERE))])
        print(f"written: {path.relative_to(HERE.parent)}")


def same(path, text):
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    main()
