#!/usr/bin/env python3
"""The licences of all crates that the server is linked with, as they want to be passed on with the program.

Prints them; each text once, with the crates that it is for.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("LICENSE", "LICENCE", "COPY", "NOTICE", "UNLICENSE")


def metadata():
    host = next(line.split()[1] for line in subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True)
                .stdout.splitlines() if line.startswith("host: "))
    return json.loads(subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host, "--no-default-features",
         "--features", "server-bin"], check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def linked(data):
    """The packages that are in the program, and not only needed to build or to test it."""
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    packages = {package["id"]: package for package in data["packages"]}
    found, open_ids = set(), [data["resolve"]["root"]]
    while open_ids:
        for dependency in nodes[open_ids.pop()]["deps"]:
            kinds = [kind["kind"] for kind in dependency["dep_kinds"]]
            macro = any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])
            if None in kinds and not macro and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                open_ids.append(dependency["pkg"])
    return sorted((packages[identity] for identity in found), key=lambda package: package["name"])


def texts(package):
    directory = pathlib.Path(package["manifest_path"]).parent
    files = sorted(path for path in directory.iterdir() if path.is_file() and path.name.upper().startswith(NAMES))
    return [path.read_text(errors="replace").strip() for path in files]


def main():
    packages = linked(metadata())
    users, without = {}, []
    print("saltyrtc-server is linked with these crates, under these licences:\n")
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"    {name}: {package['license']}, {', '.join(package['authors']) or 'no authors named'}")
        found = texts(package)
        if not found:
            without.append(name)
        for text in found:
            users.setdefault(text, []).append(name)
    print("\nAnd with the standard library of Rust: MIT OR Apache-2.0, The Rust Project Developers.")
    if without:
        print(f"\nThese have no text of a licence with them: {', '.join(without)}.")
    for text, names in users.items():
        print(f"\n{'-' * 100}\n{', '.join(names)}:\n\n{text}")
    if not packages or not users:
        sys.exit("third-party-notices: there are no crates, or no texts")


main()
