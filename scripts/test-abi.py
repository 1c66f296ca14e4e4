#!/usr/bin/env python3
"""Compares the ABI with that of the releases it has to be compatible with, as a compiler sees both: abidiff looks at
what debug information says about the headers. `cargo test --test header` compares the descriptions, which says more;
what may change is in ABI.md.

Then it makes changes up, to see that those that break programs are noticed and the others are not.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CURRENT = ROOT / "include" / "saltyrtc.h", ROOT / "include" / "saltyrtc.json"


def library(directory, name, header, description):
    """A library that has the functions of a header, and nothing in them."""
    functions = []
    for function in description["functions"]:
        parameters = ", ".join(f"{one['type']} {one['name']}" for one in function["parameters"])
        functions.append(f"{function['returns']} {function['name']}({parameters}) {{ __builtin_trap(); }}")
    # The same names for both, so that nothing differs but what is compared.
    place = directory / name
    place.mkdir()
    (place / "saltyrtc.h").write_text(header)
    (place / "saltyrtc.cpp").write_text(
        '#include "saltyrtc.h"\nextern "C" {\n' + "\n".join(functions) + "\n}\n"
    )
    command = ["g++", "-std=c++11", "-g", "-shared", "-fPIC", "-o", "libsaltyrtc.so", "saltyrtc.cpp"]
    subprocess.run(command, cwd=place, check=True)
    return place / "libsaltyrtc.so"


def growing(directory, description):
    """Structures that say how large they are may grow at their end."""
    names = [one["name"] for one in description["structs"] if one["fields"][0]["name"].endswith("_size")]
    rules = [
        f"[suppress_type]\nname = {name}\ntype_kind = struct\nhas_data_member_inserted_at = end\n" for name in names
    ]
    path = directory / "growing.abignore"
    path.write_text("\n".join(rules))
    return path


def abidiff(old, new, rules):
    """What it says; nothing if programs notice nothing."""
    # Each change by itself: a structure that may change is no excuse for one inside of it.
    command = ["abidiff", "--leaf-changes-only", "--no-added-syms", "--suppressions", rules, old, new]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode & 3:
        sys.exit(f"test-abi: abidiff failed:\n{result.stdout}")
    return result.stdout.strip() if result.returncode else ""


def replaced(text, old, new):
    """Once, and it has to be there."""
    changed, count = re.subn(old, new, text, count=1, flags=re.DOTALL)
    assert count == 1, old
    return changed


def without(description, name):
    functions = [one for one in description["functions"] if one["name"] != name]
    assert len(functions) < len(description["functions"])
    return {**description, "functions": functions}


def with_parameter(description, function, number, kind):
    """A parameter with another type."""
    copy = json.loads(json.dumps(description))
    (found,) = [one for one in copy["functions"] if one["name"] == function]
    found["parameters"][number]["type"] = kind
    return copy


def self_test(directory, header, description, rules):
    field = r"(typedef struct saltyrtc_{} \{{.*?)(\n}} saltyrtc_{};)"
    breaking = {
        "a function is gone": (header, without(description, "saltyrtc_key_to_hex")),
        "a parameter has another type": (
            replaced(header, r"(saltyrtc_client_next_event\([^;]*?)int64_t timeout_ms", r"\1int32_t timeout_ms"),
            with_parameter(description, "saltyrtc_client_next_event", 1, "int32_t"),
        ),
        "an enumerator has another number": (
            replaced(header, r"SALTYRTC_STATE_TASK = 5", "SALTYRTC_STATE_TASK = 6"),
            description,
        ),
        "a field is gone": (
            replaced(header, r"(typedef struct saltyrtc_event \{.*?)\n    uint8_t address;", r"\1"),
            description,
        ),
        "a field moves": (
            replaced(header, r"(typedef struct saltyrtc_event \{.*?\n)(    uint8_t address;)", r"\1    uint64_t new_one;\n\2"),
            description,
        ),
        "a structure grows that must not": (
            replaced(header, field.format("candidate", "candidate"), r"\1\n    int32_t new_one[4];\2"),
            description,
        ),
    }
    compatible = {
        "nothing": (header, description),
        "a function is new": (
            replaced(header, r"(\n#ifdef __cplusplus\n\} // extern)", r"\nSALTYRTC_API void saltyrtc_new_one(void);\n\1"),
            {**description, "functions": description["functions"]
             + [{"name": "saltyrtc_new_one", "returns": "void", "parameters": []}]},
        ),
        "an enumerator is new": (
            replaced(header, r"SALTYRTC_STATE_TASK = 5,", "SALTYRTC_STATE_TASK = 5, SALTYRTC_STATE_NEW = 6,"),
            description,
        ),
        "a structure has a new field at its end": (
            replaced(header, field.format("event", "event"), r"\1\n    uint64_t new_one;\2"),
            description,
        ),
    }
    old = library(directory, "unchanged", header, description)
    for number, (what, changed) in enumerate({**breaking, **compatible}.items()):
        said = abidiff(old, library(directory, f"changed-{number}", *changed), rules)
        if bool(said) != (what in breaking):
            sys.exit(f"test-abi: '{what}' should {'' if what in breaking else 'not '}be noticed: {said or 'it is not'}")
    print(f"{len(breaking)} changes that break programs are noticed, {len(compatible)} others are not")


def main():
    header, description = CURRENT[0].read_text(), json.loads(CURRENT[1].read_text())
    releases = sorted((ROOT / "abi").glob("saltyrtc-*.json"))
    assert releases, "there is a description of each release"
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        rules = growing(directory, description)
        new = library(directory, "current", header, description)
        for path in releases:
            release = json.loads(path.read_text())
            if release["abi_version"] != description["abi_version"]:
                continue
            old = library(directory, path.stem, path.with_suffix(".h").read_text(), release)
            said = abidiff(old, new, rules)
            if said:
                sys.exit(f"test-abi: programs made for {release['version']} break (see ABI.md):\n{said}")
            print(f"compatible with {release['version']}")
        self_test(directory, header, description, rules)


main()
