#!/usr/bin/env python3
"""Checks that everything in the tree was written here: what others wrote comes from registries, where its licence,
its origin and advisories about it can be checked (make test-deny). The only text of others are licences and lock
files.

Arguments: --self-test, to show that each rule catches what it is for.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Our packages, by their directory.
PACKAGES = {".": "saltyrtc", "fuzz": "saltyrtc-fuzz", "benches/rtc-others": "rtc-others"}

LICENCES = {"LICENSE-APACHE", "LICENSE-MIT"}
LOCK_FILES = {"Cargo.lock", "package-lock.json"}
# Where others keep what is not theirs.
FOLDERS = re.compile(r"vendor(ed)?|third[-_]?party|extern(al)?s?|deps|subprojects|node_modules", re.IGNORECASE)
# What is not readable, so that nobody could say whose it is.
BUILT = re.compile(r"\.(a|o|so|dylib|dll|jar|wasm|gz|xz|zst|bz2|zip|tar|crate|min\.(js|css))$", re.IGNORECASE)
# What people write over their own text.
HEADER = re.compile(r"SPDX-|\bcopyright\b|\(c\)\s*\d{4}|©|\ball rights reserved\b|\blicensed under\b|@licen[sc]e\b"
                    r"|\bauthors?:\s", re.IGNORECASE)
# As in this file, which has to name them; and a package of Debian has a file with such a name.
ABOUT_HEADERS = {"scripts/check-foreign.py", "scripts/test-packages.sh"}


def packages(root, files):
    """Packages that are not ours, and dependencies that are a folder."""
    for file in files:
        directory = os.path.dirname(file) or "."
        if os.path.basename(file) != "Cargo.toml":
            continue
        if directory not in PACKAGES:
            yield f"{file}: a package that is not ours"
        read = subprocess.run(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1",
                               f"--manifest-path={root / file}"], stdout=subprocess.PIPE, text=True, check=True)
        for package in json.loads(read.stdout)["packages"]:
            for dependency in package["dependencies"]:
                name, source = dependency["name"], dependency["source"] or ""
                ours = dependency.get("path") == str(root) and name == PACKAGES["."]
                if not ours and not source.startswith("registry+"):
                    yield f"{file}: {name} is not from a registry"


def lock_files(root, files):
    """Packages in Cargo.lock that come from a folder or a repository: [patch] can do that too."""
    for file in files:
        if os.path.basename(file) != "Cargo.lock":
            continue
        for block in (root / file).read_text().split("[[package]]")[1:]:
            name, source = (re.search(rf'^{field} = "(.*)"', block, re.MULTILINE) for field in ("name", "source"))
            if source is None and name[1] not in PACKAGES.values() or source and not source[1].startswith("registry+"):
                yield f"{file}: {name[1]} is not from a registry"


def names(_, files):
    for file in files:
        for folder in Path(file).parts[:-1]:
            if FOLDERS.fullmatch(folder):
                yield f"{file}: the folder {folder} looks like one of foreign code"
        if BUILT.search(file):
            yield f"{file}: is not source"
        if os.path.basename(file) == ".gitmodules":
            yield f"{file}: submodules are code of somebody else"


def headers(root, files):
    for file in files:
        if file in LICENCES | ABOUT_HEADERS or os.path.basename(file) in LOCK_FILES:
            continue
        try:
            lines = (root / file).read_text().splitlines()
        except UnicodeDecodeError:
            yield f"{file}: is not text"
            continue
        for number, line in enumerate(lines, 1):
            if HEADER.search(line):
                yield f"{file}:{number}: {line.strip()[:100]}"


def problems(root, files):
    for rule in (packages, lock_files, names, headers):
        yield from rule(root, files)


def tracked(root):
    output = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(file for file in output.split("\0") if file and (root / file).is_file())


MANIFEST = '[package]\nname = "saltyrtc"\nversion = "0.1.0"\nedition = "2024"\n[lib]\npath = "src/lib.rs"\n'
# A tree that is in order, and then one more file or another one in its place; and what is to be found.
IN_ORDER = {
    "Cargo.toml": MANIFEST + '[dependencies]\nbytes = "1"\n',
    "src/lib.rs": "//! Ours.\n",
    "fuzz/Cargo.toml": '[package]\nname = "saltyrtc-fuzz"\nedition = "2024"\n[lib]\npath = "lib.rs"\n'
                       '[dependencies]\nsaltyrtc = { path = ".." }\n[workspace]\n',
    "fuzz/lib.rs": "",
    "Cargo.lock": '[[package]]\nname = "bytes"\nsource = "registry+https://example.org/index"\n\n'
                  '[[package]]\nname = "saltyrtc"\n',
    "LICENSE-MIT": "Copyright (c) 2026\n",
}
FOUND = [
    ("Cargo.toml", MANIFEST + '[dependencies]\nother = { path = "parts/other" }\n', "other is not from a registry"),
    ("Cargo.toml", MANIFEST + '[dev-dependencies]\nother = { path = "parts/other", version = "1" }\n',
     "other is not from a registry"),
    ("Cargo.toml", MANIFEST + '[target."cfg(unix)".dependencies.other]\npath = "parts/other"\n',
     "other is not from a registry"),
    ("Cargo.toml", MANIFEST + '[dependencies]\nother = { git = "https://example.org/other" }\n',
     "other is not from a registry"),
    ("Cargo.lock", '[[package]]\nname = "other"\nversion = "1.0.0"\n', "other is not from a registry"),
    ("Cargo.lock", '[[package]]\nname = "other"\nsource = "git+https://example.org/other"\n',
     "other is not from a registry"),
    ("parts/other/Cargo.toml", '[package]\nname = "other"\n[lib]\npath = "../../src/lib.rs"\n[workspace]\n',
     "a package that is not ours"),
    ("vendor/other.c", "", "the folder vendor looks"),
    ("src/third_party/other.rs", "", "the folder third_party looks"),
    ("src/other.rs", "// Copyright 2020 Somebody Else\n", "src/other.rs:1:"),
    ("include/other.h", "\n/* SPDX-License-Identifier: MIT */\n", "include/other.h:2:"),
    ("examples-web/other.js", "/*! (c) 2019 Somebody\n", "examples-web/other.js:1:"),
    ("src/LICENSE-MIT", "Copyright (c) Somebody\n", "src/LICENSE-MIT:1:"),
    ("build/other.a", "", "is not source"),
    ("examples-web/other.min.js", "", "is not source"),
    (".gitmodules", "", "submodules"),
]


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()

        def check(files):
            with tempfile.TemporaryDirectory(dir=root) as tree:
                for file, text in files.items():
                    path = Path(tree, file)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                return list(problems(Path(tree), sorted(files)))

        assert check(IN_ORDER) == [], check(IN_ORDER)
        for file, text, expected in FOUND:
            found = check(IN_ORDER | {file: text})
            # One reason each: nothing is found only because of something else.
            assert len(found) == 1 and found[0].startswith(file) and expected in found[0], (file, text, found)
    print(f"check-foreign: all {len(FOUND)} offences are found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    found = list(problems(ROOT, tracked(ROOT)))
    for problem in found:
        print(f"check-foreign: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
